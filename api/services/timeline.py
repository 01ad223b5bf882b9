"""A task's changes of state so far, and where it is now and why: from its record and attempts."""

from collections.abc import Iterator
from datetime import datetime

from pydantic import BaseModel

from api.services.task_view import TaskView
from throughline.ledger.states import Status


class Change(BaseModel):
    """The task's state changed."""

    at: datetime
    status: Status
    attempt: int | None = None
    worker: str | None = None
    process: int | None = None
    cause: str | None = None


class Timeline(BaseModel):
    """Every change of state, oldest first; `now` is there until the task is done."""

    task_id: str
    status: Status
    now: str | None = None
    queue_position: int | None = None
    changes: list[Change]


def timeline(task: TaskView, position: int | None, *, cancelling: bool, now: datetime) -> Timeline:
    """`position`: its place in its queue, 1 for the next; None when it is in none."""
    return Timeline(
        task_id=task.task_id,
        status=task.status,
        now=_now(task, position, cancelling, now),
        queue_position=position,
        changes=list(_changes(task)),
    )


def _changes(task: TaskView) -> Iterator[Change]:
    yield Change(at=task.submitted_at, status=Status.PENDING)
    for attempt in task.attempts:
        origin = {"attempt": attempt.number, "worker": attempt.worker, "process": attempt.process}
        yield Change(at=attempt.started_at, status=Status.STARTED, **origin)
        if attempt.finished_at and attempt.outcome:
            yield Change(at=attempt.finished_at, status=Status(attempt.outcome), cause=attempt.cause, **origin)
    if task.status is Status.REVOKED and task.finished_at and not task.attempts:
        yield Change(at=task.finished_at, status=Status.REVOKED)


def _now(task: TaskView, position: int | None, cancelling: bool, now: datetime) -> str | None:
    match task.status:
        case Status.PENDING if position is not None:
            return f"in queue {task.queue} at position {position}"
        case Status.PENDING:
            return f"taken from queue {task.queue}, about to start" + (", but to be cancelled" if cancelling else "")
        case Status.STARTED:
            last = task.attempts[-1]
            seconds = max(0.0, (now - last.started_at).total_seconds())
            asked = ", asked to stop" if cancelling else ""
            return f"running on {last.worker} for {seconds:.1f} s{asked}"
        case Status.RETRY:
            return f"waiting for attempt {len(task.attempts) + 1} after a temporary error"
        case _:
            return None
