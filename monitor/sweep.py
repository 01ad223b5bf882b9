"""The sweep: finds tasks that are nowhere and puts them back; says what it found. See sweep.lua for what counts."""

from dataclasses import dataclass
from typing import Final

from redis.asyncio import Redis

from throughline.ledger import scripts
from throughline.ledger.scripts import AsyncLedger
from throughline.ledger.states import Status
from throughline.telemetry.logging import event

MISSING_SECONDS: Final = 4.5  # just under one interval: missing in two sweeps, whoever made them
GRACE_SECONDS: Final = 10
STALLED_SECONDS: Final = 15


@dataclass(frozen=True)
class Found:
    """One line of the sweep: `kind` is put_back, retried or stalled."""

    kind: str
    name: str  # the task's ID or the worker's name
    queue: str = ""
    cause: str = ""


class Sweep:
    """`await Sweep(redis)()`; raises `RedisError` or `OSError` when Redis does not answer."""

    def __init__(self, redis: "Redis", missing_seconds: float = MISSING_SECONDS) -> None:
        self._ledger = AsyncLedger(redis)
        self._missing_seconds = missing_seconds

    async def __call__(self) -> list[Found]:
        call = scripts.sweep(
            missing_seconds=self._missing_seconds, grace_seconds=GRACE_SECONDS, stalled_seconds=STALLED_SECONDS
        )
        return [Found(*line) for line in await self._ledger(call)]


def tell(found: list[Found]) -> None:
    for one in found:
        task = {"task_id": one.name, "queue": one.queue, "status": Status.PENDING}
        match one.kind:
            case "put_back":
                event("task.put_back", f"Put back into {one.queue}: {one.cause}", task)
            case "retried":
                event("task.due", f"Its wait is over: back into {one.queue}", task)
            case "stalled":
                event("worker.stalled", f"{one.name} takes nothing while work waits", {"worker": one.name})
