"""Which value JSON cannot hold, where it stands and why: `result.legs[0].price is NaN: JSON has no such number`."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from math import isfinite, isnan
from typing import Any, Final

TOO_DEEP: Final = "nested too deeply, or holds itself"
_PLAIN_NAME: Final = re.compile(r"[^\W\d][\w-]{0,63}")
_LONGEST_NAME: Final = 64
_TOO_LARGE: Final = 10**308  # a reader whose numbers are floats takes none above
_NAMES: Final = (str, int, float, bool, type(None))  # what json.dumps makes a name of


def wrong_value(value: Any, path: str, *, names_are_text: bool = False) -> str:
    """The first value that is not JSON, with its path; empty when all are.

    Pydantic models count as their fields. A name that is a number is one if it is written as text, unless names must be
    text.
    """
    try:
        return next(_wrong(value, path, names_are_text), "")
    except RecursionError:
        return f"{path} is {TOO_DEEP}".strip()


def not_finite(value: Any, path: str) -> str:
    """The same for numbers alone, in what was read as JSON, however deep it is: Python's own reader takes NaN."""
    found = _first(value, path, lambda each: isinstance(each, float) and not isfinite(each))
    return f"{found[0]} {_reason(found[1])}" if found else ""


def beyond_64_bits(value: Any, path: str) -> str:
    """The same for integers that a reader makes floats of, which have 53 bits: digits would be lost without a word."""
    found = _first(value, path, lambda each: isinstance(each, int) and not -(2**63) <= each < 2**64)
    return f"{found[0]} is an integer of more than 64 bits: send it as text, or as a float" if found else ""


def _first(value: Any, path: str, is_wrong: Callable[[Any], bool]) -> tuple[str, Any] | None:
    """The first value in lists and objects of which this is so, and its path; None when there is none."""
    left = [(value, path)]
    while left:
        value, path = left.pop()
        if isinstance(value, dict):
            left += [(each, _below(path, name)) for name, each in reversed(value.items())]
        elif isinstance(value, list):
            left += [(each, f"{path}[{index}]") for index, each in reversed(list(enumerate(value)))]
        elif is_wrong(value):
            return path, value
    return None


def _wrong(value: Any, path: str, names_are_text: bool) -> Iterator[str]:
    if callable(dump := getattr(value, "model_dump", None)) and not isinstance(value, type):
        try:
            value = dump(mode="json", by_alias=True)
        except (TypeError, ValueError):
            yield f"{path} is a {_kind(value)} with a field that pydantic does not write as JSON"
            return
    if isinstance(value, Mapping):
        yield from _wrong_names(value, path, names_are_text)
        for name, each in value.items():
            yield from _wrong(each, _below(path, name), names_are_text)
    elif isinstance(value, list | tuple):
        for index, each in enumerate(value):
            yield from _wrong(each, f"{path}[{index}]", names_are_text)
    elif reason := _reason(value):
        yield f"{path} {reason}".strip()


def _wrong_names(value: Mapping[Any, Any], path: str, names_are_text: bool) -> Iterator[str]:
    place = path or "(body)"
    for name in value:
        if isinstance(name, str) and not _is_text(name):
            yield f"{place} has the key {_shown(name)}, which is no valid text"
        elif not isinstance(name, str) and names_are_text:
            yield f"{place} has the key {_shown(name)}, which is not text"
        elif not isinstance(name, _NAMES):
            yield f"a key of {place} is a {_kind(name)}"
        elif isinstance(name, float) and not isfinite(name):
            yield f"a key of {place} {_reason(name)}"
    written = Counter(map(_as_name, value))
    yield from (f"{place} has two keys that are both written {_shown(name)}" for name, n in written.items() if n > 1)


def _reason(value: object) -> str:
    """Why this is not JSON; empty when it is."""
    match value:
        case None | bool():
            return ""
        case str():
            return "" if _is_text(value) else "is no valid text: it holds half of a surrogate pair"
        case int():
            return "" if abs(value) < _TOO_LARGE else "is too large a number"
        case float():
            return "" if isfinite(value) else f"is {'NaN' if isnan(value) else 'infinite'}: JSON has no such number"
        case _:
            plain = ": .tolist() makes plain values of it" if hasattr(value, "tolist") else ""
            return f"is a {_kind(value)}{plain}"


def _kind(value: object) -> str:
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _below(path: str, name: object) -> str:
    if isinstance(name, str) and _PLAIN_NAME.fullmatch(name):
        return f"{path}.{name}" if path else name
    return f"{path}[{_shown(name)}]"


def _as_name(name: object) -> object:
    """As json.dumps writes it."""
    match name:
        case bool():
            return "true" if name else "false"
        case None:
            return "null"
        case int():
            return int.__repr__(name)
        case float():
            return float.__repr__(name)
        case _:
            return name


def _shown(name: object) -> str:
    return repr(name if not isinstance(name, str) or len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…")


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
