"""That Redis has lost its data, or came back with older ones: when that was found out, and for how long it is told."""

from datetime import UTC, datetime
from typing import Final

from redis.asyncio import Redis

from throughline.ledger import keys
from throughline.ledger.data_mark import DataMark, DataSeen, Loss, News

ERROR: Final = "LostWithRedis"  # the class of error with which the history has a task that was lost
TOLD_SECONDS: Final = 3_600  # by /health and the alert, unless somebody removes `lost_at` from the key


async def lost_at(redis: "Redis") -> float | None:
    """When it was found out, as long as it is to be told; raises `RedisError` or `OSError`."""
    seconds, _ = await redis.time()
    found = await redis.hget(keys.DATA, "lost_at")
    return float(found) if found and is_told(float(found), seconds) else None


def is_told(lost: float | None, now: float) -> bool:
    return lost is not None and now - lost < TOLD_SECONDS


def in_words(lost: float) -> str:
    """`Redis has lost data: tasks that were accepted before 2026-11-26 23:05:11 UTC may be gone with them`."""
    return f"Redis has lost data: tasks that were accepted before {_time(lost)} may be gone with them"


def told(known: DataMark, seen: DataSeen, place: str, tasks: int) -> str:
    """The monitor's line, with so many tasks that it names."""
    counted = "1 task that had been accepted and had not ended is" if tasks == 1 else _many(tasks)
    if seen.news is News.AGAIN:
        return f"Redis at {place} has lost data: beside those that were told before, {counted} lost"
    when = _time(known.seen_at)
    if seen.loss is Loss.OLDER:
        what = f"Redis at {place} is back with older data than it had at {when}"
    elif place == known.place:
        what = f"Redis at {place} has lost the data that it had at {when}"
    else:
        what = f"Redis at {place} does not have the data that were at {known.place} at {when} (is REDIS_URL right?)"
    return f"{what}: {counted} lost" if tasks else f"{what}: no task is known that had been accepted and had not ended"


def _many(tasks: int) -> str:
    return f"{tasks} tasks that had been accepted and had not ended are"


def _time(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M:%S} UTC"
