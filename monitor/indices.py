"""Puts the indices of tasks right, now and then: what the version before wrote is in none, and what expired in some."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from redis.asyncio import Redis

from throughline.ledger import history_scripts, keys
from throughline.ledger.history_scripts import MOST_AT_ONCE
from throughline.ledger.scripts import AsyncLedger

EVERY_SECONDS: Final = 3600.0  # the first time at once: the version before may have been here until now
_PAUSE_SECONDS: Final = 0.01  # between two calls: Redis has others to answer


async def put_right(redis: "Redis") -> int:
    """Looks at every task that has a record or is in an index; answers how many were out of place."""
    ledger, moved, batch = AsyncLedger(redis), 0, set[str]()
    async for task_id in _all(redis):
        batch.add(task_id)
        if len(batch) == MOST_AT_ONCE:
            changed = await ledger(history_scripts.reindex(list(batch)))
            moved += len(changed)
            batch.clear()
            await asyncio.sleep(_PAUSE_SECONDS)
    changed = await ledger(history_scripts.reindex(list(batch)))
    return moved + len(changed)


async def _all(redis: "Redis") -> AsyncIterator[str]:
    async for key in redis.scan_iter(f"{keys.TASK}*", count=500, _type="HASH"):
        yield str(key).removeprefix(keys.TASK)
    for index in (keys.UNARCHIVED, keys.ENDED, keys.HOT):
        async for task_id, _ in redis.zscan_iter(index, count=MOST_AT_ONCE):
            yield str(task_id)
    async for task_id in redis.sscan_iter(keys.LISTED, count=MOST_AT_ONCE):
        yield str(task_id)
