"""What the page of tasks shows: pure functions from what was asked and found to what the template prints."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from monitor.page.links import RangeLink
from monitor.page.tasks.actions import ACTIONS, Action
from monitor.page.tasks.address import TasksAddress
from monitor.page.tasks.histogram import Histogram
from monitor.page.tasks.rows import TaskRow
from throughline.journey.summary import Tone, tone
from throughline.ledger.message import Queue
from throughline.ledger.states import Status

REFRESH_SECONDS: Final = 2
_RANGES: Final = (("15m", "15 min"), ("1h", "1 h"), ("6h", "6 h"), ("1d", "24 h"), ("7d", "7 days"))
_WORDS: Final = {  # what is said of a filter that is set
    "status": "{}",
    "task_type": "type {}",
    "queue": "queue {}",
    "worker": "worker {}",
    "error_type": "error {}",
    "correlation_id": "correlation ID {}",
    "since": "within {}",
    "submitted_after": "from {}",
    "submitted_before": "before {}",
    "slower_than_ms": "slower than {} ms",
    "order": "{} first",
}


@dataclass(frozen=True)
class Field:
    """A filter that is typed in; `error` says what is wrong with what was typed."""

    name: str
    label: str
    value: str
    hint: str = ""
    error: str = ""
    choices: tuple[str, ...] = ()  # offered, but others may be typed


@dataclass(frozen=True)
class Chip:
    """A filter that is set, and the address of the list without it."""

    words: str
    url: str


@dataclass(frozen=True)
class Legend:
    """How many tasks of one state the histogram shows, and the list of just these."""

    status: Status
    tone: Tone
    count: str
    url: str


@dataclass(frozen=True)
class Filters:
    """The form above the list, as it was sent."""

    statuses: tuple[tuple[Status, Tone, bool], ...]
    fields: tuple[Field, ...]
    queue: str
    queues: tuple[str, ...]
    oldest_first: bool
    turned_url: str  # the list in the other order: of all its pages, as Redis and the history have it
    chips: tuple[Chip, ...]
    ranges: tuple[RangeLink, ...]
    errors: tuple[tuple[str, str], ...]

    def error(self, name: str) -> str:
        return dict(self.errors).get(name, "")


@dataclass(frozen=True)
class TasksView:
    """The page."""

    filters: Filters
    query: str
    range_url: str  # a range of time is added to it
    exact_url: str = ""  # the same range, fixed: it shows the same to whoever opens it later
    rows: tuple[TaskRow, ...] = ()
    picture: Histogram | None = None
    legend: tuple[Legend, ...] = ()
    troubles: tuple[str, ...] = ()
    first_url: str = ""
    previous_url: str = ""
    next_url: str = ""
    example: str = ""
    refresh_seconds: int = 0
    actions: tuple[Action, ...] = field(default=tuple(ACTIONS.values()))


def filters(address: TasksAddress, errors: Mapping[str, str], task_types: Sequence[str]) -> Filters:
    """`errors` say what is wrong with which parameter of the address."""

    def typed(name: str, label: str, hint: str = "", choices: Sequence[str] = ()) -> Field:
        return Field(name, label, address.get(name), hint, errors.get(name, ""), tuple(choices))

    chosen = {status for told in address.all("status") for status in told.split(",")}
    return Filters(
        statuses=tuple((status, tone(status), status in chosen) for status in Status),
        fields=(
            typed("task_type", "Task type", choices=task_types),
            typed("worker", "Worker", "worker-1"),
            typed("error_type", "Error", "ConnectionError"),
            typed("correlation_id", "Correlation ID"),
            typed("slower_than_ms", "Slower than (ms)", "500"),
            typed("submitted_after", "Submitted from (UTC)", "2026-11-25T16:30:00Z"),
            typed("submitted_before", "and before (UTC)", "2026-11-25T17:00:00Z"),
            typed("since", "or within the last", "1h"),
        ),
        queue=address.get("queue"),
        queues=tuple(queue.value for queue in Queue),
        oldest_first=address.get("order") == "oldest",
        turned_url=address.changed({"order": "" if address.get("order") == "oldest" else "oldest"}).url,
        chips=tuple(
            Chip(_WORDS[name].format(value), address.without(name, value).url)
            for name, value in address.params
            if name in _WORDS
        ),
        ranges=tuple(_ranges(address)),
        errors=tuple(errors.items()),
    )


def legend(picture: Histogram, address: TasksAddress) -> tuple[Legend, ...]:
    return tuple(
        Legend(status, tone(status), f"{count:,}", address.changed({"status": status}).url)
        for status, count in picture.totals
    )


def _ranges(address: TasksAddress) -> list[RangeLink]:
    fixed = address.get("submitted_after") or address.get("submitted_before")
    ends = {"submitted_after": "", "submitted_before": ""}
    links = [
        RangeLink(words, address.changed(ends | {"since": since}).url, not fixed and address.get("since") == since)
        for since, words in _RANGES
    ]
    whole = address.changed(ends | {"since": ""}).url
    return [*links, RangeLink("all", whole, not fixed and not address.get("since"))]
