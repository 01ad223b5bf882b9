"""How far the clock of each running process instance is ahead of Redis's, as it has told."""

from collections.abc import Mapping
from dataclasses import dataclass

from redis.asyncio import Redis

from throughline.ledger import keys
from throughline.ledger.deployments import ALIVE_SECONDS
from throughline.ledger.redis_clock import LIMIT_SECONDS, in_words


@dataclass(frozen=True)
class HostClock:
    """Of one process instance; `ahead` in seconds, less than 0 for one that is behind."""

    service: str
    node: str
    ahead: float

    @property
    def is_off(self) -> bool:
        return abs(self.ahead) > LIMIT_SECONDS

    def __str__(self) -> str:
        return f"The clock of {self.node} is {in_words(self.ahead)}"


async def read(redis: "Redis") -> tuple[HostClock, ...]:
    """Of all that were heard of lately, by service and name."""
    async with redis.pipeline(transaction=False) as pipe:
        pipe.time()
        pipe.hgetall(keys.CLOCKS)
        (seconds, _), told = await pipe.execute()
    return parsed(told, seconds)


def parsed(told: Mapping[str, str], now: float) -> tuple[HostClock, ...]:
    """From the hash, at that time of Redis's."""
    found = []
    for instance, value in sorted(told.items()):
        ahead_ms, at = value.split()
        if float(at) >= now - ALIVE_SECONDS:
            service, node = instance.split()
            found.append(HostClock(service, node, float(ahead_ms) / 1000))
    return tuple(found)
