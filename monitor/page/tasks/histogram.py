"""How many tasks of each state were submitted over time: bars to drag a range on, from counts by time and state."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from monitor.page.changes.releases import Release
from monitor.page.moments import in_address, in_words, utc
from throughline.journey.quantities import format_count
from throughline.ledger.states import Status

BARS: Final = 60
# From the bottom up: what failed has the same ground line in every bar.
STACK: Final = (Status.FAILURE, Status.REVOKED, Status.SUCCESS, Status.RETRY, Status.STARTED, Status.PENDING)
_LEAST: Final = 4.0  # percent of the height: one failure beside thousands of successes is seen
_STEPS: Final = (
    *(1, 2, 5, 10, 15, 30),
    *(60, 120, 300, 600, 900, 1800),
    *(3600, 7200, 10_800, 21_600, 43_200),
    *(86_400, 172_800, 604_800),
)
_TICKS: Final = 7
_EDGE: Final = 5.0  # percent: a label nearer to the edge would be cut off

Counts = Sequence[tuple[float, Mapping[Status, int]]]  # each bar's start (s since 1970), and how many of each state


@dataclass(frozen=True)
class Piece:
    """The tasks of one state in one bar; percent of the picture's height."""

    status: Status
    y: float
    height: float


@dataclass(frozen=True)
class HistogramBar:
    """The tasks that were submitted between two moments."""

    x: float
    width: float
    pieces: tuple[Piece, ...]
    words: str
    since: str
    until: str
    url: str


@dataclass(frozen=True)
class Mark:
    """A release: a line across the picture, and what it was in words."""

    x: float
    words: str


@dataclass(frozen=True)
class Histogram:
    """The picture, and the same in words for those who do not see it."""

    bars: tuple[HistogramBar, ...]
    ticks: tuple[tuple[float, str], ...]
    totals: tuple[tuple[Status, int], ...]
    most: int
    words: str
    marks: tuple[Mark, ...] = ()


def histogram(
    counts: Counts,
    since: float,
    until: float,
    url: Callable[[str, str], str],
    released: Sequence[Release] = (),
) -> Histogram:
    """`url` makes the address of a range from its two ends, as they are written in an address."""
    most = max((sum(told.values()) for _, told in counts), default=0)
    edges = [start for start, _ in counts] + [until]
    bars = tuple(
        _bar(told, ends, (since, until), most, url) for (_, told), ends in zip(counts, pairwise(edges), strict=True)
    )
    totals = tuple((status, sum(told.get(status, 0) for _, told in counts)) for status in Status)
    return Histogram(
        bars,
        tuple(_ticks(since, until)),
        tuple((status, count) for status, count in totals if count),
        most,
        f"{format_count(sum(count for _, count in totals), 'task')} submitted between {in_words(since)} and "
        f"{in_words(until)} UTC",
        tuple(
            Mark(_percent(each.at - since, (since, until)), f"{in_words(each.at)} UTC: {each.words}")
            for each in released
            if since <= each.at <= until
        ),
    )


def _bar(
    told: Mapping[Status, int],
    ends: tuple[float, float],
    whole: tuple[float, float],
    most: int,
    url: Callable[[str, str], str],
) -> HistogramBar:
    start, end = ends
    since, until = in_address(start), in_address(end)
    told_counts = ", ".join(f"{told[status]:,} {status}" for status in Status if told.get(status))
    return HistogramBar(
        x=_percent(start - whole[0], whole),
        width=_percent(end - start, whole),
        pieces=tuple(_pieces(told, most)),
        words=f"{_clock(start, end - start)} – {_clock(end, end - start)} UTC: {told_counts or 'no task'}",
        since=since,
        until=until,
        url=url(since, until),
    )


def _pieces(told: Mapping[Status, int], most: int) -> list[Piece]:
    heights = [(status, max(_LEAST, 100 * told[status] / most)) for status in STACK if told.get(status)]
    over = max(1.0, sum(height for _, height in heights) / 100)
    pieces, ground = [], 100.0
    for status, height in heights:
        ground -= height / over
        pieces.append(Piece(status, round(max(0.0, ground), 2), round(height / over, 2)))
    return pieces


def _ticks(since: float, until: float) -> list[tuple[float, str]]:
    span = until - since
    step = next((step for step in _STEPS if span / step <= _TICKS), span / _TICKS)
    first = -(-since // step) * step
    moments = [first + step * number for number in range(int((until - first) // step) + 1)]
    placed = [(_percent(moment - since, (since, until)), _clock(moment, step)) for moment in moments]
    return [(x, label) for x, label in placed if _EDGE <= x <= 100 - _EDGE]


def _clock(moment: float, step: float) -> str:
    """As fine as the step needs it: `Nov 25`, `Nov 25 18:00`, `18:30`, `18:30:05`."""
    told = utc(moment)
    if step >= 86_400:
        return f"{told:%b} {told.day}"
    if step >= 21_600:
        return f"{told:%b} {told.day} {told:%H:%M}"
    return f"{told:%H:%M}" if step >= 60 else f"{told:%H:%M:%S}"


def _percent(part: float, whole: tuple[float, float]) -> float:
    return round(100 * part / max(1e-3, whole[1] - whole[0]), 3)
