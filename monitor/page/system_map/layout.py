"""Where each node and arrow of the map stands: four columns, from left to right, each centred."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from monitor.page.system_map.parts import Part, Parts

WIDTH: Final = 1152
_HEIGHT, _TIGHT, _GAP = 46, 32, 12
_MANY: Final = 6  # nodes of one column that stand with all their words; more stand closer together
_TOP: Final = 16
# The left edge and the width of each column.
_NGINX, _REPLICAS, _QUEUES, _WORKERS = (0, 116), (232, 172), (500, 156), (924, 228)
_LEAVE, _MEET = 446, 814  # where the arrows from all replicas meet, and those from all queues
_CHARACTER: Final = 7.6  # of a name, at most


@dataclass(frozen=True)
class Node:
    """A box, with its name cut to its width and its words."""

    part: Part
    name: str
    x: int
    y: float
    width: int
    height: int

    @property
    def middle(self) -> float:
        return self.y + self.height / 2

    @property
    def is_tight(self) -> bool:
        return self.height == _TIGHT


@dataclass(frozen=True)
class Arrow:
    """A line, and its words: above it and below it, ending or beginning at `x`."""

    path: str
    tone: str  # moves, still or bad
    x: float = 0
    y: float = 0
    above: str = ""
    below: str = ""
    failing: str = ""
    anchor: str = "end"


@dataclass(frozen=True)
class Layout:
    """The map."""

    height: int
    nodes: tuple[Node, ...]
    arrows: tuple[Arrow, ...]
    gate: tuple[float, float]  # where tasks are taken
    gate_words: float  # how high the words of it stand
    parts: Parts
    width: int = WIDTH


def layout(told: Parts) -> Layout:
    columns = [(told.nginx,), told.replicas, told.queues, told.workers]
    height = max(_column_height(len(column)) for column in columns) + 2 * _TOP
    placed = [
        _column(column, *at, height) for column, at in zip(columns, (_NGINX, _REPLICAS, _QUEUES, _WORKERS), strict=True)
    ]
    (nginx,), replicas, queues, workers = placed
    middle = height / 2
    above = min(node.y for node in (*replicas, *queues))
    arrows = [
        *(_arrow(nginx.x + nginx.width, nginx.middle, node, words=True) for node in replicas),
        *(_leaving(node, _LEAVE, middle, node.part.moves and node.part.tone != "bad") for node in replicas),
        *(_arrow(_LEAVE, middle, node, moves=node.part.moves, is_refused=bool(told.refused)) for node in queues),
        *(_leaving(node, _MEET, middle, node.part.moves, words=True) for node in queues),
        *(_arrow(_MEET, middle, node, words=True) for node in workers),
    ]
    nodes = tuple(node for column in placed for node in column)
    return Layout(int(height), nodes, tuple(arrows), (_LEAVE, middle), above - 3, told)


def shortened(name: str, width: int) -> str:
    """A pod's name differs at its end, and says what it is at its beginning: the middle is left out."""
    most = int(width / _CHARACTER)
    if len(name) <= most:
        return name
    end = (most - 1) // 2
    return f"{name[: most - 1 - end]}…{name[-end:]}"


def _size(count: int) -> int:
    return _TIGHT if count > _MANY else _HEIGHT


def _column_height(count: int) -> int:
    return count * (_size(count) + _GAP) - _GAP if count else 0


def _column(column: Sequence[Part], x: int, width: int, height: float) -> list[Node]:
    size, top = _size(len(column)), (height - _column_height(len(column))) / 2
    room = width - 28
    return [
        Node(
            part, shortened(part.name, room if size == _HEIGHT else room // 2), x, top + i * (size + _GAP), width, size
        )
        for i, part in enumerate(column)
    ]


def _arrow(
    x: float, y: float, to: Node, *, words: bool = False, moves: bool | None = None, is_refused: bool = False
) -> Arrow:
    part = to.part
    flows = part.moves if moves is None else moves
    tone = "bad" if is_refused or (part.tone == "bad" and part.kind != "queue") else "moves" if flows else "still"
    path = _curve(x, y, to.x - 7, to.middle)
    if not words:
        return Arrow(path, tone)
    return Arrow(path, tone, to.x - 12, to.middle, part.rate, part.detail, part.failing)


def _leaving(node: Node, x: float, y: float, moves: bool, *, words: bool = False) -> Arrow:
    left = node.x + node.width
    path, tone = _curve(left, node.middle, x, y), "moves" if moves else "still"
    if not words:
        return Arrow(path, tone)
    part = node.part
    return Arrow(path, tone, left + 8, node.middle, part.rate, part.detail, part.failing, "start")


def _curve(x: float, y: float, to_x: float, to_y: float) -> str:
    bend = (x + to_x) / 2
    return f"M{x:g} {y:g}C{bend:g} {y:g} {bend:g} {to_y:g} {to_x:g} {to_y:g}"
