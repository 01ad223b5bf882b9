"""A task's changes of state so far, and where it is now and why: from its record."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from pydantic import BaseModel

from api.services.callers import Caller
from api.services.task_view import TaskError, moment
from throughline.ledger import causes
from throughline.ledger import record as ledger
from throughline.ledger.record import TaskRecord
from throughline.ledger.sign_of_life import in_words
from throughline.ledger.states import Reason, Status

_ASKED: Final = {Reason.CANCEL_REQUESTED, Reason.REPLAYED}


class Change(BaseModel):
    """The task's state changed, or its end was asked for.

    `requested_by` is the correlation ID of the request, `caller` the name of its API key, `why` what was given as the
    reason. The name of another caller is told to admins alone.
    """

    at: datetime
    status: Status
    reason: Reason | None = None
    attempt: int | None = None
    worker: str | None = None
    process: int | None = None
    version: str | None = None
    cause: str | None = None
    requested_by: str | None = None
    caller: str | None = None
    why: str | None = None


class Timeline(BaseModel):
    """Every change of state, oldest first; `now` is there until the task is done."""

    task_id: str
    status: Status
    now: str | None = None
    queue_position: int | None = None
    changes: list[Change]


def timeline(
    task: TaskRecord,
    status: Status,
    position: int | None,
    reader: Caller,
    *,
    now: datetime,
    error: TaskError | None = None,
) -> Timeline:
    """`position`: its place in its queue, 1 for the next; None when it is in none."""
    changes = sorted(_changes(task, reader), key=lambda change: change.at)
    return Timeline(
        task_id=task.task_id,
        status=status,
        now=_now(task, status, position, now),
        queue_position=position,
        changes=[*changes, *_untold_end(task, status, changes[-1], error)],
    )


def _untold_end(task: TaskRecord, status: Status, last: Change, error: TaskError | None) -> Iterator[Change]:
    """Of a task that ended without an attempt or a change to tell it, as one that was lost with Redis's data."""
    if status.is_final and not last.status.is_final and task.finished_at:
        cause = f"{error.type}: {error.message}" if error else None
        yield Change(at=moment(task.finished_at), status=status, cause=cause)


def _changes(task: TaskRecord, reader: Caller) -> Iterator[Change]:
    yield Change(at=moment(task.submitted_at), status=Status.PENDING)
    for attempt in task.attempts:
        origin = {"attempt": attempt.number, "worker": attempt.worker, "process": attempt.process}
        origin |= {"version": attempt.version} if attempt.version else {}
        yield Change(at=moment(attempt.started_at), status=Status.STARTED, reason=Reason.CLAIMED, **origin)
        if attempt.finished_at and attempt.status_after:
            yield Change(
                at=moment(attempt.finished_at),
                status=attempt.status_after,
                reason=attempt.ended_by,
                cause=_cause(task, attempt.cause, attempt.status_after, attempt.finished_at),
                **_asked_by(task, attempt.ended_by, attempt.finished_at, reader),
                **origin,
            )
    for change in task.changes:
        yield Change(
            at=moment(change.at),
            status=change.status,
            reason=change.reason,
            worker=change.worker or None,
            cause=_cause(task, change.cause, change.status, change.at),
            **(_by(change, reader) if change.requested_by else _asked_by(task, change.reason, change.at, reader)),
        )


def _cause(task: TaskRecord, words: str, status: Status, at: float) -> str | None:
    """Of an end that somebody wanted to be another, also that."""
    if status in {Status.SUCCESS, Status.FAILURE} and _was_asked_to_stop(task, at):
        return f"{words}; {causes.TOO_LATE}" if words else causes.TOO_LATE
    return words or None


def _was_asked_to_stop(task: TaskRecord, at: float) -> bool:
    """A replay forgets what was asked for before it."""
    asked = [change for change in task.changes if change.at <= at and change.reason in _ASKED]
    return bool(asked) and max(asked, key=lambda change: change.at).reason is Reason.CANCEL_REQUESTED


def _asked_by(task: TaskRecord, reason: Reason | None, at: float, reader: Caller) -> dict[str, str | None]:
    """Of an end that was asked for before it came: whoever asked is noted where that was asked."""
    if reason is not Reason.CANCELLED:
        return {}
    asked = [each for each in task.changes if each.reason is Reason.CANCEL_REQUESTED and each.at <= at]
    return _by(asked[-1], reader) if asked else {"requested_by": task.cancel_requested or None}


def _by(change: ledger.Change, reader: Caller) -> dict[str, str | None]:
    caller = change.caller if reader.may_see(change.caller) else ""
    return {"requested_by": change.requested_by or None, "caller": caller or None, "why": change.why or None}


def _now(task: TaskRecord, status: Status, position: int | None, now: datetime) -> str | None:
    cancelling = bool(task.cancel_requested)
    match status:
        case Status.PENDING if position is not None:
            return f"in queue {task.queue} at position {position}" + (", to be cancelled there" if cancelling else "")
        case Status.PENDING:
            return f"taken from queue {task.queue}, about to start" + (", but to be cancelled" if cancelling else "")
        case Status.STARTED:
            last = task.attempts[-1]
            seconds = max(0.0, now.timestamp() - last.started_at)
            asked = ", asked to stop" if cancelling else ""
            if task.silent is not None:
                return in_words(last.worker, task.silent) + asked
            return f"running on {last.worker} for {seconds:.1f} s{asked}"
        case Status.RETRY:
            attempt = f"attempt {len(task.attempts) + 1}"
            return f"waiting for {attempt} after a temporary error" + (", to be cancelled then" if cancelling else "")
        case _:
            return None
