"""What Redis keeps of a task: each field of its record, of its attempts and of its other changes, and their one parser.

Times are seconds since 1970 by Redis's clock.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Final, Self

import orjson

from throughline.ledger.causes import cause
from throughline.ledger.states import Reason, Status


@dataclass(frozen=True)
class Attempt:
    """One start of the task. A JSON object of the list `tl:task:{id}:attempts`."""

    number: int  # 1 for the first; its place in the list, not stored
    worker: str
    process: int
    started_at: float
    finished_at: float | None = None
    outcome: Status | None = None  # the task's status by this end; RETRY for every end after which it runs again
    ended_by: Reason | None = None  # not stored for one that returned a result
    error: str = ""  # the class of the exception that ended it
    queue_wait: float | None = None  # seconds in its queue before it; not stored by versions before this one
    take: float | None = None  # the last of them: since its worker had taken the message
    last_seen_at: float | None = None  # of one that was lost: its last sign of life, some time before finished_at
    told: bool = False  # another process has written its run span, since its own could not
    version: str = ""  # of the program that ran it; none for a worker of a release that did not say it

    @classmethod
    def parse(cls, number: int, told: Mapping[str, Any]) -> Self:
        outcome, ended_by = told.get("outcome"), told.get("ended_by")
        if ended_by is None and outcome == Status.SUCCESS:
            ended_by = Reason.RETURNED
        return cls(
            number=number,
            worker=str(told.get("worker", "")),
            process=int(told.get("process", 0)),
            started_at=float(told.get("started_at", 0)),
            finished_at=_seconds(told.get("finished_at")),
            outcome=Status(outcome) if outcome else None,
            ended_by=Reason(ended_by) if ended_by else None,
            error=str(told.get("error", "")),
            queue_wait=_measured(told.get("queue_wait")),
            take=_measured(told.get("take")),
            last_seen_at=_seconds(told.get("last_seen_at")),
            told=bool(told.get("told")),
            version=str(told.get("version", "")),
        )

    @property
    def is_lost(self) -> bool:
        """Whether its process was cut off, and so could write no run span."""
        return self.ended_by is not None and self.ended_by.leaves_no_span

    @property
    def ran_until(self) -> float | None:
        """When its run was over: a lost one counts to its last sign of life."""
        return self.finished_at if self.last_seen_at is None else self.last_seen_at

    @property
    def status_after(self) -> Status | None:
        """The task's state by this end: PENDING when it went back to its queue."""
        return Status.PENDING if self.is_lost and self.outcome is Status.RETRY else self.outcome

    @property
    def cause(self) -> str:
        """Why it ended, in words."""
        return cause(self.ended_by, worker=self.worker, process=self.process, error=self.error)


@dataclass(frozen=True)
class Change:
    """A change that is no start or end of an attempt: a JSON object of the list `tl:task:{id}:changes`."""

    at: float
    status: Status  # the task's status after it
    reason: Reason
    worker: str = ""  # the worker that lost it
    requested_by: str = ""  # the correlation ID of the request that asked for it
    caller: str = ""  # whose API key it was
    why: str = ""  # in their words

    @classmethod
    def parse(cls, told: Mapping[str, Any]) -> Self:
        return cls(
            float(told["at"]),
            Status(told["status"]),
            Reason(told["reason"]),
            str(told.get("worker", "")),
            str(told.get("requested_by", "")),
            str(told.get("caller", "")),
            str(told.get("why", "")),
        )

    @property
    def cause(self) -> str:
        """Why it came, in words."""
        return cause(self.reason, worker=self.worker)


def _means(meaning: str, default: Any = "") -> Any:
    return field(default=default, metadata={"means": meaning})


