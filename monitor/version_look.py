"""Looks which versions run, says that of the monitor itself, and tells each deployment once, whichever monitor sees it.

What a deployment is says docs/decisions/deployments.md; the script decides it: throughline/ledger/lua/deployments.lua.
"""

from dataclasses import replace
from datetime import UTC, datetime

from redis.asyncio import Redis

from throughline.ledger import deployments, redis_clock
from throughline.ledger.clock_watch import ClockWatch
from throughline.ledger.deployments import Deployment, Instance, Versions
from throughline.ledger.scripts import AsyncLedger
from throughline.settings import MonitorSettings
from throughline.telemetry.logging import event, node_name


class VersionLook:
    """`await VersionLook(redis, ledger, settings)()`; raises `RedisError` or `OSError` when Redis does not answer."""

    def __init__(self, redis: "Redis", ledger: AsyncLedger, settings: MonitorSettings) -> None:
        self._redis, self._ledger = redis, ledger
        self._own = Instance("monitor", node_name("monitor", settings), settings.service_version)
        self._watch = ClockWatch("monitor", self._own.node)

    async def __call__(self) -> Versions:
        await redis_clock.own.look_async(self._redis)
        self._watch.look_at(redis_clock.own)
        own = replace(self._own, clock_offset_ms=redis_clock.own.ahead_ms)
        await self._ledger(deployments.present([own]))
        seen = await self._ledger(deployments.look())
        for each in seen.deployments:
            _tell(each)
        return seen


def _tell(one: Deployment) -> None:
    fields = {
        "deployment.service": one.service,
        "deployment.version": one.version,
        "deployment.previous_version": one.previous_version,
        "deployment.at": datetime.fromtimestamp(one.at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    event("deployment", f"{one.service} runs {one.version}, and ran {one.previous_version} before", fields)
