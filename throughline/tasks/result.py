"""What a task's function returned, as JSON: plain values, and pydantic models as their fields."""

import json
from collections.abc import Mapping
from typing import Any, Final

import orjson
from pydantic import BaseModel

from throughline.errors import InvalidResult
from throughline.json_value import TOO_DEEP, wrong_value
from throughline.ledger.celery_result import is_too_deep, may_be_too_deep

_NO_READER: Final = "it holds a value that no reader of JSON takes"


def as_json(result: Any) -> Any:
    """The result as whoever reads it will see it; `InvalidResult` names the first value that is not JSON."""
    try:
        text = json.dumps(result, allow_nan=False, ensure_ascii=False, default=_fields)
        read = orjson.loads(text.encode())  # as others will read it
        is_deep = may_be_too_deep(text)
        # What it held may have been models, tuples, numbers for names; and orjson does not read every digit.
        is_plain = not is_deep and read == result
        plain = result if is_plain else json.loads(text, object_pairs_hook=_each_name_once)
    except (TypeError, ValueError, RecursionError):
        raise InvalidResult(f"A task's result must be JSON: {wrong_value(result, 'result') or _NO_READER}.") from None
    if is_deep and is_too_deep(plain):
        raise InvalidResult(f"A task's result must be JSON: it is {TOO_DEEP}.")
    return plain


def _fields(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError


def _each_name_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """1 and "1" are two keys of a dict and one name in JSON."""
    read = dict(pairs)
    if len(read) < len(pairs):
        raise ValueError
    return read
