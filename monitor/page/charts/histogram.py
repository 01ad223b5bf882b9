"""A histogram with values marked on it."""

from itertools import pairwise
from typing import Any, Final, NamedTuple

from markupsafe import Markup

from monitor.page.charts.axis import Axis, percent, told
from monitor.page.charts.canvas import Canvas
from monitor.page.charts.drawing import Drawing, Size
from monitor.page.charts.fields import Undrawable, all_numbers, one_number
from throughline.tasks.charts import Histogram

_MOST_BINS: Final = 1_000
_MARK_ROW: Final = 15
_LEFT: Final = 46
_FOOT: Final = 34
_FAR: Final = 3.0  # times the histogram's own span: a mark further out would leave nothing of it


class _Marked(NamedTuple):
    value: float
    label: str
    shade: bool


class _Bins(NamedTuple):
    edges: list[float]
    shares: list[float]
    marks: list[_Marked]
    axis: str

    @property
    def heights(self) -> list[float]:
        """In percent of the whole; bins of other widths than most count by how dense they are."""
        widths = [high - low for low, high in pairwise(self.edges)]
        usual = (self.edges[-1] - self.edges[0]) / len(widths)
        return [100 * share * (usual / width) for share, width in zip(self.shares, widths, strict=True)]


def histogram(chart: Histogram, result: Any) -> Drawing:
    """Raises `Absent` or `Undrawable`."""
    edges, weights = all_numbers(result, chart.edges), all_numbers(result, chart.weights)
    _check(chart, edges, weights)
    below, above = (one_number(result, path) or 0.0 if path else 0.0 for path in (chart.below, chart.above))
    whole = sum(weights) / max(1e-12, 1 - below - above)
    shares = [weight / whole for weight in weights]
    known = [(mark, one_number(result, mark.field)) for mark in chart.marks]
    values = [_Marked(value, mark.label, mark.shade) for mark, value in known if value is not None]
    span = _FAR * (edges[-1] - edges[0])
    near = [each for each in values if edges[0] - span <= each.value <= edges[-1] + span]
    bins = _Bins(edges, shares, near, chart.axis)
    notes = [f"{percent(share)} {words}" for share, words in _beyond(below, above, edges) if share > 0]
    notes += [f"{each.label} ({told(each.value)}) lies outside the picture." for each in values if each not in near]
    marked = "; ".join(f"{each.label} {told(each.value)}" for each in values)
    about = f"{len(shares)} bins from {told(edges[0])} to {told(edges[-1])}. {marked}".strip()
    return Drawing(
        chart.title,
        lambda size, key: _draw(bins, Canvas(size.width, size.height, key, chart.title, about), size),
        ("From", "To", "Share"),
        tuple(
            (told(low, 6), told(high, 6), percent(share))
            for (low, high), share in zip(pairwise(edges), shares, strict=True)
        ),
        notes=tuple(notes),
    )


def _check(chart: Histogram, edges: list[float], weights: list[float]) -> None:
    if len(edges) != len(weights) + 1 or len(edges) < 2:
        raise Undrawable(f"{chart.edges} has {len(edges):,} numbers for {len(weights):,} of {chart.weights}")
    if len(weights) > _MOST_BINS:
        raise Undrawable(f"{chart.weights} has {len(weights):,} bins, more than the {_MOST_BINS:,} that are drawn")
    if any(high <= low for low, high in pairwise(edges)):
        raise Undrawable(f"{chart.edges} must rise from each to the next")
    if min(weights) < 0 or sum(weights) <= 0:
        raise Undrawable(f"{chart.weights} must not be below 0, nor all 0")


def _beyond(below: float, above: float, edges: list[float]) -> tuple[tuple[float, str], ...]:
    return ((below, f"lie below {told(edges[0])}."), (above, f"lie above {told(edges[-1])}."))


def _draw(bins: _Bins, canvas: Canvas, size: Size) -> Markup:
    top, bottom = 8 + _MARK_ROW * len(bins.marks), size.height - _FOOT
    values = [bins.edges[0], bins.edges[-1], *(mark.value for mark in bins.marks)]
    across = Axis.over(values, _LEFT, size.width - 8)
    up = Axis.over(bins.heights, bottom, top, zero=True)
    for y, words in up.ticks(4):
        canvas.line("rule", _LEFT, y, size.width - 8, y)
        canvas.text("tick", _LEFT - 6, y + 4, f"{words} %", "end")
    shaded = min((mark.value for mark in bins.marks if mark.shade), default=float("inf"))
    for (low, high), height, share in zip(pairwise(bins.edges), bins.heights, bins.shares, strict=True):
        about = f"{told(low)} to {told(high)}: {percent(share)}"
        parts = [(low, min(high, shaded), "bin"), (max(low, shaded), high, "bin beyond")]
        for begin, end, kind in parts:
            if begin < end and height:
                left, right = across.at(begin), across.at(end)
                y = up.at(height)
                canvas.rect(kind, left, y, max(right - left - 0.5, 0.5), bottom - y, about)
    canvas.line("base", _LEFT, bottom, size.width - 8, bottom)
    for x, words in across.ticks(size.ticks):
        canvas.line("rule", x, bottom, x, bottom + 4)
        canvas.text("tick", x, bottom + 17, words, "middle")
    if bins.axis:
        canvas.text("axis-name", size.width - 8, size.height - 3, bins.axis, "end")
    _draw_marks(bins.marks, across, bottom, canvas)
    return canvas.markup


def _draw_marks(marks: list[_Marked], across: Axis, bottom: float, canvas: Canvas) -> None:
    """In such an order from the top that no line goes through the words of another mark."""
    middle = canvas.width * 0.6
    rising = sorted(marks, key=lambda mark: mark.value)
    left = [mark for mark in rising if across.at(mark.value) <= middle]  # whose words stand on the right of their line
    ordered = [*reversed(rising[len(left) :]), *left]
    places = [(across.at(mark.value), 12 + _MARK_ROW * row, mark) for row, mark in enumerate(ordered)]
    for x, y, mark in places:
        canvas.line("at" if mark.shade else "at other", x, y - 8, x, bottom)
    for x, y, mark in places:
        right = x > middle
        words = f"{mark.label} {told(mark.value)}"
        canvas.text("mark-name", x - 5 if right else x + 5, y + 2, words, "end" if right else "start")
