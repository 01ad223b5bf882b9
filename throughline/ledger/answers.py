"""The answers of the scripts: one class for each script that answers more than yes or no."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import orjson

from throughline.ledger.record import Attempt
from throughline.ledger.states import Reason, Status
from throughline.ledger.task_query import Place


@dataclass(frozen=True)
class Claim:
    """Whether a process is to run a task: see claim.lua."""

    outcome: str  # run, cancel, running, dead, or the final status that the task has come to already
    attempt: int = 1
    before: Attempt | None = None  # the attempt before this one; for a task that has ended, its latest
    lost: bool = False  # the one before was cut off with its process, and nobody has written its span yet
    requested_by: str = ""  # for cancel: the correlation ID of the request
    at: float = 0.0  # when Redis answered
    started_at: float = 0.0  # of the attempt
    queue_wait: float | None = None  # in seconds, before it
    take: float | None = None
    waits_since: float | None = None  # when it came into its queue for the last time
    closed: bool = False  # the one before was still open, and ended with this call

    @classmethod
    def of(cls, answer: str) -> Self:
        told = orjson.loads(answer)
        return cls(
            outcome=told["outcome"],
            attempt=int(told.get("attempt") or 1),
            before=_attempt(told.get("before")),
            lost=bool(told.get("lost")),
            requested_by=told.get("requested_by", ""),
            at=float(told["at"]),
            started_at=float(told.get("started_at", 0)),
            queue_wait=_number(told.get("queue_wait")),
            take=_number(told.get("take")),
            waits_since=_number(told.get("waits_since")),
            closed=bool(told.get("closed")),
        )


@dataclass(frozen=True)
class Stored:
    """Whether an end, or a retry, was stored.

    `attempt` is the one that it ended, if another process than its own called; the task's latest if it was refused.
    """

    stored: bool
    status: Status | None = None  # the task's status now
    attempt: Attempt | None = None
    at: float | None = None  # when it was stored

    @classmethod
    def of(cls, answer: str) -> Self:
        told = orjson.loads(answer)
        return cls(told["stored"], _status(told.get("status")), _attempt(told.get("attempt")), _number(told.get("at")))

    def __bool__(self) -> bool:
        return self.stored


@dataclass(frozen=True)
class Retried:
    """What became of a task that met a temporary error: `outcome` is retry, dead, late or unstored."""

    outcome: str
    at: float | None = None  # when its attempt ended

    @classmethod
    def of(cls, answer: str) -> Self:
        told = orjson.loads(answer)
        return cls(told["outcome"], _number(told.get("at")))


@dataclass(frozen=True)
class HandedBack:
    """What became of a task that a worker gave up: `outcome` is handed_back, finished or not_held."""

    outcome: str
    status: Status | None = None
    attempt: Attempt | None = None  # the one that ended; of a finished task, its latest

    @classmethod
    def of(cls, answer: str) -> Self:
        told = orjson.loads(answer)
        return cls(told["outcome"], _status(told.get("status")), _attempt(told.get("attempt")))


@dataclass(frozen=True)
class Health:
    """Whether Redis has room for new tasks, and which workers live."""

    memory_full: bool
    workers: tuple[str, ...]

    @classmethod
    def of(cls, answer: list[Any]) -> Self:
        full, *workers = answer
        return cls(bool(full), tuple(sorted(map(str, workers))))


@dataclass(frozen=True)
class Swept:
    """One thing that a sweep found: `kind` is put_back, due, refused, stalled, died or more."""

    kind: str
    task_id: str = ""
    queue: str = ""
    reason: Reason | None = None
    worker: str = ""
    task_type: str = ""
    correlation_id: str = ""
    trace_id: str = ""
    traceparent: str = ""  # of its message; empty when that came without one
    attempt: int = 0  # attempts so far
    at: float = 0.0  # when that was
    ended: Attempt | None = None  # the attempt that ended by it
    before: str = ""  # for refused: the state that it is in
    last_seen_at: float = 0.0  # for died: the worker's last heartbeat
    tasks: int = 0  # for died: how many tasks it ran

    @classmethod
    def of(cls, line: str) -> Self:
        told = orjson.loads(line)
        reason = told.pop("reason", None)
        traceparent = told.pop("traceparent", "")
        at, ended = float(told.pop("at", 0)), told.pop("ended", None)
        return cls(
            **told,
            at=at,
            ended=Attempt.parse(told["attempt"], ended) if ended else None,
            reason=Reason(reason) if reason else None,
            traceparent=traceparent if isinstance(traceparent, str) else "",
        )


@dataclass(frozen=True)
class Walked:
    """One step of a walk over the tasks that the history does not have: see unarchived.lua."""

    now: float  # by Redis's clock
    looked_at: int
    last: Place | None  # the last one that was looked at
    may_be_shown: tuple[str, ...]  # task IDs, in the order of the walk

    @classmethod
    def of(cls, answer: Sequence[Any]) -> Self:
        now, looked_at, score, task_id, *may_be_shown = answer
        last = Place(float(score), task_id) if looked_at else None
        return cls(float(now), int(looked_at), last, tuple(may_be_shown))


def _attempt(told: Mapping[str, Any] | None) -> Attempt | None:
    return Attempt.parse(int(told["number"]), told) if told else None


def _number(told: str | None) -> float | None:
    return None if told is None else float(told)


def _status(told: str | None) -> Status | None:
    return Status(told) if told else None
