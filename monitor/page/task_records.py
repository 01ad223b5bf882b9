"""What is known of the tasks on a page: their state now, how far they are, and each attempt."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from redis.asyncio import Redis

from throughline.ledger import keys, stored_task, task_store
from throughline.ledger.history import AsyncHistory, HistoryUnavailable, HistoryWrong
from throughline.ledger.record import TaskRecord
from throughline.ledger.sign_of_life import silent_seconds
from throughline.ledger.stored_error import stored_error
from throughline.ledger.stored_task import StoredTask
from throughline.ledger.task_query import TaskQuery

_FIELDS: Final = (
    "status",
    "task_type",
    "queue",
    "correlation_id",
    "submitted_at",
    "finished_at",
    "progress",
    "seen_at",
)


class TaskRecords:
    """Redis, then the history; raises `RedisError` or `OSError`. While the history is away, it has nothing."""

    def __init__(self, redis: "Redis", history: AsyncHistory) -> None:
        self._redis = redis
        self._history = history

    async def newest(self, correlation_ids: Sequence[str]) -> dict[str, TaskRecord]:
        """For each correlation ID its newest task, if it has any."""
        found = await read_newest(self._redis, correlation_ids)
        for correlation_id in correlation_ids:
            if correlation_id not in found and (task := await self._newest_moved(correlation_id)):
                found[correlation_id] = task
        return found

    async def read(self, task_ids: Iterable[str], *, attempts: bool = False) -> dict[str, TaskRecord]:
        """By task ID; without `attempts` of each task that is in Redis the first alone."""
        wanted = list(task_ids)
        found = await read_records(self._redis, wanted, attempts=attempts)
        return dict(await self._moved([each for each in wanted if each not in found])) | found

    async def stored(self, task_id: str, caller: str | None = None) -> StoredTask | None:
        """One task whole, with its message, if it is the caller's; raises `HistoryUnavailable` and `HistoryWrong` too.

        Another caller's is looked for wherever one that nobody has is.
        """

        async def in_redis(wanted: Sequence[str]) -> list[StoredTask | None]:
            return await stored_task.read(self._redis, wanted, messages=True, caller=caller)

        async def in_history(wanted: Sequence[str]) -> dict[str, StoredTask]:
            return await self._history.find(wanted, messages=True, caller=caller)

        (found,) = await task_store.read([task_id], in_redis, in_history)
        return found

    async def errors(self, task_ids: Sequence[str]) -> dict[str, tuple[str, str]]:
        """Class and message of each that failed: a message may hold the task's data, so that the log has it not."""
        in_redis = [task for task in await stored_task.read_for_list(self._redis, task_ids) if task]
        found = {task.task_id: task for task in in_redis}
        found |= await self._in_history([each for each in task_ids if each not in found])
        return {
            task_id: (error.type, error.message)
            for task_id, task in found.items()
            if (error := stored_error(task)) is not None
        }

    async def _moved(self, task_ids: Sequence[str]) -> Mapping[str, TaskRecord]:
        return {task_id: task.record for task_id, task in (await self._in_history(task_ids)).items()}

    async def _in_history(self, task_ids: Sequence[str]) -> Mapping[str, StoredTask]:
        try:
            return await self._history.find(task_ids) if task_ids else {}
        except (HistoryUnavailable, HistoryWrong):
            return {}

    async def _newest_moved(self, correlation_id: str) -> TaskRecord | None:
        try:
            found = await self._history.list(TaskQuery(correlation_id=correlation_id, limit=1))
        except (HistoryUnavailable, HistoryWrong):
            return None
        return found[0].record if found else None


async def read_newest(redis: "Redis", correlation_ids: Sequence[str]) -> dict[str, TaskRecord]:
    """Of those tasks that Redis has."""
    async with redis.pipeline(transaction=False) as pipe:
        for correlation_id in correlation_ids:
            pipe.zrevrange(keys.correlation(correlation_id), 0, 0)
        newest = {
            correlation_id: ids[0]
            for correlation_id, ids in zip(correlation_ids, await pipe.execute(), strict=True)
            if ids
        }
    tasks = await read_records(redis, newest.values(), attempts=True)
    return {correlation_id: tasks[task_id] for correlation_id, task_id in newest.items() if task_id in tasks}


async def read_records(redis: "Redis", task_ids: Iterable[str], *, attempts: bool = False) -> dict[str, TaskRecord]:
    """Of those tasks that Redis has."""
    wanted = [each for each in task_ids if keys.is_task_id(each)]
    if not wanted:
        return {}
    async with redis.pipeline(transaction=False) as pipe:
        for task_id in wanted:
            pipe.hmget(keys.task(task_id), _FIELDS)
            pipe.lrange(keys.attempts(task_id), 0, -1 if attempts else 0)
            pipe.lrange(keys.changes(task_id), -1, -1)  # with the last attempt, it tells a dead letter
        answers = await pipe.execute()
    each = zip(wanted, *(answers[number::3] for number in range(3)), strict=True)
    found = {task_id: _record(task_id, fields, *told) for task_id, fields, *told in each if fields[0]}
    if attempts:
        for task_id, record in found.items():
            if (silent := await silent_seconds(redis, record)) is not None:
                found[task_id] = replace(record, silent=silent)
    return found


def _record(task_id: str, fields: Sequence[str | None], attempts: Sequence[str], changes: Sequence[str]) -> TaskRecord:
    told = {name: value for name, value in zip(_FIELDS, fields, strict=True) if value is not None}
    return TaskRecord.parse(task_id, told, attempts, changes)
