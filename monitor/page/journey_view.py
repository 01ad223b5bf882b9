"""What the page of a journey shows: pure functions from what was found to what the template prints."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from monitor.page.comparison_view import ComparisonView, comparison_view
from monitor.page.contents.view import address
from monitor.page.links import Command, Link, Places, commands, of_journey, of_task, of_tasks_like, of_trace
from monitor.page.many_tasks_view import ManyTasksView, many_tasks_view
from monitor.page.recorded_state import as_recorded, until_now
from monitor.page.task_list import PageQuery, TaskList, task_list, task_page
from monitor.page.tasks.offered import Offered, offered
from monitor.page.waterfall import Bar, LogRow, Waterfall, bar, log_rows, waterfall
from throughline.journey import failure, summary
from throughline.journey.assembly import is_complete
from throughline.journey.comparison import Compare, Comparison, no_comparison
from throughline.journey.journey import Journey, Request, Source
from throughline.journey.log_placement import timed_line
from throughline.journey.many_tasks import MOST_DRAWN, is_many
from throughline.journey.one_task import one_task
from throughline.journey.quantities import format_duration
from throughline.journey.summary import Outcome, Tone
from throughline.ledger import durations
from throughline.ledger.record import Attempt, TaskRecord
from throughline.ledger.states import Status

DRAWN: Final = MOST_DRAWN  # one below the other; more are listed, each with a page of its own
_MOST_LOOSE: Final = 200
_SOON: Final = timedelta(seconds=30)  # spans and lines are written within seconds of what they tell
_FOLLOWED: Final = timedelta(hours=1)
_SHARE_KINDS: Final = {"queue wait": "wait", "run": "worker", "between attempts": "pause", "the rest": "api"}
_MOST_TASKS: Final = 20  # whose attempts are listed


@dataclass(frozen=True)
class ShareView:
    """A part of the time, in the legend and as a piece of the bar."""

    words: str
    bar: Bar


@dataclass(frozen=True)
class AttemptView:
    """One start of a task."""

    task: str  # of which task, when there are several
    number: int
    worker: str
    process: int
    version: str  # empty where one version made all attempts of all tasks
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
    comparison: ComparisonView | None
    notes: tuple[str, ...]
    error: str
    failed_children: tuple[str, ...]
    fraction: float | None
    attempts: tuple[AttemptView, ...]
    effects: tuple[Link, ...]
    links: tuple[Link, ...]
    offered: Offered


@dataclass(frozen=True)
class OtherView:
    """A request that submitted no task, on one line."""

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
    many: ManyTasksView | None
    task_list: TaskList | None
    task_id: str
    others: tuple[OtherView, ...]
    more_others: int
    loose_logs: tuple[LogRow, ...]
    more_loose: int
    has_logs: bool
    links: tuple[Link, ...]
    commands: tuple[Command, ...]
    refresh_seconds: int  # 0: nothing more will come


def drawn_requests(journey: Journey, asked: PageQuery) -> tuple[Request, ...]:
    """The requests to draw in full: the one asked for, or all while they are few."""
    if asked.task_id:
        submissions = journey.of_task(asked.task_id).submissions
        return tuple(one_task(each, asked.task_id) for each in submissions) if is_many(journey) else submissions
    chosen = summary.drawn_in_full(journey)
    return chosen if len(chosen) <= DRAWN else ()


def requests_on_page(journey: Journey, asked: PageQuery) -> tuple[Request, ...]:
    """Those that are drawn, or else the tasks on the page of the list."""
    return drawn_requests(journey, asked) or tuple(task for _, task in task_page(journey.submissions, asked).tasks)


def journey_view(
    journey: Journey,
    tasks: Mapping[str, TaskRecord],
    asked: PageQuery,
    at: Places,
    now: datetime,
    compare: Compare = no_comparison,
) -> JourneyView:
    """`tasks` are what Redis still knows, by ID."""
    journey = as_recorded(journey, tasks)
    chosen = [until_now(request, tasks, now) for request in drawn_requests(journey, asked)]
    views = tuple(
        _request_view(request, compare(request), (number, len(chosen)), tasks, at)
        for number, request in enumerate(chosen, 1)
    )
    shown_full = bool(chosen) and not journey.submissions
    others = () if shown_full or asked.task_id else journey.others
    some = summary.shown_others(others)
    return JourneyView(
        correlation_id=journey.correlation_id,
        contents=summary.contents(journey),
        outcome=views[0].outcome if len(views) == 1 else None,
        requests=views,
        many=many_tasks_view(journey) if is_many(journey) and not asked.task_id else None,
        task_list=None if chosen or not journey.submissions else task_list(journey, asked, tasks, now),
        task_id=asked.task_id,
        others=tuple(
            OtherView(
                summary.time_of_day(other), format_duration(other.total_ns), summary.one_line(other), other.refused
            )
            for other in some
        ),
        more_others=len(others) - len(some),
        loose_logs=log_rows(journey.loose_logs[:_MOST_LOOSE], 0),
        more_loose=max(0, len(journey.loose_logs) - _MOST_LOOSE),
        has_logs=any(request.logs for request in chosen),
        links=of_journey(journey, at),
        commands=commands(journey, at),
        refresh_seconds=_refresh_seconds(journey, now),
    )


def _request_view(
    request: Request,
    compared: Comparison | None,
    place: tuple[int, int],
    records: Mapping[str, TaskRecord],
    at: Places,
) -> RequestView:
    number, count = place
    record = records.get(request.task_id)
    return RequestView(
        key=f"request-{number}",
        heading=f"{number} of {count}" if count > 1 else "",
        outcome=summary.outcome(request),
        facts=tuple(summary.facts(request)),
        shares=_shares(request),
        waterfall=waterfall(request),
        slowest=summary.slowest(request),
        comparison=comparison_view(request, compared) if compared else None,
        notes=tuple(summary.notes(request)),
        error=_error(request),
        failed_children=tuple(failure.failed_children(request)),
        fraction=_fraction(record),
        attempts=tuple(_attempts(request, records)),
        effects=tuple(of_task(summary.effect(each), each.correlation_id, each.task_id) for each in request.effects),
        links=(
            *_contents_link(request, count),
            *_trace_links(request, at),
            *of_tasks_like(request.task_type, _error_type(record)),
        ),
        offered=offered(request, record),
    )


def _contents_link(request: Request, count: int) -> tuple[Link, ...]:
    """Where one task alone is drawn, they are on the page itself."""
    return (Link("Input and result", address(request.task_id)),) if count > 1 and request.task_id else ()


def _trace_links(request: Request, at: Places) -> tuple[Link, ...]:
    """None while Jaeger has nothing to show."""
    return () if request.source is Source.LINES else of_trace(request.trace_id, at)


def _shares(request: Request) -> tuple[ShareView, ...]:
    views, begun = [], 0
    for share in summary.shares(request):
        kind = _SHARE_KINDS[share.name]
        views.append(ShareView(share.words, bar(begun, share.part_ns, request.total_ns, kind)))
        begun += share.part_ns
    return tuple(views)


def _error(request: Request) -> str:
    """Why its task failed; of one that waits for another attempt, how the latest one ended."""
    if not request.tasks or request.status not in {Status.FAILURE, Status.RETRY}:
        return ""
    task = request.tasks[0]
    return failure.headline(task) or next((end.words for end in reversed(task.ends)), "")


def _error_type(record: TaskRecord | None) -> str:
    failed = record is not None and record.status is Status.FAILURE and record.attempts
    return record.attempts[-1].error if record and failed else ""


def _fraction(record: TaskRecord | None) -> float | None:
    """How far the task is; None when it has ended or reports no progress."""
    if record is None or record.status.is_final or not record.progress or record.silent is not None:
        return None
    return float(record.progress["fraction"])


def _attempts(request: Request, records: Mapping[str, TaskRecord]) -> Iterator[AttemptView]:
    known = [(task, records[task.task_id]) for task in request.tasks if task.task_id in records]
    versions = {attempt.version for _, record in known for attempt in record.attempts}
    tells_versions = len(versions) > 1
    for task, record in known[:_MOST_TASKS]:
        label = f"{task.task_type} {task.task_id}".strip() if len(request.tasks) > 1 else ""
        yield from (_attempt(attempt, label, tells_versions=tells_versions) for attempt in record.attempts)


def _attempt(attempt: Attempt, task: str, *, tells_versions: bool) -> AttemptView:
    outcome = attempt.outcome or Status.STARTED
    ran, lost = (
        "" if ms is None else format_duration(round(ms * 1e6))
        for ms in (durations.run_of(attempt), durations.lost_of(attempt))
    )
    return AttemptView(
        task,
        attempt.number,
        attempt.worker,
        attempt.process,
        attempt.version if tells_versions else "",
        started=f"{datetime.fromtimestamp(attempt.started_at, UTC):%H:%M:%S}",
        took=f"{ran} and {lost} without a sign of life" if lost else ran,
        outcome=outcome,
        tone=summary.tone(outcome),
        cause=attempt.cause,
    )


def _refresh_seconds(journey: Journey, now: datetime) -> int:
    """Seconds until there may be more to show: few while a task has not ended or its last spans are being written."""
    quiet = now - max(_times(journey), default=datetime.min.replace(tzinfo=UTC))
    if not all(task.has_ended for task in journey.tasks) and quiet < _FOLLOWED:
        # A journey of hundreds of tasks is not searched every second.
        return (1 if quiet < timedelta(minutes=1) else 5) + len(journey.requests) // 100
    return 1 if not is_complete(journey) and quiet < _SOON else 0


def _times(journey: Journey) -> Iterator[datetime]:
    """When each request had its last span, and each line without spans was written."""
    for request in journey.requests:
        yield request.started + timedelta(microseconds=request.total_ns // 1000)
    for at_ns in (timed_line(line.fields).at_ns for line in journey.loose_logs):
        if at_ns is not None:
            yield datetime.fromtimestamp(at_ns / 1e9, UTC)
