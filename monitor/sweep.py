"""The sweep: finds tasks that are nowhere and puts them back; says what it found. See sweep.lua for what counts."""

from typing import Final

from redis.asyncio import Redis

from throughline.ledger import scripts
from throughline.ledger.answers import Swept
from throughline.ledger.causes import cause
from throughline.ledger.scripts import AsyncLedger
from throughline.ledger.states import Status
from throughline.telemetry import correlation
from throughline.telemetry.logging import event

MISSING_SECONDS: Final = 4.5  # just under one interval: missing in two sweeps, whoever made them
GRACE_SECONDS: Final = 10
STALLED_SECONDS: Final = 15
FORGET_SECONDS: Final = 300  # long after the tasks of a worker that is gone were put back


class Sweep:
    """`await Sweep(redis)()`; raises `RedisError` or `OSError` when Redis does not answer."""

    def __init__(self, redis: "Redis", missing_seconds: float = MISSING_SECONDS) -> None:
        self._ledger = AsyncLedger(redis)
        self._missing_seconds = missing_seconds

    async def __call__(self) -> list[Swept]:
        call = scripts.sweep(
            missing_seconds=self._missing_seconds,
            grace_seconds=GRACE_SECONDS,
            stalled_seconds=STALLED_SECONDS,
            forget_seconds=FORGET_SECONDS,
        )
        return await self._ledger(call)


def tell(found: list[Swept]) -> None:
    """Each task's line is under the task's own correlation ID: one search finds why it waited."""
    for one in found:
        with correlation.bound(one.correlation_id or "unknown", one.task_id):
            match one.kind:
                case "put_back":
                    fields = _fields(one)
                    event("task.put_back", f"Put back into {one.queue}: {fields['cause']}", fields)
                case "due":
                    event("task.due", f"Its wait is over: back into {one.queue}", _fields(one))
                case "refused":
                    event("task.move_refused", f"sweep refused {one.before} → PENDING ({one.reason})")
        if one.kind == "stalled":
            event("worker.stalled", f"{one.worker} takes nothing while work waits", {"worker": one.worker})


def _fields(task: Swept) -> dict[str, str | int]:
    told: dict[str, str | int] = {
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
