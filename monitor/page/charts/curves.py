"""Lines and points on two axes."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from markupsafe import Markup

from monitor.page.charts.axis import Axis, told
from monitor.page.charts.canvas import LETTER, Canvas
from monitor.page.charts.drawing import Drawing, Size
from monitor.page.charts.fields import Absent, Number, Undrawable, names, numbers, same_length
from throughline.tasks.charts import Curves

_LEFT: Final = 62
_FOOT: Final = 34
_TOP: Final = 22
_MOST_POINTS: Final = 2_000
_NAMED: Final = 20  # points of one kind that are named in the picture
Place = tuple[float, float]


class _Series(NamedTuple):
    """`names`: of points; None for a line."""

    label: str
    x: list[Number]
    y: list[Number]
    names: list[str] | None

    @property
    def places(self) -> list[tuple[int, float, float]]:
        both = enumerate(zip(self.x, self.y, strict=True))
        return [(number, x, y) for number, (x, y) in both if x is not None and y is not None]


def curves(chart: Curves, result: Any) -> Drawing:
    """Raises `Absent` where there is none of its lines, or of its points where it has no line; or `Undrawable`."""
    series = [*_lines(chart, result), *_points(chart, result)]
    if not any(each.places for each in series):
        raise Undrawable("there is no number to draw")
    about = f"{chart.y_axis} over {chart.x_axis}: " if chart.x_axis and chart.y_axis else ""
    about += ", ".join(each.label for each in series)
    head = ("", chart.x_axis or "x", chart.y_axis or "y")
    rows = tuple(
        (each.names[number] if each.names and each.names[number] else each.label, told(x, 6), told(y, 6))
        for each in reversed(series)
        for number, x, y in each.places
    )
    return Drawing(
        chart.title,
        lambda size, key: _draw(chart, series, Canvas(size.width, size.height, key, chart.title, about), size),
        head,
        rows,
        legend=tuple((f"series-{number}", each.label) for number, each in enumerate(series, 1)),
    )


def _lines(chart: Curves, result: Any) -> list[_Series]:
    found = []
    for line in chart.lines:
        y = numbers(result, line.y)
        x: list[Number] = numbers(result, line.x) if line.x else [float(i) for i in range(1, len(y) + 1)]
        same_length(x, y, f"{line.x} and {line.y}")
        found.append(_Series(line.label, x, y, None))
    return found


def _points(chart: Curves, result: Any) -> list[_Series]:
    """Points that a result does not have are left out beside lines that it has."""
    found = []
    for points in chart.points:
        try:
            x, y = numbers(result, points.x), numbers(result, points.y)
        except Absent:
            if not chart.lines:
                raise
            continue
        same_length(x, y, f"{points.x} and {points.y}")
        found.append(
            _Series(points.label, x, y, names(result, points.names, len(x)) if points.names else [""] * len(x))
        )
    return found


def _draw(chart: Curves, series: Sequence[_Series], canvas: Canvas, size: Size) -> Markup:
    bottom, right = size.height - _FOOT, size.width - 10
    places = [place for each in series for place in each.places]
    across = Axis.over((x for _, x, _ in places), _LEFT, right, room=0.03)
    up = Axis.over((y for _, _, y in places), bottom, _TOP, room=0.06)
    for y, words in up.ticks(5):
        canvas.line("rule", _LEFT, y, right, y)
        canvas.text("tick", _LEFT - 6, y + 4, words, "end")
    for x, words in across.ticks(size.ticks):
        canvas.line("rule", x, bottom, x, bottom + 4)
        canvas.text("tick", x, bottom + 17, words, "middle")
    canvas.line("base", _LEFT, bottom, right, bottom)
    if chart.y_axis:
        canvas.text("axis-name", 2, 11, chart.y_axis)
    if chart.x_axis:
        canvas.text("axis-name", right, size.height - 3, chart.x_axis, "end")
    labels = _Labels(right)
    for number, each in enumerate(series, 1):
        if each.names is None:
            canvas.path(f"curve series-{number}", _runs(each, across, up, size.width))
        else:
            _draw_points(canvas, each, f"series-{number}", across, up, labels)
    return canvas.markup


def _draw_points(canvas: Canvas, series: _Series, kind: str, across: Axis, up: Axis, labels: "_Labels") -> None:
    places = series.places
    alone = series.names or []
    for number, x, y in places[:_MOST_POINTS]:
        at = (across.at(x), up.at(y))
        word = alone[number] or (series.label if len(places) == 1 else "")
        canvas.circle(
            f"point {kind}", *at, 4.5 if len(places) <= _NAMED else 2.5, f"{word or series.label}: {told(x)}, {told(y)}"
        )
        if word and len(places) <= _NAMED and (place := labels.place(at, word)):
            canvas.text("point-name", *place[:2], word, place[2])


class _Labels:
    """Where names of points fit without covering each other; the others are in the table."""

    def __init__(self, right: float) -> None:
        self._right, self._taken = right, list[tuple[float, float, float]]()

    def place(self, at: Place, word: str) -> tuple[float, float, str] | None:
        width = LETTER * len(word)
        for x, anchor, begin in ((at[0] + 8, "start", at[0] + 8), (at[0] - 8, "end", at[0] - 8 - width)):
            for y in (at[1] + 4, at[1] - 8, at[1] + 16):
                if self._is_free(begin, begin + width, y):
                    self._taken.append((begin, begin + width, y))
                    return x, y, anchor
        return None

    def _is_free(self, begin: float, end: float, y: float) -> bool:
        inside = begin >= _LEFT and end <= self._right
        return inside and all(end < low or high < begin or abs(y - other) > 12 for low, high, other in self._taken)


def _runs(series: _Series, across: Axis, up: Axis, width: int) -> list[list[Place]]:
    """The line's points, broken where one is missing; of those that share a pixel, the lowest and the highest."""
    runs: list[list[Place]] = [[]]
    dense = len(series.x) > 2 * width
    for x, y in zip(series.x, series.y, strict=True):
        if x is None or y is None:
            runs.append([])
            continue
        at, run = (across.at(x), up.at(y)), runs[-1]
        if dense and len(run) >= 2 and int(run[-1][0]) == int(run[-2][0]) == int(at[0]):
            low, high = min(run[-2], run[-1], at, key=_height), max(run[-2], run[-1], at, key=_height)
            run[-2:] = [low, high]
        else:
            run.append(at)
    return runs


def _height(place: Place) -> float:
    return place[1]
