"""Notices that Redis has lost its data, and names the tasks that were lost with them: its line, and the history's row.

A monitor remembers the mark of the data that it has seen, and which tasks had not ended. It keeps both in the history,
so that one that starts knows what the last one saw. Where neither has seen any, an empty Redis is no loss.
"""

import asyncio
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import orjson
from redis.asyncio import Redis

from throughline.ledger import data_loss, keys, scripts, stored_task
from throughline.ledger.data_mark import NOTHING, DataMark, DataSeen, News
from throughline.ledger.history import History, HistoryUnavailable, HistoryWrong, NotStored
from throughline.ledger.scripts import AsyncLedger
from throughline.ledger.states import Status
from throughline.ledger.stored_task import StoredTask
from throughline.telemetry import correlation
from throughline.telemetry.logging import event

MOST: Final = 2_000  # tasks that are remembered: those that wait are at most CIRCUIT_MAX_DEPTH
KEPT_EVERY_SECONDS: Final = 60  # in the history, while the tasks that have not ended are the same
_WORDS: Final = "It was accepted, and was lost with Redis's data before it had ended."
_AWAY: Final = (HistoryUnavailable, HistoryWrong)  # the rounds that archive tell of it


class DataWatch:
    """`await look()`, every few seconds; raises `RedisError` or `OSError` when Redis does not answer."""

    def __init__(self, redis: "Redis", history: History, place: str) -> None:
        self._redis, self._history, self._place = redis, history, place
        self._ledger = AsyncLedger(redis)
        self._known = NOTHING
        self._kept: DataMark | None = None  # as the history has it; None until it was asked
        self._owed: list[StoredTask] = []  # lost tasks that the history does not have yet
        self.is_told = False

    async def look(self) -> None:
        """The mark comes after the tasks: what is emptied between the two is noticed by the next look."""
        now_open = await self._open_tasks()
        if self._kept is None and (kept := await self._recalled()) is not None:
            await self._compare(kept, kept.open)
            self._kept = kept
        seen, seconds = await self._compare(self._known, {**self._known.open, **now_open})
        self._known = DataMark(seen.identity, seen.number, seen.before, seconds, self._place, now_open)
        self.is_told = data_loss.is_told(seen.lost_at, seconds)
        await self._pay()
        await self._keep()

    async def _open_tasks(self) -> dict[str, StoredTask]:
        known = self._known.open
        ids = [str(each) for each in await self._redis.zrange(keys.OPEN, 0, MOST - 1)]
        new = [each for each in ids if each not in known]
        read = {each.task_id: each for each in await stored_task.read(self._redis, new) if each is not None}
        return {each: known.get(each) or read[each] for each in ids if each in known or each in read}

    async def _compare(self, known: DataMark, tasks: Mapping[str, StoredTask]) -> tuple[DataSeen, float]:
        """Tells what is lost of what was known; answers what is there, and when that was."""
        seen = await self._ledger(scripts.look_at_data(known, uuid.uuid4().hex))
        seconds, _ = await self._redis.time()
        if seen.loss and seen.news is not News.PAST:
            await self._lost(known, tasks, seen, seconds)
        return seen, seconds

    async def _lost(self, known: DataMark, tasks: Mapping[str, StoredTask], seen: DataSeen, now: float) -> None:
        gone = await self._claimed(await self._without_end(tasks))
        if gone or seen.news is News.FIRST:
            text = data_loss.told(known, seen, self._place, len(gone))
            event("redis.data_lost", text, {"tasks.lost": len(gone)})
        for task in gone:
            fields = {name: task.fields.get(name, "") for name in ("task_type", "queue")}
            with correlation.bound(task.fields.get("correlation_id") or "unknown", task.task_id):
                event("task.lost", _WORDS, fields | {"status": Status.FAILURE, "error.type": data_loss.ERROR})
        self._owed += [_ended(task, now) for task in gone]

    async def _without_end(self, tasks: Mapping[str, StoredTask]) -> list[StoredTask]:
        """Those that neither Redis nor the history has."""
        there = await stored_task.read(self._redis, list(tasks))
        gone = [task for task, found in zip(tasks.values(), there, strict=True) if found is None]
        try:
            ended = await asyncio.to_thread(self._history.find, [task.task_id for task in gone])
        except _AWAY:
            ended = {}
        return [task for task in gone if task.task_id not in ended]

    async def _claimed(self, tasks: list[StoredTask]) -> list[StoredTask]:
        """Those that no other monitor has told."""
        if not tasks:
            return []
        asked = scripts.tell_lost([task.task_id for task in tasks], ttl=data_loss.TOLD_SECONDS)
        own = await self._ledger(asked)
        return [task for task in tasks if task.task_id in own]

    async def _pay(self) -> None:
        """The history may be away: then the next look tries again. What it has of a task already stays."""
        if not self._owed:
            return
        try:
            known = await asyncio.to_thread(self._history.find, [task.task_id for task in self._owed])
            new = [task for task in self._owed if task.task_id not in known]
            if new:
                await asyncio.to_thread(self._history.archive, new)
        except _AWAY:
            return
        except NotStored:  # told by its line alone
            pass
        self._owed.clear()

    async def _recalled(self) -> DataMark | None:
        """What the last monitor saw; None while the history does not answer."""
        try:
            return await asyncio.to_thread(self._history.data_mark) or NOTHING
        except _AWAY:
            return None

    async def _keep(self) -> None:
        """Only after the history was asked: what it has is not to be written over before."""
        kept, known = self._kept, self._known
        if kept is None or (
            kept.identity == known.identity
            and kept.open.keys() == known.open.keys()
            and known.seen_at - kept.seen_at < KEPT_EVERY_SECONDS
        ):
            return
        try:
            await asyncio.to_thread(self._history.keep_data_mark, known)
        except _AWAY:
            return
        self._kept = known


def _ended(task: StoredTask, now: float) -> StoredTask:
    """As the history keeps it. A worker that has it still may store its end in Redis: that is a later one."""
    failure = {"exc_type": data_loss.ERROR, "exc_message": [_WORDS], "exc_module": "throughline"}
    result = {"status": Status.FAILURE, "result": failure, "traceback": None, "task_id": task.task_id}
    fields = {**task.fields, "status": Status.FAILURE.value, "finished_at": f"{now:.6f}"}
    return replace(task, fields=fields, result=orjson.dumps(result).decode())
