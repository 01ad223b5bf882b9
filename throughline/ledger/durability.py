"""What Redis does not promise of a task that was answered with 201: told when a process begins, and when it changes."""

import logging
from collections.abc import Mapping
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import ResponseError

_FSYNC: Final = {
    "everysec": "the tasks of the last second before a power cut can be lost",
    "no": "the tasks that the system has not written to its disk before a power cut can be lost",
}

_logger = logging.getLogger("throughline.redis")


class Durability:
    """What one process has seen of it."""

    risks: tuple[str, ...] = ()

    async def look(self, redis: "Redis") -> None:
        """Raises `RedisError` or `OSError` when Redis does not answer."""
        before, self.risks = self.risks, await _look(redis)
        for risk in self.risks:
            if risk not in before:
                _logger.warning("A 201 promises less than it should: %s", risk)
        if before and not self.risks:
            _logger.warning("A 201 promises again that its task is on Redis's disk")


async def _look(redis: "Redis") -> tuple[str, ...]:
    try:
        known: Mapping[str, Any] = await redis.info("persistence") | await redis.info("memory")
    except ResponseError:
        known = {}
    try:
        configured: Mapping[Any, Any] = await redis.config_get("appendfsync")
    except ResponseError:
        configured = {}
    return risks(known, configured)


def risks(known: Mapping[str, Any], configured: Mapping[Any, Any]) -> tuple[str, ...]:
    """From INFO and CONFIG, as far as Redis tells: an access list or a provider may refuse either."""
    found = [_of_file(known, configured), _of_policy(known)]
    return tuple(risk for risk in found if risk)


def _of_file(known: Mapping[str, Any], configured: Mapping[Any, Any]) -> str:
    if "aof_enabled" not in known:
        return "whether Redis keeps an append-only file is not known, since it refuses INFO"
    if not int(known["aof_enabled"]):
        return "appendonly is no: accepted tasks are not on Redis's disk, and lost when Redis ends"
    fsync = configured.get("appendfsync")
    if fsync is None:
        return "when Redis forces its file to the disk (appendfsync) is not known, since it refuses CONFIG"
    return f"appendfsync is {fsync}: {_FSYNC[fsync]}" if fsync in _FSYNC else ""


def _of_policy(known: Mapping[str, Any]) -> str:
    policy = known.get("maxmemory_policy")
    if policy is None:
        return "whether Redis evicts tasks (maxmemory-policy) is not known, since it does not tell"
    return "" if policy == "noeviction" else f"maxmemory-policy is {policy}: Redis may drop tasks when memory is short"
