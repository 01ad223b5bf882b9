"""The charts of a result, declared by its task type: which fields of the result are drawn, and as what.

A field is named by its path: `loss.edges`, or `scenarios[].pnl` for that of each object in a list.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

PATH: Final = re.compile(r"[^\W\d][\w-]*(\[\])?(\.[^\W\d][\w-]*(\[\])?)*")
_MOST: Final = 10  # charts of one task type
_LONGEST: Final = 100


@dataclass(frozen=True)
class Mark:
    """A number of the result as a line across a histogram; `shade`: what lies above it has another colour."""

    field: str
    label: str
    shade: bool = False


@dataclass(frozen=True)
class Histogram:
    """`edges`: rising numbers, one more than `weights`, which are counts or shares of what lies between two of them.

    `below` and `above`: shares of the whole (0 to 1) that lie beyond the first and the last edge.
    """

    title: str
    edges: str
    weights: str
    marks: tuple[Mark, ...] = ()
    below: str = ""
    above: str = ""
    axis: str = ""


@dataclass(frozen=True)
class Line:
    """Numbers `y` over numbers `x`; without `x` over 1, 2, 3 …"""

    y: str
    label: str
    x: str = ""


@dataclass(frozen=True)
class Points:
    """The same as points, each with its name where `names` has one; `x` and `y` may be single numbers."""

    x: str
    y: str
    label: str
    names: str = ""


@dataclass(frozen=True)
class Curves:
    """Lines and points on two axes."""

    title: str
    lines: tuple[Line, ...] = ()
    points: tuple[Points, ...] = ()
    x_axis: str = ""
    y_axis: str = ""


@dataclass(frozen=True)
class Bars:
    """A bar for each number of `values`, to the left where it is below 0.

    `names` are theirs; without it `values` is an object of names and numbers.
    """

    title: str
    values: str
    names: str = ""
    axis: str = ""


Chart = Histogram | Curves | Bars


def mistake(charts: Any) -> str:
    """What is wrong with the charts of a declaration; empty when nothing is."""
    if not isinstance(charts, list | tuple):
        return f"its charts must be a list, not {type(charts).__name__}"
    if len(charts) > _MOST:
        return f"it may have {_MOST} charts, not {len(charts)}"
    for number, chart in enumerate(charts):
        if found := next(_mistakes(chart), ""):
            return f"charts[{number}]: {found}"
    return ""


def _mistakes(chart: Any) -> Iterator[str]:
    match chart:
        case Histogram():
            yield from _titled(chart.title, chart.axis)
            yield from _fields(edges=chart.edges, weights=chart.weights)
            yield from _fields(optional=True, below=chart.below, above=chart.above)
            yield from _parts("marks", chart.marks, Mark)
            for mark in chart.marks:
                yield from _labelled(mark.label)
                yield from _fields(field=mark.field)
        case Curves():
            yield from _titled(chart.title, chart.x_axis, chart.y_axis)
            yield from _parts("lines", chart.lines, Line)
            yield from _parts("points", chart.points, Points)
            if not chart.lines and not chart.points:
                yield "it has neither lines nor points"
            for line in chart.lines:
                yield from _labelled(line.label)
                yield from _fields(y=line.y)
                yield from _fields(optional=True, x=line.x)
            for points in chart.points:
                yield from _labelled(points.label)
                yield from _fields(x=points.x, y=points.y)
                yield from _fields(optional=True, names=points.names)
        case Bars():
            yield from _titled(chart.title, chart.axis)
            yield from _fields(values=chart.values)
            yield from _fields(optional=True, names=chart.names)
        case _:
            yield f"a chart is a Histogram, Curves or Bars, not {type(chart).__name__}"


def _titled(title: Any, *axes: Any) -> Iterator[str]:
    if not _is_text(title) or not title.strip():
        yield f"its title must be a text of 1 to {_LONGEST} characters, not {title!r}"
    for axis in axes:
        if not _is_text(axis):
            yield f"an axis is named by a text of up to {_LONGEST} characters, not {axis!r}"


def _labelled(label: Any) -> Iterator[str]:
    if not _is_text(label) or not label.strip():
        yield f"a label must be a text of 1 to {_LONGEST} characters, not {label!r}"


def _fields(*, optional: bool = False, **paths: Any) -> Iterator[str]:
    for name, path in paths.items():
        if optional and path == "":
            continue
        if not isinstance(path, str) or not PATH.fullmatch(path):
            yield f"{name} must be a field of the result, as in 'loss.edges' or 'scenarios[].pnl', not {path!r}"


def _parts(name: str, parts: Any, kind: type) -> Iterator[str]:
    if not isinstance(parts, list | tuple) or not all(isinstance(each, kind) for each in parts):
        yield f"its {name} must be a list of {kind.__name__}"


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST and (not value or value.isprintable())
