"""A bar for each name, to the left where its number is below 0."""

from typing import Any, Final, NamedTuple

from markupsafe import Markup

from monitor.page.charts.axis import Axis, told
from monitor.page.charts.canvas import LETTER, WIDE_LETTER, Canvas, cut
from monitor.page.charts.drawing import Drawing, Size
from monitor.page.charts.fields import Number, Undrawable, found, name, names, numbers
from throughline.tasks.charts import Bars

MOST: Final = 20  # bars in a picture
_ROW: Final = 24
_NARROW_ROW: Final = 38  # with the name above the bar


class _Bar(NamedTuple):
    name: str
    value: float


def bars(chart: Bars, result: Any) -> Drawing:
    """Raises `Absent` or `Undrawable`."""
    every = _named(chart, result)
    known = [_Bar(name, value) for name, value in every if value is not None]
    if not known:
        raise Undrawable(f"{chart.values} holds no number")
    largest = sorted(range(len(known)), key=lambda number: -abs(known[number].value))[:MOST]
    shown = [known[number] for number in sorted(largest)]
    notes = [f"The {MOST} largest of {len(known):,}; the table has more."] if len(known) > MOST else []
    if len(known) < len(every):
        notes.append(
            f"{len(every) - len(known):,} without a number: {', '.join(n for n, v in every if v is None)[:200]}"
        )
    about = "; ".join(f"{each.name} {told(each.value)}" for each in shown[:10])

    def draw(size: Size, key: str) -> Markup:
        row = _NARROW_ROW if size.is_narrow else _ROW
        return _draw(chart, shown, Canvas(size.width, row * len(shown) + 36, key, chart.title, about), size, row)

    rows = tuple((name, "–" if value is None else told(value, 8)) for name, value in every)
    return Drawing(chart.title, draw, ("", chart.axis or "Value"), rows, notes=tuple(notes))


def _named(chart: Bars, result: Any) -> list[tuple[str, Number]]:
    if chart.names:
        values = numbers(result, chart.values)
        return list(zip(names(result, chart.names, len(values)), values, strict=True))
    value = found(result, chart.values)
    if not isinstance(value, dict):
        raise Undrawable(f"{chart.values} is no object of names and numbers")
    return list(zip(map(name, value), numbers({"values": list(value.values())}, "values"), strict=True))


def _draw(chart: Bars, shown: list[_Bar], canvas: Canvas, size: Size, row: int) -> Markup:
    left = 8.0 if size.is_narrow else min(260.0, 20 + WIDE_LETTER * max(len(each.name) for each in shown))
    room = 14 + LETTER * max(len(told(each.value)) for each in shown)
    below = any(each.value < 0 for each in shown)
    across = Axis.over((each.value for each in shown), left + (room if below else 0), size.width - room, zero=True)
    zero, bottom = across.at(0.0), row * len(shown) + 6
    for x, words in across.ticks(max(3, size.ticks - 2)):
        canvas.line("rule", x, 4, x, bottom)
        canvas.text("tick", x, bottom + 14, words, "middle")
    for number, each in enumerate(shown):
        y = 6 + row * number
        if size.is_narrow:
            canvas.text("bar-name", left, y + 11, cut(each.name, size.width - 16))
            y += 16
        else:
            canvas.text("bar-name", left - 8, y + 14, cut(each.name, left - 12), "end")
        at = across.at(each.value)
        kind = "bar-below" if each.value < 0 else "bar-above"
        canvas.rect(kind, min(zero, at), y + 2, abs(at - zero), 15, f"{each.name}: {told(each.value)}")
        canvas.text(
            "bar-value",
            at - 5 if each.value < 0 else at + 5,
            y + 14,
            told(each.value),
            "end" if each.value < 0 else "start",
        )
    canvas.line("base", zero, 4, zero, bottom)
    if chart.axis:
        canvas.text("axis-name", size.width - 4, bottom + 28, chart.axis, "end")
    return canvas.markup
