"""JSON as people read it: indented, short lists and objects on one line, and no more of it than a page can hold."""

import json
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from monitor.page.contents.visible import visible

MOST: Final = 20_000  # characters of one value on a page
_WIDTH: Final = 100
_ON_ONE_LINE: Final = 12  # values in a short list or object
_DEEPEST: Final = 100
_SHORT: Final = 64  # characters of a text in one


class Printed(NamedTuple):
    """`cut`: there is more of it than is shown."""

    text: str
    cut: bool = False


class _Full(Exception):
    """As much as fits has been written."""


def printed(value: Any, most: int = MOST) -> Printed:
    """The cost is that of what is shown, however large the value is."""
    page = _Page(most)
    try:
        page.value(value, 0)
    except _Full:
        return Printed(visible("".join(page.parts)), cut=True)
    return Printed(visible("".join(page.parts)))


class _Page:
    def __init__(self, most: int) -> None:
        self.parts: list[str] = []
        self._left = most

    def value(self, value: Any, depth: int) -> None:
        if not isinstance(value, dict | list):
            self._write(self._scalar(value))
        elif not value or (short := _short(value, _WIDTH - 2 * depth)) is None:
            self._opened(value, depth)
        else:
            self._write(short)

    def _opened(self, value: dict[str, Any] | list[Any], depth: int) -> None:
        begin, end = "{}" if isinstance(value, dict) else "[]"
        if not value:
            self._write(begin + end)
        elif depth >= _DEEPEST:
            self._write(f"{begin}…{end}")
        elif isinstance(value, list) and _are_plain(value):
            self._wrapped(value, depth)
        else:
            named = isinstance(value, dict)
            rows: Iterable[tuple[Any, Any]] = value.items() if isinstance(value, dict) else enumerate(value)
            separator, margin = begin, "  " * (depth + 1)
            for name, each in rows:
                self._write(f"{separator}\n{margin}")
                if named:
                    self._write(f"{self._scalar(name)}: ")
                self.value(each, depth + 1)
                separator = ","
            self._write(f"\n{'  ' * depth}{end}")

    def _wrapped(self, values: list[Any], depth: int) -> None:
        """Numbers or short texts, as many on a line as fit."""
        margin = "  " * (depth + 1)
        self._write("[")
        left, last = 0, len(values) - 1
        for number, each in enumerate(values):
            text = self._scalar(each) + ("," if number < last else "")
            if left < len(text):
                self._write(f"\n{margin}")
                left = _WIDTH - len(margin)
            elif number:
                text = f" {text}"
            self._write(text)
            left -= len(text)
        self._write(f"\n{'  ' * depth}]")

    def _scalar(self, value: Any) -> str:
        """No more of a text than fits."""
        if isinstance(value, str) and len(value) > self._left:
            self._write(json.dumps(value[: self._left], ensure_ascii=False)[:-1])
            raise _Full
        return json.dumps(value, ensure_ascii=False)

    def _write(self, text: str) -> None:
        if len(text) > self._left:
            self.parts.append(text[: self._left])
            raise _Full
        self.parts.append(text)
        self._left -= len(text)


def _short(value: dict[str, Any] | list[Any], width: int) -> str | None:
    """On one line, where it fits there."""
    if len(value) > _ON_ONE_LINE:
        return None
    if not _are_plain(value.values() if isinstance(value, dict) else value):
        return None
    if isinstance(value, dict) and not _are_plain(value):
        return None
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= width else None


def _are_plain(values: Iterable[Any]) -> bool:
    return not any(isinstance(each, dict | list) or (isinstance(each, str) and len(each) > _SHORT) for each in values)
