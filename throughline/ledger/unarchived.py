"""Redis's part of every list: the tasks that the history does not have as they are now, in the list's order."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Final

from redis.asyncio import Redis

from throughline.ledger import history_scripts, keys, stored_task
from throughline.ledger.scripts import AsyncLedger
from throughline.ledger.stored_task import StoredTask
from throughline.ledger.task_query import Place, TaskQuery

_STEP: Final = 500  # tasks looked at by one call: about a millisecond of Redis's time
_AT_ONCE: Final = 100  # tasks read by one pipeline


class Unarchived:
    """`within` surrounds each call of Redis: a deadline and a place in the line of those who wait for it."""

    def __init__(self, redis: "Redis", within: Callable[[], AbstractAsyncContextManager[object]] = nullcontext) -> None:
        self._redis = redis
        self._ledger = AsyncLedger(redis)
        self._within = within

    async def find(self, query: TaskQuery) -> list[StoredTask]:
        """At most `query.limit` tasks, from `query.after` on."""
        found: list[StoredTask] = []
        count = min(_STEP, query.limit + 1)
        while True:
            async with self._within():
                step = await self._ledger(history_scripts.unarchived(query, count))
            for begin in range(0, len(step.may_be_shown), _AT_ONCE):
                some = await self._read(step.may_be_shown[begin : begin + _AT_ONCE])
                found += [task for task in some if query.is_ahead(Place.of(task)) and query.matches(task, step.now)]
                if len(found) >= query.limit:
                    return found[: query.limit]
            if step.last is None or step.looked_at < count:
                return found
            # A step begins with the last score again. Where more tasks than a step looks at were submitted in the same
            # microsecond, only a longer one gets past them.
            if query.is_ahead(step.last):
                query, count = query.beginning_after(step.last), _STEP
            else:
                count *= 2

    async def current(self, query: TaskQuery, task_ids: Sequence[str]) -> dict[str, StoredTask | None]:
        """Those of the tasks that the history has not, or no longer as they are; None for one that is filtered out."""
        if not task_ids:
            return {}
        async with self._within(), self._redis.pipeline(transaction=False) as pipe:
            pipe.time()
            pipe.zmscore(keys.UNARCHIVED, list(task_ids))
            (seconds, micros), scores = await pipe.execute()
        stale = [task_id for task_id, score in zip(task_ids, scores, strict=True) if score is not None]
        now = seconds + micros / 1_000_000
        return {task.task_id: task if query.matches(task, now) else None for task in await self._read(stale)}

    async def _read(self, task_ids: Sequence[str]) -> list[StoredTask]:
        if not task_ids:
            return []
        async with self._within():
            return [task for task in await stored_task.read_for_list(self._redis, task_ids) if task is not None]
