"""Whether the service can do its work: told by asking what it depends on, now."""

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
    """One question to Redis. A worker's heartbeat reaches it through the worker's own loop and broker connection."""
    try:
        return Health(redis=True, workers=tuple(await queue.workers_alive()))
    except BrokerUnavailable:
        return Health(redis=False)
