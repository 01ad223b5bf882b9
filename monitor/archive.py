"""Moves ended tasks from Redis into the history: copies them at once, and forgets them when their hot time is over.

Any number of monitors may do so at once, and each may die between any two steps: a copy is made again without effect,
and Redis lets go of a task only as it was copied.
"""

import asyncio
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, TypeVar

from redis.asyncio import Redis

from monitor.hot_time import hot_seconds
from throughline.ledger import history_scripts, keys
from throughline.ledger.history import History, NotStored
from throughline.ledger.history_scripts import MOST_AT_ONCE
from throughline.ledger.scripts import AsyncLedger
from throughline.ledger.stored_task import StoredTask
from throughline.telemetry import correlation
from throughline.telemetry.logging import event

T = TypeVar("T")

BATCH: Final = 200  # tasks that are copied in one transaction
BATCH_BYTES: Final = 2_000_000  # of their results and messages, and the last one's
PRUNED_AT_ONCE: Final = 500
_PRUNE_PAUSE_SECONDS: Final = 0.2  # between two batches: others write to the history, too


@dataclass(frozen=True)
class Behind:
    """What the history does not have yet, and what it alone has."""

    tasks: int
    seconds: float  # since the oldest of them ended
    dead_letters: int  # that are no longer in Redis


class Archive:
    """What one monitor does for the history. The history is asked in threads: sampling and sweeping go on."""

    def __init__(self, redis: "Redis", history: History, longest_hot_seconds: float) -> None:
        self._redis = redis
        self._ledger = AsyncLedger(redis)
        self._history = history
        self._longest = longest_hot_seconds
        self._threads = ThreadPoolExecutor(2, "history")
        self._dead_letters = 0
        self._refused: set[str] = set()  # tasks that the history cannot take

    async def copy(self) -> int:
        """Copies one batch; answers how many tasks still wait for it. Raises `HistoryUnavailable`, `RedisError`."""
        waiting, tasks = await self._ledger(
            history_scripts.ended(most=BATCH + len(self._refused), most_bytes=BATCH_BYTES, without=self._refused)
        )
        kept = await self._in_thread(lambda: self._archive([task for task in tasks if task.fields]))
        done = kept + [task for task in tasks if not task.fields]  # those have nothing left that could be copied
        for part in _parts(done):
            await self._ledger(
                history_scripts.copied({task.task_id: int(task.fields.get("version", 0)) for task in part})
            )
        return waiting - len(done) - len(self._refused)

    async def forget(self, *, only_if_scarce: bool = False) -> int:
        """Lets go of the tasks whose hot time is over; answers how many. Raises `RedisError`."""
        seconds, _ = await self._redis.time()
        memory = await self._redis.info("memory")
        hot = hot_seconds(self._longest, int(memory["used_memory"]), int(memory["maxmemory"]))
        if only_if_scarce and hot == self._longest:
            return 0
        forgotten = 0
        while ids := await self._redis.zrangebyscore(keys.HOT, "-inf", seconds - hot, start=0, num=MOST_AT_ONCE):
            gone = await self._ledger(history_scripts.forget([str(each) for each in ids]))
            forgotten += len(gone)
            if not gone:
                break
        return forgotten

    async def behind(self) -> Behind:
        """How far the history is behind. Raises `RedisError`."""
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.time()
            pipe.zcard(keys.ENDED)
            pipe.zrange(keys.ENDED, 0, 0, withscores=True)
            pipe.zintercard(2, [keys.DEAD_LETTERS, keys.HOT])
            (seconds, _), tasks, oldest, doubled = await pipe.execute()
        return Behind(tasks, max(0.0, seconds - oldest[0][1]) if oldest else 0.0, self._dead_letters - doubled)

    async def count_dead_letters(self) -> None:
        """Those that the history has. Raises `HistoryUnavailable`."""
        self._dead_letters = await self._in_thread(self._history.count_dead_letters)

    async def prune(self, before: float) -> int:
        """Drops from the history what ended before that moment, in small batches. Raises `HistoryUnavailable`."""
        dropped = 0
        while True:
            batch = await self._in_thread(lambda: self._history.prune(before, PRUNED_AT_ONCE))
            dropped += batch
            if batch < PRUNED_AT_ONCE:
                return dropped
            await asyncio.sleep(_PRUNE_PAUSE_SECONDS)

    async def shorten(self, most_bytes: int) -> int:
        """Drops the oldest tasks of a SQLite file that is larger than that. Raises `HistoryUnavailable`."""
        dropped = 0
        while await self._in_thread(self._history.size) > most_bytes:
            batch = await self._in_thread(lambda: self._history.prune(math.inf, PRUNED_AT_ONCE))
            dropped += batch
            if not batch:
                break
            await asyncio.sleep(_PRUNE_PAUSE_SECONDS)
        return dropped

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _archive(self, tasks: Sequence[StoredTask]) -> list[StoredTask]:
        """Those that the history has now: one that it cannot take does not keep the others out."""
        refused: Mapping[str, str] = {}
        if tasks:
            try:
                self._history.archive(tasks)
            except NotStored as error:
                refused = error.reasons
        for task in tasks:
            if task.task_id in refused:
                self._refuse(task, refused[task.task_id])
        return [task for task in tasks if task.task_id not in refused]

    def _refuse(self, task: StoredTask, reason: str) -> None:
        self._refused.add(task.task_id)
        with correlation.bound(task.fields.get("correlation_id") or "unknown", task.task_id):
            told = {"error.message": reason}
            event("task.not_archived", f"The history cannot take it, so it stays in Redis: {reason}", told)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def _parts(tasks: Sequence[StoredTask]) -> Iterator[Sequence[StoredTask]]:
    for start in range(0, len(tasks), MOST_AT_ONCE):
        yield tasks[start : start + MOST_AT_ONCE]
