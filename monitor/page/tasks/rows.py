"""The rows of the list of tasks: pure functions from stored tasks to what the template prints."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from monitor.page import links
from throughline.journey.quantities import format_duration
from throughline.journey.summary import Tone, tone
from throughline.ledger import durations
from throughline.ledger.record import TaskRecord
from throughline.ledger.states import Status
from throughline.ledger.stored_task import StoredTask


@dataclass(frozen=True)
class TaskRow:
    """One task; what it has not done yet is empty."""

    task_id: str
    correlation_id: str
    url: str
    submitted: str
    submitted_in_full: str
    status: Status
    tone: Tone
    task_type: str
    queue: str
    wait: str
    run: str
    attempts: int
    worker: str
    error: str


def task_rows(tasks: Sequence[StoredTask], now: float) -> tuple[TaskRow, ...]:
    """`now` is in seconds since 1970."""
    return tuple(_row(task, now) for task in tasks)


def _row(task: StoredTask, now: float) -> TaskRow:
    record, submitted = task.record, datetime.fromtimestamp(task.record.submitted_at, UTC)
    today = submitted.date() == datetime.fromtimestamp(now, UTC).date()
    return TaskRow(
        task_id=task.task_id,
        correlation_id=record.correlation_id,
        url=_journey(record),
        submitted=f"{submitted:%H:%M:%S}" if today else f"{submitted:%b} {submitted.day} {submitted:%H:%M:%S}",
        submitted_in_full=f"{submitted:%Y-%m-%d %H:%M:%S}.{submitted.microsecond // 1000:03} UTC",
        status=task.status,
        tone=tone(task.status),
        task_type=record.task_type,
        queue=record.queue,
        wait=_wait(record, task.status, now),
        run=_run(record, task.status, now),
        attempts=len(record.attempts),
        worker=record.attempts[-1].worker if record.attempts else "",
        error=task.error_type or ("result unreadable" if task.unreadable else ""),
    )


def _journey(record: TaskRecord) -> str:
    """A message that is no task of Celery's may have come without a correlation ID: the search finds its task."""
    if record.correlation_id:
        return links.of_task("", record.correlation_id, record.task_id).url
    return f"/journeys?id={quote(record.task_id, safe='')}"


def _wait(record: TaskRecord, status: Status, now: float) -> str:
    if (waited := durations.queue_wait_ms(record)) is not None:
        return _took(waited)
    if status is Status.PENDING and not record.attempts:
        return _so_far(record.submitted_at, now)
    return ""


def _run(record: TaskRecord, status: Status, now: float) -> str:
    if (ran := durations.run_ms(record)) is not None:
        return _took(ran)
    return _so_far(record.started_at, now) if status is Status.STARTED and record.started_at else ""


def _so_far(begun: float, now: float) -> str:
    """In whole seconds: more digits would be old before they are read."""
    seconds = max(0, int(now - begun))
    return f"{_unbroken(format_duration(seconds * 10**9) if seconds >= 60 else f'{seconds} s')} so far"


def _took(milliseconds: float) -> str:
    return _unbroken(format_duration(round(milliseconds * 1e6)))


def _unbroken(duration: str) -> str:
    """A number and its unit stay on one line."""
    return duration.replace(" ", "\N{NO-BREAK SPACE}")
