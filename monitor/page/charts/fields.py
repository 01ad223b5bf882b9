"""What a chart's paths lead to in a result: numbers and names, or why they cannot be drawn."""

import math
from collections.abc import Sequence
from typing import Any, Final

from monitor.page.contents.visible import in_one_line

MOST: Final = 200_000  # numbers of one field
_LARGEST: Final = 1e300  # twice that is still a number
_LONGEST_NAME: Final = 80
Number = float | None


class Absent(Exception):
    """The result does not have the field: there is nothing to draw."""


class Undrawable(Exception):
    """The result has it, and it cannot be drawn; says why."""


def found(result: Any, path: str) -> Any:
    """The value at the path, a list where the path goes through one; raises `Absent`."""
    name, _, rest = path.partition(".")
    several = name.endswith("[]")
    name = name.removesuffix("[]")
    if not isinstance(result, dict) or name not in result:
        raise Absent(path)
    value = result[name]
    if not several:
        return found(value, rest) if rest else value
    if not isinstance(value, list):
        raise Undrawable(f"{name} is no list")
    if not rest:
        return value
    return [_of_one(each, rest) for each in value[:MOST]]


def numbers(result: Any, path: str) -> list[Number]:
    """Of a list, or of a single number; null stays None."""
    value = found(result, path)
    values = value if isinstance(value, list) else [value]
    if len(values) > MOST:
        raise Undrawable(f"{path} has {len(values):,} numbers, more than the {MOST:,} that are drawn")
    return [_number(each, path) for each in values]


def all_numbers(result: Any, path: str) -> list[float]:
    """The same where none may be null."""
    every = numbers(result, path)
    known = [each for each in every if each is not None]
    if len(known) < len(every):
        raise Undrawable(f"{path} is null")
    return known


def one_number(result: Any, path: str) -> Number:
    """None where there is none: a mark that a result does not have is left out."""
    try:
        told = numbers(result, path)
    except (Absent, Undrawable):
        return None
    return told[0] if len(told) == 1 else None


def names(result: Any, path: str, count: int) -> list[str]:
    """As many as there are numbers; raises `Undrawable`."""
    value = found(result, path)
    told = value if isinstance(value, list) else [value]
    if len(told) != count:
        raise Undrawable(f"{path} has {len(told):,} names for {count:,} numbers")
    return [name(each) for each in told]


def name(value: Any) -> str:
    """A name as one short line."""
    return in_one_line(str(value), _LONGEST_NAME) if isinstance(value, str | int | float) else "?"


def same_length(first: Sequence[Any], second: Sequence[Any], paths: str) -> None:
    if len(first) != len(second):
        raise Undrawable(f"{paths} have {len(first):,} and {len(second):,} numbers")


def _of_one(value: Any, path: str) -> Any:
    try:
        return found(value, path)
    except Absent:
        return None


def _number(value: Any, path: str) -> Number:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Undrawable(f"{path} holds what is no number")
    if not -_LARGEST <= value <= _LARGEST or math.isnan(value):
        raise Undrawable(f"{path} holds a number that is too large to be drawn")
    return float(value)
