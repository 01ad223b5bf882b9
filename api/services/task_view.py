"""A task as the API tells it, from what Redis holds of it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final, overload

from pydantic import BaseModel

from api.queue_service import StoredTask
from throughline.ledger import record as ledger
from throughline.ledger.record import TaskRecord
from throughline.ledger.states import Reason, Status

# The errors of Celery's pool hold no words for people: the one has a bare number, the other its own name.
_TIME_LIMITS: Final = {
    "SoftTimeLimitExceeded": "It ran past its soft time limit, at which it was asked to stop.",
    "TimeLimitExceeded": "It ran past its time limit of {} s, at which its process was killed.",
}


class TaskError(BaseModel):
    """Why a task failed: the exception's class and its words, never a traceback."""

    type: str
    message: str


class Attempt(BaseModel):
    """One start of the task."""

    number: int
    worker: str
    process: int
    started_at: datetime
    finished_at: datetime | None = None
    outcome: Status | None = None
    ended_by: Reason | None = None
    cause: str | None = None


class Progress(BaseModel):
    """How far a running task is, and its estimate so far with its 95 % interval."""

    fraction: float
    estimate: float | None = None
    interval_low: float | None = None
    interval_high: float | None = None
    updated_at: datetime


class TaskView(BaseModel):
    """A task's state, times and, once it is done, its result or error. Times are by Redis's clock."""

    task_id: str
    task_type: str
    status: Status
    result: Any = None
    error: TaskError | None = None
    correlation_id: str
    trace_id: str | None = None
    parent_id: str | None = None
    priority: str
    queue: str
    submitted_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    queue_wait_ms: float | None = None
    run_ms: float | None = None
    attempts: list[Attempt] = []
    next_attempt_at: datetime | None = None
    progress: Progress | None = None


def task_view(stored: StoredTask) -> TaskView:
    """The view of a stored task. A result that a stock Celery worker stored counts, though it wrote no record."""
    record, meta = stored.record, stored.celery_meta
    status = Status(meta["status"]) if _knows_more(meta, record) else record.status
    return TaskView(
        task_id=record.task_id,
        task_type=record.task_type,
        status=status,
        result=meta.get("result") if status is Status.SUCCESS else None,
        error=_error(meta) if status is Status.FAILURE else None,
        correlation_id=record.correlation_id,
        trace_id=record.trace_id or None,
        parent_id=record.parent_id or None,
        priority=record.priority,
        queue=record.queue,
        submitted_at=moment(record.submitted_at),
        started_at=moment(record.started_at),
        finished_at=moment(record.finished_at),
        queue_wait_ms=_waited(record),
        run_ms=_ran(record),
        attempts=[_attempt(attempt) for attempt in record.attempts],
        next_attempt_at=moment(record.retry_at),
        progress=Progress.model_validate(record.progress) if record.progress else None,
    )


def _knows_more(meta: dict[str, Any], record: TaskRecord) -> bool:
    return bool(meta) and Status(meta["status"]).is_final and not record.status.is_final


def _error(meta: dict[str, Any]) -> TaskError:
    failure = meta.get("result") or {}
    words, kind = failure.get("exc_message", ""), str(failure.get("exc_type", "Error"))
    message = " ".join(map(str, words)) if isinstance(words, list) else str(words)
    if failure.get("exc_module") == "billiard.exceptions" and kind in _TIME_LIMITS:
        message = _TIME_LIMITS[kind].format(message)
    return TaskError(type=kind, message=message)


def _attempt(attempt: ledger.Attempt) -> Attempt:
    return Attempt(
        number=attempt.number,
        worker=attempt.worker,
        process=attempt.process,
        started_at=moment(attempt.started_at),
        finished_at=moment(attempt.finished_at),
        outcome=attempt.outcome,
        ended_by=attempt.ended_by,
        cause=attempt.cause or None,
    )


@overload
def moment(seconds: float) -> datetime: ...
@overload
def moment(seconds: float | None) -> datetime | None: ...
def moment(seconds: float | None) -> datetime | None:
    """A time of the record for people and clients."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _ran(record: TaskRecord) -> float | None:
    """The latest attempt's time; a task that is cancelled while it waits for the next one ends later than its run."""
    ends = [record.attempts[-1].finished_at] if record.attempts else []
    return _milliseconds(record.started_at, min(filter(None, [record.finished_at, *ends]), default=None))


def _waited(record: TaskRecord) -> float | None:
    """Its time in a queue before the latest start: without attempts, and without the waits for a retry or a replay."""
    started = record.started_at
    if started is None:
        return None
    begun = sorted((each for each in _states(record) if each[0] < started), key=lambda each: each[0])
    ends = [at for at, _ in begun[1:]] + [started]
    waits = [end - at for (at, status), end in zip(begun, ends, strict=True) if status is Status.PENDING]
    return round(sum(waits) * 1000, 3)


def _states(record: TaskRecord) -> Iterator[tuple[float, Status]]:
    yield record.submitted_at, Status.PENDING
    for attempt in record.attempts:
        yield attempt.started_at, Status.STARTED
        if attempt.finished_at is not None:
            yield attempt.finished_at, attempt.status_after or Status.PENDING
    for change in record.changes:
        yield change.at, change.status


def _milliseconds(start: float | None, end: float | None) -> float | None:
    return None if start is None or end is None else round((end - start) * 1000, 3)
