"""What every chart gives: a picture for wide and for narrow screens, its legend, its notes and its numbers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

MOST_ROWS: Final = 200  # of a table below a chart


@dataclass(frozen=True)
class Size:
    """Of a picture. A narrow one has room for fewer words."""

    name: str
    width: int
    height: int
    ticks: int

    @property
    def is_narrow(self) -> bool:
        return self.name == "narrow"


WIDE: Final = Size("wide", 700, 250, 8)
NARROW: Final = Size("narrow", 330, 220, 4)
Draw = Callable[[Size, str], Markup]  # the size, and a key for the IDs in it


@dataclass(frozen=True)
class Drawing:
    """`legend`: the class of each colour and what it stands for. `rows` may be more than are shown."""

    title: str
    draw: Draw
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    legend: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
