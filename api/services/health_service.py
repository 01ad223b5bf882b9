"""Whether the service can do its work: asks Redis and the workers at the moment of the question."""

from dataclasses import dataclass
from typing import Literal

from api.errors import BrokerUnavailable
from api.queue_service import QueueService


@dataclass(frozen=True)
class Health:
    """Redis answers or not; the workers that are alive."""

    redis: bool
    workers: tuple[str, ...] = ()

    @property
    def status(self) -> Literal["healthy", "degraded", "unhealthy"]:
        if not self.redis:
            return "unhealthy"
        return "healthy" if self.workers else "degraded"


async def check(queue: QueueService) -> Health:
    """Asks Redis once. A recent heartbeat shows that a worker's own loop and its broker connection work."""
    try:
        return Health(redis=True, workers=tuple(await queue.workers_alive()))
    except BrokerUnavailable:
        return Health(redis=False)
