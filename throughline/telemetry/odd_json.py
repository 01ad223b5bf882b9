"""JSON of what orjson refuses with a TypeError: half a surrogate pair, an integer of more than 64 bits."""

import json
from typing import Any


def odd_json(value: Any) -> bytes:
    """Somebody's odd text must not cost the line, or the hundred spans, that it is in: a `?` takes its place."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str).encode(errors="replace")
