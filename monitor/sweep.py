"""The sweep: finds tasks that are nowhere and puts them back; says what it found. See sweep.lua for what counts."""

import asyncio
import time
from typing import Any, Final

from redis.asyncio import Redis

from throughline.ledger import redis_clock, scripts
from throughline.ledger.answers import Swept
from throughline.ledger.attempt_end import end_fields
from throughline.ledger.causes import cause
from throughline.ledger.deaths import DeathCause, death_cause
from throughline.ledger.message import Queue
from throughline.ledger.script import Call
from throughline.ledger.scripts import AsyncLedger
from throughline.ledger.states import Status
from throughline.telemetry import correlation
from throughline.telemetry.log_line import timestamp
from throughline.telemetry.logging import event

MISSING_SECONDS: Final = 4.5  # just under one interval: missing in two sweeps, whoever made them
GRACE_SECONDS: Final = 10
STALLED_SECONDS: Final = 15
FORGET_SECONDS: Final = 300  # long after the tasks of a worker that is gone were put back


MOST_CALLS: Final = 50
PAUSE_SECONDS: Final = 0.02


class Sweep:
    """`await Sweep(redis)()`; raises `RedisError` or `OSError` when Redis does not answer.

    One call of the script holds Redis for a few milliseconds at most. When there is more to do, others are served
    between two calls; what is left after `MOST_CALLS` is left to the next sweep.
    """

    def __init__(self, redis: "Redis", missing_seconds: float = MISSING_SECONDS) -> None:
        self._ledger = AsyncLedger(redis)
        self._missing_seconds = missing_seconds

    async def __call__(self) -> list[Swept]:
        found: list[Swept] = []
        first: str = Queue.HIGH
        for _ in range(MOST_CALLS):
            asked = time.time()
            told = await self._ledger(self._call(first))
            for at in {one.at for one in told if one.at}:
                redis_clock.own.heard(asked, at)
            found += (one for one in told if one.kind != "more")
            more = [one.queue for one in told if one.kind == "more"]
            if not more:
                break
            (first,) = more
            await asyncio.sleep(PAUSE_SECONDS)
        return found

    def _call(self, first: str) -> Call[list[Swept]]:
        return scripts.sweep(
            first,
            missing_seconds=self._missing_seconds,
            grace_seconds=GRACE_SECONDS,
            stalled_seconds=STALLED_SECONDS,
            forget_seconds=FORGET_SECONDS,
        )


def tell(found: list[Swept]) -> None:
    """Each task's line is under the task's own correlation ID: one search finds why it waited."""
    for one in found:
        with correlation.bound(one.correlation_id or "unknown", one.task_id):
            match one.kind:
                case "put_back":
                    fields = _fields(one) | _ended(one)
                    event("task.put_back", f"Put back into {one.queue}: {fields['cause']}", fields)
                case "due":
                    event("task.due", f"Its wait is over: back into {one.queue}", _fields(one))
                case "refused":
                    event("task.move_refused", f"sweep refused {one.before} → PENDING ({one.reason})")
        if one.kind == "died":
            why = death_cause(DeathCause.NO_HEARTBEAT, None)
            event("worker.lost", f"{one.worker} {why}", {"worker": one.worker, "cause": why})
        if one.kind == "stalled":
            event("worker.stalled", f"{one.worker} takes nothing while work waits", {"worker": one.worker})


def _ended(task: Swept) -> dict[str, Any]:
    """Of the attempt that ended by it; nothing for a task that no worker had started."""
    return end_fields(task.ended) if task.ended else {}


def _fields(task: Swept) -> dict[str, str | int]:
    told: dict[str, str | int] = {
        "@timestamp": timestamp(redis_clock.own.here(task.at)),
        "task_type": task.task_type,
        "queue": task.queue,
        "status": Status.PENDING,
        "attempt": task.attempt,
        "reason": task.reason or "",
        "cause": cause(task.reason, worker=task.worker),
    }
    if task.worker:
        told["worker"] = task.worker
    if task.trace_id:
        told["trace.id"] = task.trace_id
    return told
