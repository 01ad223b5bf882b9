"""The heads of a list's columns: their words, which of them the list is sorted by, and the links that sort by them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

Sort = Literal["", "ascending", "descending"]
_ARROWS: Final[Mapping[Sort, str]] = {"": "", "ascending": "▲", "descending": "▼"}


@dataclass(frozen=True)
class Column:
    """`name` as it stands in an address; empty for one that the list cannot be sorted by."""

    words: str
    name: str = ""
    classes: str = ""
    falls: bool = False  # sorted by it the first time, the largest or newest comes first


@dataclass(frozen=True)
class Head:
    """A column's head; `url` is empty where there is nothing to sort by."""

    words: str
    classes: str
    url: str
    sort: Sort

    @property
    def arrow(self) -> str:
        return _ARROWS[self.sort]


@dataclass(frozen=True)
class Order:
    """A column's name and whether its largest comes first: `took`, or `took-up` and `took-down` in an address."""

    name: str
    falls: bool

    @property
    def told(self) -> str:
        return f"{self.name}-{'down' if self.falls else 'up'}"


def order_of(told: str, columns: Iterable[Column], default: Order) -> Order:
    """What an address asks for; the default where it names no column."""
    name, _, direction = told.rpartition("-")
    known = {column.name for column in columns if column.name}
    return Order(name, direction == "down") if name in known and direction in {"up", "down"} else default


def heads(columns: Iterable[Column], order: Order, url: Callable[[str], str]) -> tuple[Head, ...]:
    """`url` makes the address of the list in another order. The column it is sorted by leads to the opposite one."""
    return tuple(_head(column, order, url) for column in columns)


def _head(column: Column, order: Order, url: Callable[[str], str]) -> Head:
    if not column.name:
        return Head(column.words, column.classes, "", "")
    if column.name != order.name:
        return Head(column.words, column.classes, url(Order(column.name, column.falls).told), "")
    sort: Sort = "descending" if order.falls else "ascending"
    return Head(column.words, column.classes, url(Order(column.name, not order.falls).told), sort)
