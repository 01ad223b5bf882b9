"""What the page of a journey shows: pure functions from what was found to what the template prints."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from contracts.status import Status
from monitor.page.links import Command, Link, Places, commands, of_journey, of_trace
from monitor.page.tasks import Attempt, Task
from monitor.page.waterfall import Bar, LogRow, Waterfall, bar, log_rows, waterfall
from observability.journey import telling
from observability.journey.assembly import is_complete
from observability.journey.duration import in_words
from observability.journey.journey import Journey, Request
from observability.journey.so_far import so_far
from observability.journey.telling import Outcome, Tone

DRAWN: Final = 5  # tasks that are drawn one below the other; more are listed, each with a page of its own
PAGE: Final = 50
_MOST_LOOSE: Final = 200
_SOON: Final = timedelta(seconds=30)  # spans and lines are written within seconds of what they tell
_FOLLOWED: Final = timedelta(hours=1)
_TONES: Final[dict[str, Tone]] = {"SUCCESS": "good", "FAILURE": "bad", "REVOKED": "bad"}


@dataclass(frozen=True)
class Asked:
    """What of a journey was asked for."""

    task_id: str = ""
    status: str = ""
    page: int = 1


@dataclass(frozen=True)
class ShareView:
    """A part of the time, in the legend and as a piece of the bar."""

    words: str
    bar: Bar


@dataclass(frozen=True)
class AttemptView:
    """One start of a task."""

    number: int
    worker: str
    process: int
    started: str
    took: str
    outcome: str
    tone: Tone
    cause: str


@dataclass(frozen=True)
class RequestView:
    """A request drawn in full."""

    key: str
    heading: str
    outcome: Outcome
    facts: tuple[str, ...]
    shares: tuple[ShareView, ...]
    waterfall: Waterfall
    slowest: tuple[str, str, str]
    note: str
    error: str
    fraction: float | None
    attempts: tuple[AttemptView, ...]
    links: tuple[Link, ...]


@dataclass(frozen=True)
class Row:
    """A task in a list of many."""

    number: int
    task_id: str
    outcome: Outcome
    what: str
    at: str
    took: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Listing:
    """One page of an ID's many tasks."""

    rows: tuple[Row, ...]
    page: int
    pages: int
    status: str
    counts: tuple[tuple[str, Tone, int], ...]


@dataclass(frozen=True)
class OtherView:
    """A request that submitted no task, in a line."""

    at: str
    took: str
    words: str
    refused: bool


@dataclass(frozen=True)
class JourneyView:
    """The page."""

    correlation_id: str
    contents: str
    outcome: Outcome | None
    requests: tuple[RequestView, ...]
    listing: Listing | None
    task_id: str
    others: tuple[OtherView, ...]
    more_others: int
    loose_logs: tuple[LogRow, ...]
    more_loose: int
    has_logs: bool
    links: tuple[Link, ...]
    commands: tuple[Command, ...]
    refresh_seconds: int  # 0: nothing more is to come


def drawn(journey: Journey, asked: Asked) -> tuple[Request, ...]:
    """The requests to draw in full: the one asked for, or all while they are few."""
    if asked.task_id:
        return journey.of_task(asked.task_id).tasks
    chosen = telling.full(journey)
    return chosen if len(chosen) <= DRAWN else ()


def journey_view(journey: Journey, tasks: Mapping[str, Task], asked: Asked, at: Places, now: datetime) -> JourneyView:
    """`tasks` are what Redis still knows, by ID."""
    chosen = [_as_of(request, tasks, now) for request in drawn(journey, asked)]
    views = tuple(
        _request_view(request, number, len(chosen), tasks.get(request.task_id), at)
        for number, request in enumerate(chosen, 1)
    )
    shown_full = bool(chosen) and not journey.tasks
    others = () if shown_full or asked.task_id else journey.others
    some = telling.chosen(others)
    return JourneyView(
        correlation_id=journey.correlation_id,
        contents=telling.contents(journey),
        outcome=views[0].outcome if len(views) == 1 else None,
        requests=views,
        listing=None if chosen or not journey.tasks else _listing(journey.tasks, asked),
        task_id=asked.task_id,
        others=tuple(
            OtherView(telling.time_of_day(other), in_words(other.total_ns), telling.in_a_line(other), other.refused)
            for other in some
        ),
        more_others=len(others) - len(some),
        loose_logs=log_rows(journey.loose_logs[:_MOST_LOOSE], 0),
        more_loose=max(0, len(journey.loose_logs) - _MOST_LOOSE),
        has_logs=any(request.logs for request in chosen),
        links=of_journey(journey.correlation_id, at),
        commands=commands(journey, at),
        refresh_seconds=_refresh_seconds(journey, now),
    )


