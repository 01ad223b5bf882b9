"""Whether the service can do its work: asks Redis and the workers at the moment of the question."""

from dataclasses import dataclass
from typing import Literal

from api.errors import BrokerUnavailable, Refusal
from api.queue_service import QueueService
from throughline.ledger.history import AsyncHistory, HistoryUnavailable, HistoryWrong
from throughline.ledger.unwritable import Unwritable


@dataclass(frozen=True)
class Health:
    """Redis answers or not, and takes new tasks or says why not; the workers that are alive."""

    redis: bool
    workers: tuple[str, ...] = ()
    refuses: Unwritable | None = None

    @property
    def status(self) -> Literal["healthy", "degraded", "unhealthy"]:
        if not self.redis or self.refuses:
            return "unhealthy"
        return "healthy" if self.workers else "degraded"


async def check(queue: QueueService) -> Health:
    """Asks Redis once. A recent heartbeat shows that a worker's own loop and its broker connection work."""
    try:
        found = await queue.health()
    except BrokerUnavailable as unavailable:
        return await _without_writes(queue, unavailable.reason)
    return Health(True, found.workers, Unwritable.MEMORY_FULL if found.memory_full else None)


async def history_answers(history: AsyncHistory) -> bool:
    """Without it tasks are accepted and run all the same: it makes no replica unhealthy."""
    try:
        await history.check()
    except (HistoryUnavailable, HistoryWrong):
        return False
    return True


async def data_lost_at(queue: QueueService) -> float | None:
    """When Redis was found to have lost data, as long as that is told; as it was last seen while Redis is away."""
    try:
        return await queue.data_lost_at()
    except Refusal:
        return queue.data_lost


async def _without_writes(queue: QueueService, reason: Unwritable | None) -> Health:
    if reason is None or reason is Unwritable.LOADING:  # a Redis that loads answers nothing yet
        return Health(redis=False)
    try:
        return Health(True, await queue.workers_alive(), reason)
    except BrokerUnavailable:
        return Health(redis=False)
