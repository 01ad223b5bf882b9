"""A task's data as JSON: what JSON cannot say is refused with the path of the value, before anything is sent."""

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from throughline.client.errors import InvalidRequest


def encoded(body: Mapping[str, Any]) -> bytes:
    """The request's body; raises `InvalidRequest` for what no JSON document can hold."""
    try:
        if wrong := next(_wrong(body, ""), None):
            raise InvalidRequest(f"This cannot be sent as JSON: {wrong}.")
        return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=dict).encode()
    except RecursionError:
        raise InvalidRequest("This cannot be sent as JSON: it is nested too deeply, or contains itself.") from None


def _wrong(value: Any, path: str) -> Iterator[str]:
    """Path and reason of each value that is not JSON."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if isinstance(key, str) and _is_text(key):
                yield from _wrong(inner, f"{path}.{key}" if path else key)
            else:
                yield f"{path} has the key {key!r}, which is not text"
    elif isinstance(value, (list, tuple)):
        for index, inner in enumerate(value):
            yield from _wrong(inner, f"{path}[{index}]")
    elif reason := _reason(value):
        yield f"{path} {reason}"


def _reason(value: object) -> str:
    """Why this is not JSON; empty when it is."""
    if isinstance(value, float) and not math.isfinite(value):
        return f"is {value}, which JSON does not have"
    if isinstance(value, str) and not _is_text(value):
        return "holds half of a surrogate pair"
    if value is None or isinstance(value, (bool, int, float, str)):
        return ""
    return f"is a {type(value).__module__}.{type(value).__qualname__}"


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
