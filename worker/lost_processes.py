"""Processes of this worker that died: why, and with which task. The next heartbeat tells the ledger."""

import time
from collections import deque
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Final

import orjson
from billiard.pool import EX_OK, EX_RECYCLE
from celery.worker import state

from throughline.ledger.deaths import DeathCause, death_cause
from throughline.telemetry.logging import event
from worker import memory
from worker.delivery import Delivery
from worker.process_down import process_down


@dataclass(frozen=True)
class LostProcess:
    """One that ended although nobody had stopped its worker. A process that is replaced in its time is none."""

    process: int
    cause: DeathCause
    detail: int | None
    task_id: str
    noticed: float  # on the monotonic clock

    def encode(self) -> str:
        told = {
            "process": self.process,
            "cause": self.cause,
            "detail": self.detail,
            "task_id": self.task_id,
            "ago": round(time.monotonic() - self.noticed, 6),
        }
        return orjson.dumps({name: value for name, value in told.items() if value not in (None, "")}).decode()


_MOST_UNTOLD: Final = 100  # as many as the ledger keeps
untold: Final[deque[LostProcess]] = deque(maxlen=_MOST_UNTOLD)
_ran: Final[deque[tuple[int, Delivery, bool]]] = deque(maxlen=_MOST_UNTOLD)


def note_task(process: int, delivery: Delivery, *, is_at_its_limit: bool) -> None:
    """Celery gives up the task with which the process is lost, or is about to be killed: that comes first."""
    _ran.append((process, delivery, is_at_its_limit))


def cause_of(exit_code: int | None, *, at_its_limit: bool, terminated: bool, for_memory: bool) -> DeathCause | None:
    """None for one that ended in order."""
    if exit_code in {None, EX_OK, EX_RECYCLE}:
        return None
    if at_its_limit:
        return DeathCause.TIME_LIMIT
    if terminated:
        return DeathCause.TERMINATED
    if exit_code is not None and exit_code < 0:
        return DeathCause.MEMORY if for_memory else DeathCause.SIGNAL
    return DeathCause.EXIT


def install() -> None:
    kills = memory.kills()

    def note(process: Any, **_: Any) -> None:
        nonlocal kills
        before, kills = kills, memory.kills()
        if not any(asked is not None and asked is not False for asked in (state.should_stop, state.should_terminate)):
            _note(process, for_memory=kills > before)

    process_down.connect(note, weak=False)


def _note(process: Any, *, for_memory: bool) -> None:
    delivery, is_at_its_limit = next(
        ((ran, limit) for known, ran, limit in reversed(_ran) if known == process.pid), (None, False)
    )
    cause = cause_of(
        process.exitcode,
        at_its_limit=is_at_its_limit,
        terminated=getattr(process, "_job_terminated", False),
        for_memory=for_memory,
    )
    if cause is None:
        return
    detail = {DeathCause.SIGNAL: -process.exitcode, DeathCause.EXIT: process.exitcode}.get(cause)
    task_id = delivery.task_id if delivery else ""
    untold.append(LostProcess(process.pid, cause, detail, task_id, time.monotonic()))
    why = death_cause(cause, detail)
    fields: dict[str, Any] = {"process.lost_pid": process.pid, "cause": why}
    if delivery:
        fields["task_type"] = delivery.task_type
    with delivery.bound() if delivery else nullcontext():
        event("worker.process_lost", f"Process {process.pid} is lost: {why}", fields)
