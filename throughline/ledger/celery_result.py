"""Celery's own result of a task, as the api can tell it: whoever wrote it, a stock Celery worker too.

One result that could not be told would take every list with it that its task is in.
"""

import json
from typing import Any, Final

import orjson

DEEPEST: Final = 200  # lists and objects in one another: what writes the api's answers gives up at 255
_SERIALIZER: Final = 254  # orjson's own limit
_TOO_DEEP: Final = "(nested too deeply)"


def celery_meta(text: str) -> dict[str, Any]:
    """Its fields: `status`, `result` and others. Empty when it is none, or no JSON at all, such as a pickle.

    Integers are exact, however large. Half of a surrogate pair becomes a question mark: it is in a message that quotes
    the name of a file, and UTF-8 has no bytes for it.
    """
    try:
        meta = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        return {}
    if not isinstance(meta, dict):
        return {}
    return meta if _can_be_told(meta) else {_text(name): _told(value, DEEPEST) for name, value in meta.items()}


def is_too_deep(value: Any) -> bool:
    """Whether lists and objects are nested more than `DEEPEST` deep."""
    return not _can_be_told(value) and _is_deeper(value, DEEPEST)


def _can_be_told(value: Any) -> bool:
    """Fast, and false also for a value whose only oddity is a large integer."""
    for _ in range(_SERIALIZER - DEEPEST):
        value = [value]
    try:
        orjson.dumps(value)
    except TypeError:
        return False
    return True


def _is_deeper(value: Any, most: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    return most == 0 or any(
        _is_deeper(each, most - 1) for each in (value.values() if isinstance(value, dict) else value)
    )


def _told(value: Any, most: int) -> Any:
    match value:
        case str():
            return _text(value)
        case list() | dict() if most == 0:
            return _TOO_DEEP
        case list():
            return [_told(each, most - 1) for each in value]
        case dict():
            return {_text(name): _told(each, most - 1) for name, each in value.items()}
        case _:
            return value


def _text(value: str) -> str:
    return value.encode("utf-8", "replace").decode()
