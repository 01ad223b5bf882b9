"""What Redis is to hold of a task after each call, worked out again in Python from what happened to the task."""

from collections import Counter
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from tests.model.world import Named
from throughline.ledger.message import Queue
from throughline.ledger.states import LOST, Reason, Status


@dataclass
class Start:
    """One attempt. `told`: a later process was asked to write its run span."""

    worker: str
    process: int
    ended_by: Reason | None = None
    told: bool = False

    @property
    def was_cut_off(self) -> bool:
        return self.ended_by in LOST


@dataclass
class Task(Named):
    """One task. `accepted`: the front door took it, so that it must end, unless it has expired."""

    task_id: str
    queue: Queue
    correlation_id: str
    message: bytes
    accepted: bool = False
    status: Status | None = None
    starts: list[Start] = field(default_factory=list)
    history: list[tuple[Status, Reason | None]] = field(default_factory=list)
    deliveries: int = 0
    retries: int = 0
    cancel_requested: bool = False
    is_dead_letter: bool = False
    has_progress: bool = False
    version: int = 0
    copied: int = 0  # the version that Redis knows to be in the history
    has_moved: bool = False  # it has ended, and Redis has nothing of it any more
    ran: Counter[Status] = field(default_factory=Counter)  # that ended, by how; ever, whatever is forgotten
    ended_as: Counter[Status] = field(default_factory=Counter)  # of the task itself
    past: dict[str, Any] | None = None  # what was known of it when it moved; None if the history lacks that

    def __repr__(self) -> str:
        return self.task_id

    @property
    def caller(self) -> str:
        """Every second one has an owner."""
        return "ann" if int(self.task_id.removeprefix("task-")) % 2 else ""

    @property
    def owner(self) -> str:
        """In whose indices it is while the history lacks it."""
        return f"{self.caller} {self.correlation_id}" if self.caller else ""

    @property
    def is_final(self) -> bool:
        return self.status is not None and self.status.is_final

    @property
    def is_open(self) -> bool:
        return self.status is not None and not self.is_final

    @property
    def is_archived(self) -> bool:
        """Whether it only waits to be forgotten."""
        return self.is_final and self.copied == self.version

    @property
    def running(self) -> Start | None:
        return self.starts[-1] if self.status is Status.STARTED else None

    @property
    def attempt(self) -> int | None:
        """The number that the process must name which stores the task's end."""
        return len(self.starts) if self.status is Status.STARTED else None

    def _move(self, after: Status, reason: Reason | None, *, counts: bool = True) -> None:
        """`counts`: not for what one script does as a part of the same change."""
        self.status = after
        self.version += counts
        self.history.append((after, reason))

    def begins(self, *, counts: bool = True) -> None:
        """It has a record: it was accepted, or its message was first seen."""
        self._move(Status.PENDING, None, counts=counts)

    def claimed(self, worker: str, process: int) -> None:
        if self.status is None:
            self.begins(counts=False)
        if self.running:
            self.back_in_queue(Reason.LOST_PROCESS, counts=False)
        if self.starts and self.starts[-1].was_cut_off:
            self.starts[-1].told = True
        self.starts.append(Start(worker, process))
        self.deliveries += 1
        self._move(Status.STARTED, Reason.CLAIMED)

    def dead_when_claimed(self) -> None:
        if self.running:
            self.back_in_queue(Reason.LOST_PROCESS, counts=False)
        if self.starts and self.starts[-1].was_cut_off:
            self.starts[-1].told = True
        self.ends(Status.FAILURE, Reason.DELIVERIES_USED_UP)
        self.is_dead_letter = self.accepted

    def ends(self, status: Status, reason: Reason) -> None:
        if self.status is None:
            self.begins(counts=False)
        if self.running:
            self.running.ended_by = reason
            self.ran[status] += 1
        if status.is_final:
            self.ended_as[status] += 1
        self._move(status, reason)

    def retried(self) -> None:
        """Its own attempt met a temporary error: it waits."""
        self.ends(Status.RETRY, Reason.RETRIED)
        self.deliveries = 0
        self.retries += 1

    def retried_by_celery(self) -> None:
        self.ends(Status.RETRY, Reason.RETRIED)
        self.deliveries = 0

    def retries_used_up(self) -> None:
        self.ends(Status.FAILURE, Reason.RETRIES_USED_UP)
        self.deliveries = 0
        self.is_dead_letter = True

    def back_in_queue(self, reason: Reason, *, counts: bool = True) -> None:
        """The sweep put it back, or a worker gave it up."""
        if self.running:
            self.running.ended_by = reason
            self.ran[Status.RETRY] += 1
        if reason is Reason.HANDED_BACK:
            self.deliveries -= 1
        self._move(Status.PENDING, reason, counts=counts)

    def asked_to_stop(self) -> None:
        if not self.cancel_requested:
            assert self.status
            self.history.append((self.status, Reason.CANCEL_REQUESTED))
        self.cancel_requested = True

    def cancelled_while_it_waited(self) -> None:
        self.cancel_requested = True
        self.ends(Status.REVOKED, Reason.CANCELLED)

    def replayed(self) -> None:
        self.deliveries = self.retries = 0
        self.cancel_requested = self.is_dead_letter = self.has_progress = False
        self._move(Status.PENDING, Reason.REPLAYED)

    def forgotten(self) -> None:
        """The history alone has it."""
        assert self.is_archived, f"{self}, {self.status}, is forgotten at version {self.version}, copied: {self.copied}"
        past = deepcopy({name: getattr(self, name) for name in _OF_RECORD})
        self._begin_anew()
        self.has_moved, self.past = True, past

    def revived(self) -> None:
        """A dead letter comes back from the history, and is replayed."""
        for name, value in (self.past or {}).items():
            setattr(self, name, value)
        self.has_moved, self.past = False, None
        self.replayed()

    def expired(self) -> None:
        """The lifetime of its record is over, and nobody had archived it."""
        if self.accepted:
            assert self.is_final, f"{self}, {self.status}, has expired before it ended"
        self._begin_anew()
        self.has_moved = self.accepted

    def tombstone_expired(self) -> None:
        """If a message of it is still somewhere, it begins anew."""
        self.has_moved, self.past = False, None

    def _begin_anew(self) -> None:
        self.status = None
        self.starts, self.history = [], []
        self.deliveries = self.retries = self.version = self.copied = 0
        self.cancel_requested = self.is_dead_letter = self.has_progress = False


_OF_RECORD = (
    "status",
    "starts",
    "history",
    "deliveries",
    "retries",
    "version",
    "cancel_requested",
    "is_dead_letter",
    "has_progress",
)


@dataclass
class Breaker:
    """The circuit breaker, as docs/decisions/circuit-breaker.md has it."""

    max_depth: int
    close_depth: int
    open_seconds: float
    opened_until: float | None = None
    wait: float = 0.0

    def admits(self, depth: int, now: float) -> bool:
        if self.opened_until is None:
            if depth < self.max_depth:
                return True
            self._open(self.open_seconds, now)
            return False
        if now < self.opened_until:
            return False
        if depth > self.close_depth:
            self._open(min(self.wait * 2, 600), now)
            return False
        self.opened_until = None
        return True

    def _open(self, wait: float, now: float) -> None:
        self.wait, self.opened_until = wait, now + wait
