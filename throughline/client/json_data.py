"""A task's data as JSON: what JSON cannot say is refused with the path of the value, before anything is sent."""

import json
from collections.abc import Mapping
from typing import Any

from throughline.client.errors import InvalidRequest
from throughline.json_value import wrong_value


def encoded(body: Mapping[str, Any]) -> bytes:
    """The request's body; raises `InvalidRequest` for what no JSON document can hold."""
    if wrong := wrong_value(body, "", names_are_text=True):
        raise InvalidRequest(f"This cannot be sent as JSON: {wrong}.")
    try:
        return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain).encode()
    except RecursionError:
        raise InvalidRequest("This cannot be sent as JSON: it is nested too deeply.") from None


def _plain(value: Any) -> Any:
    """A pydantic model within the data, or a mapping that is no dict."""
    return dict(value) if isinstance(value, Mapping) else value.model_dump(mode="json", by_alias=True)
