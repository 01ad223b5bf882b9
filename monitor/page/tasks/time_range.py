"""Which range of time the histogram shows, and how it is divided into bars."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from monitor.page.tasks.histogram import BARS
from throughline.ledger.stored_task import StoredTask
from throughline.ledger.task_query import TaskQuery

_REACHES: Final = (3600, 6 * 3600, 86_400, 7 * 86_400, 30 * 86_400)


@dataclass(frozen=True)
class TimeRange:
    """From `since` on, before `until`, seconds since 1970."""

    since: float
    until: float
    bars: int = BARS

    @property
    def width(self) -> float:
        return (self.until - self.since) / self.bars

    def start(self, bar: int) -> float:
        """Where a bar begins, the first one being 0."""
        return self.since + bar * self.width

    def number(self, moment: float) -> int:
        """Which bar a moment is in."""
        return min(self.bars - 1, max(0, int((moment - self.since) / self.width)))


def time_range(query: TaskQuery, shown: Sequence[StoredTask], now: float) -> TimeRange | None:
    """The range that was asked for; without one, one that reaches back to the oldest task on the page."""
    until = now if query.submitted_before is None else query.submitted_before
    since = query.submitted_after
    if since is None:
        oldest = min((task.record.submitted_at for task in shown), default=until)
        since = until - next((reach for reach in _REACHES if until - oldest <= reach), until - oldest)
    since = max(since, 0.0)  # no task was submitted before 1970
    if since >= until:
        return None
    fixed = query.submitted_after is not None and query.submitted_before is not None
    return TimeRange(since, until) if fixed else _whole_bars(since, until)


def _whole_bars(since: float, until: float) -> TimeRange:
    """Bars begin at multiples of their width: while time goes on, a task stays in its bar."""
    width = (until - since) / BARS
    width = round(width) if width >= 1 else width
    first, last = math.floor(since / width), math.ceil(until / width)
    return TimeRange(first * width, last * width, last - first)