def _as_of(request: Request, tasks: Mapping[str, Task], now: datetime) -> Request:
    """With what it does at this moment, unless its task is done by now or nobody knows of it any more."""
    task = tasks.get(request.task_id)
    return request if task is None or task.status.is_final else so_far(request, now)


def _request_view(request: Request, number: int, count: int, task: Task | None, at: Places) -> RequestView:
    return RequestView(
        key=f"request-{number}",
        heading=f"{number} of {count}" if count > 1 else "",
        outcome=telling.outcome(request),
        facts=tuple(telling.facts(request)),
        shares=_shares(request),
        waterfall=waterfall(request),
        slowest=telling.slowest(request),
        note=request.note,
        error=_error(request),
        fraction=task.fraction if task and not task.status.is_final else None,
        attempts=tuple(map(_attempt, task.attempts)) if task else (),
        links=of_trace(request.trace_id, at),
    )


def _shares(request: Request) -> tuple[ShareView, ...]:
    views, begun = [], 0
    for kind, share in zip(("wait", "worker", "api"), telling.shares(request), strict=False):
        views.append(ShareView(share.words, bar(begun, share.part_ns, request.total_ns, kind)))
        begun += share.part_ns
    return tuple(views)


def _error(request: Request) -> str:
    """Of a task that did not succeed, what its last line about an error says."""
    if request.status not in {Status.FAILURE, Status.RETRY}:
        return ""
    told = (log_rows([line], 0)[0].error for line in reversed(request.logs))
    return next(filter(None, told), "")


def _attempt(attempt: Attempt) -> AttemptView:
    outcome = attempt.outcome or Status.STARTED
    took = "" if attempt.finished is None else in_words(round((attempt.finished - attempt.started) * 1e9))
    return AttemptView(
        attempt.number,
        attempt.worker,
        attempt.process,
        started=f"{datetime.fromtimestamp(attempt.started, UTC):%H:%M:%S}",
        took=took,
        outcome=outcome,
        tone=_TONES.get(outcome, "warn"),
        cause=attempt.cause,
    )


def _listing(tasks: Sequence[Request], asked: Asked) -> Listing:
    counts = Counter(task.status for task in tasks)
    wanted = [(number, task) for number, task in enumerate(tasks, 1) if asked.status in {"", task.status}]
    pages = max(1, -(-len(wanted) // PAGE))
    page = min(max(1, asked.page), pages)
    part = wanted[(page - 1) * PAGE : page * PAGE]
    longest = max((task.total_ns for _, task in part), default=1)
    return Listing(
        rows=tuple(_list_row(number, task, longest) for number, task in part),
        page=page,
        pages=pages,
        status=asked.status,
        counts=tuple((status, _TONES.get(status, "warn"), count) for status, count in sorted(counts.items())),
    )


def _list_row(number: int, task: Request, longest_ns: int) -> Row:
    parts = ((task.rest_ns, "api"), (task.queue_wait_ns, "wait"), (task.run_ns, "worker"))
    bars, begun = [], 0
    for part, kind in parts:
        if part:
            bars.append(bar(begun, part, longest_ns, kind))
        begun += part
    return Row(
        number,
        task.task_id,
        telling.outcome(task),
        what=f"{task.task_type} in {task.queue}",
        at=telling.time_of_day(task),
        took=in_words(task.total_ns),
        bars=tuple(bars),
    )


def _refresh_seconds(journey: Journey, now: datetime) -> int:
    """How soon there may be more to see: soon while a task is under way or its last spans are being written."""
    if not journey.tasks:
        return 0
    last = max(request.started + timedelta(microseconds=request.total_ns // 1000) for request in journey.requests)
    quiet = now - last
    if any(task.status not in _TONES for task in journey.tasks) and quiet < _FOLLOWED:
        # A journey of hundreds of tasks is not searched every second.
        return (1 if quiet < timedelta(minutes=1) else 5) + len(journey.requests) // 100
    return 1 if not is_complete(journey) and quiet < _SOON else 0