@dataclass(frozen=True)
class TaskRecord:
    """The hash `tl:task:{id}`, with what belongs to it. A field that is not there has its default."""

    task_id: str
    status: Status = _means("the task's state", Status.PENDING)
    task_type: str = _means("the name of the task")
    queue: str = _means("the queue that its message goes into")
    priority: str = _means("the priority that the client asked for")
    caller: str = _means("whose API key submitted it; empty for anyone's")
    correlation_id: str = _means("the correlation ID of its submission")
    trace_id: str = _means("its trace: 32 hex digits; empty when it came without one")
    parent_id: str = _means("the task that submitted this one; empty for a client's own")
    resubmitted_from: str = _means("the task whose data it was submitted again with; empty for any other")
    accepted_by_version: str = _means("the version of the program that accepted it; empty for one sent past the api")
    submitted_at: float = _means("when it was accepted, or its message was first seen", 0.0)
    estimated_start: float | None = _means("the start that its submission was promised, until it starts", None)
    started_at: float | None = _means("when its latest attempt started; not while it waits again", None)
    finished_at: float | None = _means("when it ended", None)
    worker: str = _means("who runs it, while it runs")
    process: int | None = _means("in which process, while it runs", None)
    attempt: int | None = _means("the number of the attempt that may store its end, while it runs", None)
    deliveries: int = _means("starts since it was accepted, retried or replayed, without those handed back", 0)
    retries: int = _means("temporary errors so far", 0)
    retry_at: float | None = _means("when its next attempt is due, while it waits for that", None)
    progress: Mapping[str, Any] | None = _means("how far it is: fraction, estimate, interval, updated_at (JSON)", None)
    seen_at: float | None = _means("the last sign of life of its attempt, by its checkpoints, while it runs", None)
    cancel_requested: str = _means("the correlation ID of the request that asked for its end")
    version: int = _means("how often its state has changed, its first included", 0)
    archived: int | None = _means("the version that the history has, once it has ended and was copied", None)
    attempts: tuple[Attempt, ...] = ()
    changes: tuple[Change, ...] = ()
    silent: float | None = None  # seconds since its last sign of life, if that is old: see sign_of_life.py

    @property
    def is_dead_letter(self) -> bool:
        """Whether the last that happened to it is that its deliveries or its retries were used up."""
        if self.status is not Status.FAILURE:
            return False
        ends = [(each.finished_at or each.started_at, each.ended_by) for each in self.attempts[-1:]]
        ends += [(each.at, each.reason) for each in self.changes[-1:]]
        _, reason = max(ends, key=lambda each: each[0], default=(0.0, None))
        return reason in {Reason.DELIVERIES_USED_UP, Reason.RETRIES_USED_UP}

    @classmethod
    def parse(
        cls,
        task_id: str,
        told: Mapping[str, str],
        attempts: Iterable[str | bytes] = (),
        changes: Iterable[str | bytes] = (),
    ) -> Self:
        """From Redis's answers; `told` may hold some of the fields only."""
        read = {name: _READ[name](value) for name, value in told.items() if name in _READ}
        return cls(
            task_id=task_id,
            **read,
            attempts=attempts_of(attempts),
            changes=tuple(Change.parse(orjson.loads(each)) for each in changes),
        )


def attempts_of(told: Iterable[str | bytes]) -> tuple[Attempt, ...]:
    """The list of a task's attempts, oldest first."""
    return tuple(Attempt.parse(number, orjson.loads(each)) for number, each in enumerate(told, 1))


def _progress(value: str) -> Mapping[str, Any] | None:
    """None for what no checkpoint of this version has written: the task is told without it."""
    try:
        told = orjson.loads(value)
    except ValueError:
        return None
    return told if isinstance(told, dict) else None


def _seconds(value: Any) -> float | None:
    return float(value) if value else None


def _measured(value: Any) -> float | None:
    """A length, which may be 0."""
    return None if value is None else float(value)


FIELDS: Final[Sequence[str]] = tuple(each.name for each in fields(TaskRecord) if each.metadata)
_READ: Final[Mapping[str, Any]] = dict.fromkeys(FIELDS, str) | {
    "status": Status,
    "submitted_at": float,
    "version": int,
    "archived": int,
    "process": int,
    "attempt": int,
    "deliveries": int,
    "retries": int,
    "progress": _progress,
    **dict.fromkeys(("estimated_start", "started_at", "finished_at", "retry_at", "seen_at"), _seconds),
}
