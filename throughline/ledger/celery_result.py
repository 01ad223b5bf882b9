"""Celery's own result of a task, as the api can tell it: whoever wrote it, a stock Celery worker too.

One result that could not be told would take every list with it that its task is in.
"""

import json
from typing import Any, Final, NamedTuple

import orjson

from throughline.json_value import not_finite

DEEPEST: Final = 200  # lists and objects in one another: what writes the api's answers gives up at 255
_SERIALIZER: Final = 254  # orjson's own limit
_TOO_DEEP: Final = "(nested too deeply)"


class CeleryResult(NamedTuple):
    """`unreadable` says why the field `result` cannot be told; then it is not among the others."""

    fields: dict[str, Any]
    unreadable: str = ""


def celery_result(text: str) -> CeleryResult:
    """Without fields when it is none, or no JSON at all, such as a pickle.

    A result with a NaN cannot be told: a null in its place would be another result. Integers are exact, however large.
    Half of a surrogate pair becomes a question mark: it is in a message that quotes the name of a file, and UTF-8 has
    no bytes for it.
    """
    try:
        fields = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        return CeleryResult({}, "it is not JSON")
    if not isinstance(fields, dict):
        return CeleryResult({}, "it is not what Celery stores")
    if is_strict(text) and (not may_be_too_deep(text) or _can_be_told(fields)):
        return CeleryResult(fields)
    unreadable = not_finite(fields.get("result"), "result")
    if unreadable:
        fields.pop("result")
    return CeleryResult({_text(name): _told(value, DEEPEST) for name, value in fields.items()}, unreadable)


def is_strict(text: str) -> bool:
    """Whether every reader of JSON takes it: Python's own takes NaN, boundless numbers, halves of characters."""
    try:
        orjson.loads(text)
    except ValueError:
        return False
    return True


def may_be_too_deep(text: str | bytes) -> bool:
    """Whether it has so many brackets at all: fast, and false for most."""
    brackets = (b"[", b"{") if isinstance(text, bytes) else ("[", "{")
    return sum(map(text.count, brackets)) > DEEPEST  # type: ignore[arg-type]


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
