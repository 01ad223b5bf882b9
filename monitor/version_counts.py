"""Versions that have not run for long are counted as one: the counts would grow with each deployment otherwise."""

from typing import Final

from redis.asyncio import Redis

from throughline.ledger import counts, deployments, scripts
from throughline.ledger.counts import Counts
from throughline.ledger.deployments import Versions
from throughline.ledger.scripts import AsyncLedger

_KEPT: Final = 10  # versions by themselves, beside those that run


async def fold(redis: "Redis") -> None:
    """Raises `RedisError` or `OSError` when Redis does not answer."""
    old = outdated(await counts.read(redis), await deployments.read(redis))
    if old:
        await AsyncLedger(redis)(scripts.fold_counts(old))


def outdated(counted: Counts, seen: Versions) -> list[str]:
    """Those that have counts, do not run and are not of the latest deployments; none while none is known to run."""
    running = {each.version for each in seen.running if each.service == "worker"}
    # The version before too: the one that a system began with was never deployed, and the next is compared with it.
    latest = dict.fromkeys(
        version
        for each in seen.deployments
        if each.service == "worker"
        for version in (each.version, each.previous_version)
        if version
    )
    own = {run.version for run in counted.ran} - {"", counts.OLDER}
    return sorted(own - running - {*list(latest)[:_KEPT]}) if running else []
