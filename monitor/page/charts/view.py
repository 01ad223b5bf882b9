"""The charts of one result for the template: each drawn, or left out, or with the reason why it cannot be drawn."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from monitor.page.charts.bars import bars
from monitor.page.charts.curves import curves
from monitor.page.charts.drawing import MOST_ROWS, NARROW, WIDE, Drawing
from monitor.page.charts.fields import Absent, Undrawable
from monitor.page.charts.histogram import histogram
from throughline.tasks.charts import Bars, Chart, Curves, Histogram


@dataclass(frozen=True)
class ChartView:
    """`why`: the reason that it is not drawn; then the rest is empty."""

    key: str
    title: str
    why: str = ""
    pictures: tuple[tuple[str, Markup], ...] = ()  # of each size
    legend: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    more_rows: int = 0


def chart_views(charts: Sequence[Chart], result: Any) -> tuple[ChartView, ...]:
    """A chart whose fields the result does not have is left out."""
    return tuple(_views(charts, result))


def _views(charts: Sequence[Chart], result: Any) -> Iterator[ChartView]:
    for number, chart in enumerate(charts, 1):
        key = f"chart-{number}"
        try:
            drawn = _drawing(chart, result)
            pictures = tuple((size.name, drawn.draw(size, f"{key}-{size.name}")) for size in (WIDE, NARROW))
        except Absent:
            continue
        except Undrawable as why:
            yield ChartView(key, chart.title, why=f"{why}")
            continue
        yield ChartView(
            key,
            chart.title,
            pictures=pictures,
            legend=drawn.legend,
            notes=drawn.notes,
            head=drawn.head,
            rows=drawn.rows[:MOST_ROWS],
            more_rows=max(0, len(drawn.rows) - MOST_ROWS),
        )


def _drawing(chart: Chart, result: Any) -> Drawing:
    match chart:
        case Histogram():
            return histogram(chart, result)
        case Curves():
            return curves(chart, result)
        case Bars():
            return bars(chart, result)
