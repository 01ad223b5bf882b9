"""What the home page shows: pure functions from a sample, access lines and task records to what the template prints."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from monitor.page.changes.changes_view import NowView
from monitor.page.system_map.layout import Layout
from monitor.page.traffic import Recent, Traffic
from throughline.journey.quantities import format_count, format_duration, format_percent
from throughline.journey.summary import Tone
from throughline.journey.summary import tone as tone_of
from throughline.ledger.message import Queue
from throughline.ledger.queue_sample import Sample
from throughline.ledger.record import TaskRecord
from throughline.ledger.states import Status

REFRESH_SECONDS: Final = 2
_OUTCOMES: Final = {Status.SUCCESS: "done", Status.FAILURE: "failed", Status.REVOKED: "cancelled"}
_CIRCUIT: Final[dict[str, tuple[str, Tone, str]]] = {
    "closed": ("closed", "good", "tasks are taken"),
    "open": ("open", "bad", "new tasks are refused with 503 for now"),
    "half_open": ("half open", "warn", "the next task probes whether the backlog is gone"),
}


@dataclass(frozen=True)
class QueueView:
    """One queue: how many wait in it, in percent of the depth at which the breaker opens."""

    name: str
    depth: int
    filled: float
    oldest: str


@dataclass(frozen=True)
class QueuesView:
    """The queues, the workers and the circuit breaker, as sampled a moment ago."""

    waiting: int
    most: int
    queues: tuple[QueueView, ...]
    in_flight: int
    workers: tuple[str, ...]
    circuit: str
    circuit_tone: Tone
    circuit_means: str
    memory: str
    memory_full: bool


@dataclass(frozen=True)
class TrafficView:
    """How many requests failed, and out of how many."""

    rate: str
    tone: Tone
    failed: str
    answered: str
    refused: str


@dataclass(frozen=True)
class RecentView:
    """One correlation ID that was seen lately."""

    correlation_id: str
    what: str
    word: str
    tone: Tone
    outcome: str  # of its task: how long it took, or since when it runs or waits
    error: str  # the class of the error that its task failed with
    answered: str
    ago: str
    at: str


@dataclass(frozen=True)
class HomeView:
    """The page; without Redis there are no queues, without access lines no traffic."""

    queues: QueuesView | None
    traffic: TrafficView | None
    recent: tuple[RecentView, ...]
    troubles: tuple[str, ...]
    example: str
    versions: NowView | None = None
    map: Layout | None = None
    refresh_seconds: int = REFRESH_SECONDS


def queues_view(sample: Sample, most: int) -> QueuesView:
    word, tone, means = _CIRCUIT[sample.circuit]
    return QueuesView(
        waiting=sample.waiting,
        most=most,
        queues=tuple(_queue(queue, sample, most) for queue in Queue),
        in_flight=sample.in_flight,
        workers=sample.workers,
        circuit=word,
        circuit_tone=tone,
        circuit_means=means,
        memory=_memory(sample),
        memory_full=sample.memory_full,
    )


def traffic_view(seen: Traffic) -> TrafficView:
    within = format_duration(round(seen.seconds * 1e9)) if seen.seconds < 300 else "5 minutes"
    return TrafficView(
        rate=format_percent(seen.failed, seen.answered) if seen.answered else "–",
        tone="bad" if seen.failed else "good",
        failed=f"{seen.failed:,} of {format_count(seen.answered, 'request')}",
        answered=f"answered in the last {within}",
        refused=f"{seen.refused:,} refused (4xx)" if seen.refused else "",
    )


def recent_view(seen: Traffic, tasks: Mapping[str, TaskRecord], now: datetime) -> tuple[RecentView, ...]:
    """`tasks` are the newest of each correlation ID."""
    return tuple(_recent(request, tasks.get(request.correlation_id), now) for request in seen.recent)


def _memory(sample: Sample) -> str:
    used = f"{sample.memory_used / 1024**2:,.0f}"
    return f"{used} of {sample.memory_limit / 1024**2:,.0f} MB" if sample.memory_limit else f"{used} MB"


def _queue(queue: Queue, sample: Sample, most: int) -> QueueView:
    depth, age = sample.depth[queue], sample.oldest_age[queue]
    filled = min(100.0, round(100 * depth / max(1, most), 2))
    return QueueView(queue, depth, filled, f"oldest {format_duration(round(age * 1e9))}" if depth else "")


def _recent(request: Recent, task: TaskRecord | None, now: datetime) -> RecentView:
    accepted = task is not None and request.status < 400
    return RecentView(
        correlation_id=request.correlation_id,
        what=_what(request, task) if task and accepted else request.request,
        word=task.status if task and accepted else str(request.status),
        tone=_tone(request, task if accepted else None),
        outcome=_outcome(task, now.timestamp()) if task and accepted else "",
        error=_error(task) if task and accepted else "",
        answered=_took(request.duration_ms),
        ago=_ago((now - request.at).total_seconds()),
        at=f"{request.at:%Y-%m-%d %H:%M:%S} UTC",
    )


def _what(request: Recent, task: TaskRecord) -> str:
    """Its state is that of one task: of several with the same correlation ID, the latest."""
    several = f", the latest of {request.submissions:,}" if request.submissions > 1 else ""
    return f"{task.task_type} in {task.queue}{several}"


def _outcome(task: TaskRecord, now: float) -> str:
    """From its submission to its end; of a task that has not ended, what it does and since when."""
    if task.status.is_final:
        took = (task.finished_at or task.submitted_at) - task.submitted_at
        return f"{_OUTCOMES.get(task.status, 'ended')} after {format_duration(max(0, round(took * 1e9)))}"
    latest = task.attempts[-1] if task.attempts else None
    if task.silent is not None:
        return f"last sign of life {_seconds(task.silent)} ago"
    if task.status is Status.STARTED and latest:
        return f"running for {_seconds(now - latest.started_at)}"
    since = (latest.finished_at or latest.started_at) if latest else task.submitted_at
    what = f"waiting for attempt {latest.number + 1}," if latest else "waiting for"
    return f"{what} {_seconds(now - since)}"


def _seconds(seconds: float) -> str:
    """In whole seconds: more digits would be old before they are read."""
    whole = max(0, int(seconds))
    return f"{whole} s" if whole < 60 else format_duration(whole * 10**9)


def _error(task: TaskRecord) -> str:
    return task.attempts[-1].error if task.status is Status.FAILURE and task.attempts else ""


def _ago(seconds: float) -> str:
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        if seconds >= size:
            return f"{seconds // size:.0f} {unit} ago"
    return "now"


def _took(milliseconds: float) -> str:
    """NGINX measures in whole milliseconds, so no more digits are shown."""
    if milliseconds >= 1000:
        return format_duration(round(milliseconds * 1e6))
    return f"{milliseconds:.0f} ms" if milliseconds >= 1 else "<1 ms"


def _tone(request: Recent, task: TaskRecord | None) -> Tone:
    if task:
        return tone_of(task.status)
    if request.status >= 500:
        return "bad"
    return "warn" if request.status >= 400 else "good"
