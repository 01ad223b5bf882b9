"""What Redis knows of the tasks on a page: their state now, how far they are, and each attempt."""

from collections.abc import Iterable, Sequence
from typing import Final

from redis.asyncio import Redis

from throughline.ledger import keys
from throughline.ledger.record import TaskRecord

_FIELDS: Final = ("status", "task_type", "queue", "correlation_id", "submitted_at", "finished_at", "progress")


async def read_newest(redis: "Redis", correlation_ids: Sequence[str]) -> dict[str, TaskRecord]:
    """For each correlation ID its newest task, if it has any."""
    async with redis.pipeline(transaction=False) as pipe:
        for correlation_id in correlation_ids:
            pipe.zrevrange(keys.correlation(correlation_id), 0, 0)
        newest = {
            correlation_id: ids[0]
            for correlation_id, ids in zip(correlation_ids, await pipe.execute(), strict=True)
            if ids
        }
    tasks = await read_records(redis, newest.values())
    return {correlation_id: tasks[task_id] for correlation_id, task_id in newest.items() if task_id in tasks}


async def read_records(redis: "Redis", task_ids: Iterable[str], *, attempts: bool = False) -> dict[str, TaskRecord]:
    """The records that are still there, by task ID."""
    wanted = list(task_ids)
    if not wanted:
        return {}
    async with redis.pipeline(transaction=False) as pipe:
        for task_id in wanted:
            pipe.hmget(keys.task(task_id), _FIELDS)
            pipe.lrange(keys.attempts(task_id), 0, -1 if attempts else 0)
        answers = await pipe.execute()
    pairs = zip(wanted, answers[::2], answers[1::2], strict=True)
    return {task_id: _record(task_id, fields, told) for task_id, fields, told in pairs if fields[0]}


def _record(task_id: str, fields: Sequence[str | None], attempts: Sequence[str]) -> TaskRecord:
    told = {name: value for name, value in zip(_FIELDS, fields, strict=True) if value is not None}
    return TaskRecord.parse(task_id, told, attempts)
