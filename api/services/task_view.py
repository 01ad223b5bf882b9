"""A task as the API tells it, from what Redis holds of it."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, overload

from pydantic import BaseModel, ValidationError

from throughline.ledger import durations
from throughline.ledger import record as ledger
from throughline.ledger.states import Reason, Status
from throughline.ledger.stored_error import stored_error
from throughline.ledger.stored_task import StoredTask


class TaskError(BaseModel):
    """Why a task failed: the exception's class and its words, never a traceback.

    `UnreadableResult` is that of one that succeeded: what another worker has stored as its result is no JSON.
    """

    type: str
    message: str


class Attempt(BaseModel):
    """One start of the task.

    `queue_wait_ms` is its wait in a queue, `take_ms` the last part of that: since a worker had taken the message. One
    that was lost ran until `last_seen_at`; `lost_ms` later, at `finished_at`, that was noticed.
    """

    number: int
    worker: str
    process: int
    version: str | None = None
    started_at: datetime
    last_seen_at: datetime | None = None
    finished_at: datetime | None = None
    queue_wait_ms: float
    take_ms: float | None = None
    run_ms: float | None = None
    lost_ms: float | None = None
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
    """A task's state, times and, once it is done, its result or error. Times are by Redis's clock.

    `cancel_requested`: it was asked to stop, and has not ended yet.
    """

    task_id: str
    task_type: str
    status: Status
    result: Any = None
    error: TaskError | None = None
    correlation_id: str
    trace_id: str | None = None
    parent_id: str | None = None
    resubmitted_from: str | None = None
    priority: str
    queue: str
    accepted_by_version: str | None = None
    submitted_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    queue_wait_ms: float | None = None
    run_ms: float | None = None
    attempts: list[Attempt] = []
    next_attempt_at: datetime | None = None
    progress: Progress | None = None
    cancel_requested: bool | None = None


def task_view(stored: StoredTask) -> TaskView:
    """The view of a stored task. A result that a stock Celery worker stored counts, though it wrote no record."""
    record, status = stored.record, stored.status
    return TaskView(
        task_id=record.task_id,
        task_type=record.task_type,
        status=status,
        result=stored.celery_meta.get("result") if status is Status.SUCCESS else None,
        error=_error(stored),
        correlation_id=record.correlation_id,
        trace_id=record.trace_id or None,
        parent_id=record.parent_id or None,
        resubmitted_from=record.resubmitted_from or None,
        priority=record.priority,
        queue=record.queue,
        accepted_by_version=record.accepted_by_version or None,
        submitted_at=moment(record.submitted_at),
        started_at=moment(record.started_at),
        finished_at=moment(record.finished_at),
        queue_wait_ms=durations.queue_wait_ms(record),
        run_ms=durations.run_ms(record),
        attempts=[_attempt(attempt, record) for attempt in record.attempts],
        next_attempt_at=moment(record.retry_at),
        progress=_progress(record),
        cancel_requested=True if record.cancel_requested and not status.is_final else None,
    )


def _error(stored: StoredTask) -> TaskError | None:
    error = stored_error(stored)
    return None if error is None else TaskError(type=error.type, message=error.message)


def _progress(record: ledger.TaskRecord) -> Progress | None:
    with suppress(ValidationError):  # of another version's
        return Progress.model_validate(record.progress) if record.progress else None
    return None


def _attempt(attempt: ledger.Attempt, record: ledger.TaskRecord) -> Attempt:
    return Attempt(
        number=attempt.number,
        worker=attempt.worker,
        process=attempt.process,
        version=attempt.version or None,
        started_at=moment(attempt.started_at),
        last_seen_at=moment(attempt.last_seen_at),
        finished_at=moment(attempt.finished_at),
        queue_wait_ms=durations.queue_wait_of(attempt, record),
        take_ms=durations.take_of(attempt),
        run_ms=durations.run_of(attempt),
        lost_ms=durations.lost_of(attempt),
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
