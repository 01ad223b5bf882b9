"""Notices that Redis has lost its data, and names the tasks that were lost with them: its line, and the history's row.

A monitor remembers the mark of the data that it has seen, and which tasks had not ended. It has seen none when it
starts: an empty Redis is then no loss.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Final

import orjson
from redis.asyncio import Redis

from throughline.ledger import data_loss, keys, scripts, stored_task
from throughline.ledger.data_loss import DataSeen
from throughline.ledger.history import History, HistoryUnavailable, HistoryWrong, NotStored
from throughline.ledger.scripts import AsyncLedger
from throughline.ledger.states import Status
from throughline.ledger.stored_task import StoredTask
from throughline.telemetry import correlation
from throughline.telemetry.logging import event

MOST: Final = 2_000  # tasks that are remembered: those that wait are at most CIRCUIT_MAX_DEPTH
ERROR: Final = "LostWithRedis"
_WORDS: Final = "It was accepted, and was lost with Redis's data before it had ended."

Archive = Callable[[Sequence[StoredTask]], Awaitable[None]]


class DataWatch:
    """`await look()`, every few seconds; raises `RedisError` or `OSError` when Redis does not answer."""

    def __init__(self, redis: "Redis", history: History) -> None:
        self._redis, self._history = redis, history
        self._ledger = AsyncLedger(redis)
        self._seen = DataSeen(False, "", 0, None)
        self._open: dict[str, StoredTask] = {}
        self._owed: list[StoredTask] = []  # lost tasks that the history does not have yet
        self.is_told = False

    async def look(self) -> None:
        """The mark comes after the tasks: what is emptied between the two is noticed by the next look."""
        now_open = await self._open_tasks()
        known = self._seen
        seen = await self._ledger(scripts.look_at_data(known.identity, known.number, uuid.uuid4().hex))
        seconds, _ = await self._redis.time()
        if seen.is_lost:
            await self._lost(seconds, is_older=seen.identity == known.identity)
        self._seen, self._open = seen, now_open
        self.is_told = data_loss.is_told(seen.lost_at, seconds)
        await self._pay()

    async def _open_tasks(self) -> dict[str, StoredTask]:
        ids = [str(each) for each in await self._redis.zrange(keys.OPEN, 0, MOST - 1)]
        new = [each for each in ids if each not in self._open]
        read = {each.task_id: each for each in await stored_task.read(self._redis, new) if each is not None}
        return {each: self._open.get(each) or read[each] for each in ids if each in self._open or each in read}

    async def _lost(self, now: float, *, is_older: bool) -> None:
        there = await stored_task.read(self._redis, list(self._open))
        gone = [task for task, found in zip(self._open.values(), there, strict=True) if found is None]
        what = "is back with older data" if is_older else "has lost its data"
        text = f"Redis {what}; {len(gone)} tasks that had been accepted and had not ended are gone"
        event("redis.data_lost", text, {"tasks.lost": len(gone)})
        for task in gone:
            fields = {name: task.fields.get(name, "") for name in ("task_type", "queue")}
            with correlation.bound(task.fields.get("correlation_id") or "unknown", task.task_id):
                event("task.lost", _WORDS, fields | {"status": Status.FAILURE, "error.type": ERROR})
        self._owed += [_ended(task, now) for task in gone]

    async def _pay(self) -> None:
        """The history may be away: then the next look tries again. What it has of a task already stays."""
        if not self._owed:
            return
        try:
            known = await asyncio.to_thread(self._history.find, [task.task_id for task in self._owed])
            new = [task for task in self._owed if task.task_id not in known]
            if new:
                await asyncio.to_thread(self._history.archive, new)
        except (HistoryUnavailable, HistoryWrong):
            return
        except NotStored:  # told by its line alone
            pass
        self._owed.clear()


def _ended(task: StoredTask, now: float) -> StoredTask:
    """As the history keeps it. A worker that has it still may store its end in Redis: that is a later one."""
    failure = {"exc_type": ERROR, "exc_message": [_WORDS], "exc_module": "throughline"}
    result = {"status": Status.FAILURE, "result": failure, "traceback": None, "task_id": task.task_id}
    fields = {**task.fields, "status": Status.FAILURE.value, "finished_at": f"{now:.6f}"}
    return replace(task, fields=fields, result=orjson.dumps(result).decode())
