"""How long ago a running task was last heard of: that its worker is gone is noticed only later."""

from typing import Any, Final

from redis.asyncio import Redis

from throughline.ledger import keys
from throughline.ledger.record import TaskRecord
from throughline.ledger.states import Status

FRESH_SECONDS: Final = 5.0  # a worker beats every two: it has missed two, and the third is late


async def silent_seconds(redis: "Redis", record: TaskRecord) -> float | None:
    """None for one that does not run, or whose last sign of life is fresh. Raises `RedisError` or `OSError`."""
    if record.status is not Status.STARTED or not record.attempts:
        return None
    worker = record.attempts[-1].worker
    async with redis.pipeline(transaction=False) as pipe:
        pipe.time()
        pipe.zscore(keys.WORKERS, worker)
        pipe.hget(keys.WORKER_TASKS, worker)
        (seconds, microseconds), beat, held = await pipe.execute()
    is_held = record.task_id in str(held or "").split()
    return silence(record, beat if is_held else None, seconds + microseconds / 1e6)


def silence(record: TaskRecord, beat: Any, now: float) -> float | None:
    """`beat`: the last heartbeat of a worker that said that it holds the task."""
    signs = [record.attempts[-1].started_at, record.seen_at or 0.0, float(beat or 0)]
    silent = now - max(signs)
    return silent if silent > FRESH_SECONDS else None


def in_words(worker: str, silent: float) -> str:
    return f"last sign of life from {worker} {silent:.0f} s ago: it counts as lost soon, and runs again"
