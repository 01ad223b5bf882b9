"""Looks which versions run, says that of the monitor itself, and tells each deployment once, whichever monitor sees it.

What a deployment is says docs/decisions/deployments.md; the script decides it: throughline/ledger/lua/deployments.lua.
"""

from datetime import UTC, datetime

from throughline.ledger import deployments
from throughline.ledger.deployments import Deployment, Instance, Versions
from throughline.ledger.scripts import AsyncLedger
from throughline.settings import MonitorSettings
from throughline.telemetry.logging import event, node_name


class VersionLook:
    """`await VersionLook(ledger, settings)()`; raises `RedisError` or `OSError` when Redis does not answer."""

    def __init__(self, ledger: AsyncLedger, settings: MonitorSettings) -> None:
        self._ledger = ledger
        self._own = Instance("monitor", node_name("monitor", settings), settings.service_version)

    async def __call__(self) -> Versions:
        await self._ledger(deployments.present([self._own]))
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
