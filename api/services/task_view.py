"""A task as the API tells it, from what Redis holds of it."""

from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel

from api.queue_service import StoredTask
from throughline.ledger import keys
from throughline.ledger.states import Status


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
    outcome: str | None = None
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
    result: dict[str, Any] | None = None
    error: TaskError | None = None
    correlation_id: str
    trace_id: str | None = None
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
    status = Status((meta if _knows_more(meta, record) else record)["status"])
    submitted, started, finished = (record.get(name) for name in ("submitted_at", "started_at", "finished_at"))
    return TaskView(
        task_id=stored.task_id,
        task_type=record["task_type"],
        status=status,
        result=meta.get("result") if status is Status.SUCCESS else None,
        error=_error(meta) if status is Status.FAILURE else None,
        correlation_id=record["correlation_id"],
        trace_id=record.get("trace_id") or None,
        priority=record["priority"],
        queue=record["queue"],
        submitted_at=_moment(submitted or "0"),
        started_at=_moment(started) if started else None,
        finished_at=_moment(finished) if finished else None,
        queue_wait_ms=_waited(submitted, started, stored.attempts),
        run_ms=_milliseconds(started, finished),
        attempts=[_attempt(number, attempt) for number, attempt in enumerate(stored.attempts, 1)],
        next_attempt_at=_moment(record["retry_at"]) if "retry_at" in record else None,
        progress=_progress(record),
    )


def _knows_more(meta: dict[str, Any], record: dict[str, str]) -> bool:
    return bool(meta) and Status(meta["status"]).is_final and not Status(record["status"]).is_final


def _error(meta: dict[str, Any]) -> TaskError:
    failure = meta.get("result") or {}
    words = failure.get("exc_message", "")
    message = " ".join(map(str, words)) if isinstance(words, list) else str(words)
    return TaskError(type=str(failure.get("exc_type", "Error")), message=message)


def _attempt(number: int, attempt: dict[str, Any]) -> Attempt:
    finished = attempt.get("finished_at")
    return Attempt(
        number=number,
        worker=attempt["worker"],
        process=attempt["process"],
        started_at=_moment(attempt["started_at"]),
        finished_at=_moment(finished) if finished else None,
        outcome=attempt.get("outcome"),
        cause=attempt.get("cause") or None,
    )


def _progress(record: dict[str, str]) -> Progress | None:
    told = record.get(keys.PROGRESS)
    return Progress.model_validate_json(told) if told else None


def _moment(seconds: str | float) -> datetime:
    return datetime.fromtimestamp(float(seconds), UTC)


def _waited(submitted: str | None, started: str | None, attempts: list[dict[str, Any]]) -> float | None:
    """From the submission to the latest start, without the attempts in between."""
    whole = _milliseconds(submitted, started)
    if whole is None or started is None:
        return None
    earlier = [each for each in attempts if float(each["started_at"]) < float(started) and "finished_at" in each]
    return round(whole - sum(_milliseconds(each["started_at"], each["finished_at"]) or 0 for each in earlier), 3)


def _milliseconds(start: str | None, end: str | None) -> float | None:
    return round((float(end) - float(start)) * 1000, 3) if start and end else None
