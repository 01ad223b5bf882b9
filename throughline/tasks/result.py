"""What a task's function returned, as JSON: plain values, and pydantic models as their fields."""

import json
from collections.abc import Iterable
from math import isfinite, isnan
from typing import Any, Final

import orjson
from pydantic import BaseModel

from throughline.errors import InvalidResult
from throughline.ledger.celery_result import DEEPEST, is_too_deep

_TOO_DEEP: Final = "it is nested too deeply, or holds itself"
_KEYS: Final = (str, int, float, bool, type(None))  # what json.dumps takes for a key


def as_json(result: Any) -> Any:
    """The result, its models as plain values; `InvalidResult` for what is not JSON or holds a NaN or an infinity."""
    models = 0

    def fields(value: Any) -> Any:
        nonlocal models
        if not isinstance(value, BaseModel):
            raise TypeError
        models += 1
        return value.model_dump(mode="json", by_alias=True)

    try:
        text = json.dumps(result, allow_nan=False, ensure_ascii=False, default=fields)
        orjson.loads(text.encode())  # as others will read it
        may_be_too_deep = text.count("[") + text.count("{") > DEEPEST
        plain = json.loads(text) if models or may_be_too_deep else result
    except (TypeError, ValueError, RecursionError):
        raise InvalidResult(f"A task's result must be JSON: {_mistake(result)}.") from None
    if may_be_too_deep and is_too_deep(plain):
        raise InvalidResult(f"A task's result must be JSON: {_TOO_DEEP}.")
    return plain if models else result


def _mistake(result: Any) -> str:
    try:
        return _mistake_in(result, "result") or "it holds a value that no JSON reader takes"
    except RecursionError:
        return _TOO_DEEP


def _mistake_in(value: Any, path: str) -> str | None:
    if isinstance(value, BaseModel):
        return _mistake_in(value.model_dump(mode="json", by_alias=True), path)
    if isinstance(value, dict):
        if wrong := [type(key).__name__ for key in value if not isinstance(key, _KEYS)]:
            return f"a key of {path} is a {wrong[0]}"
        return _first((each, f"{path}[{key!r}]") for key, each in value.items())
    if isinstance(value, list | tuple):
        return _first((each, f"{path}[{i}]") for i, each in enumerate(value))
    return _mistake_of(value, path)


def _first(parts: Iterable[tuple[Any, str]]) -> str | None:
    return next(filter(None, (_mistake_in(value, path) for value, path in parts)), None)


def _mistake_of(value: Any, path: str) -> str | None:
    match value:
        case None | bool():
            return None
        case str():
            return None if _is_text(value) else f"{path} is no valid text"
        case int():
            return None if abs(value) < 10**308 else f"{path} is too large a number"
        case float():
            return None if isfinite(value) else f"{path} is {'NaN' if isnan(value) else 'infinite'}"
        case _:
            return f"{path} is a {type(value).__name__}"


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
