"""That Redis has lost its data, or came back with older ones: when that was found out, and for how long it is told."""

from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, Self

from redis.asyncio import Redis

from throughline.ledger import keys

TOLD_SECONDS: Final = 3_600  # by /health and the alert, unless somebody removes `lost_at` from the key


class DataSeen(NamedTuple):
    """What a look at the mark of Redis's data has found."""

    is_lost: bool
    identity: str
    number: int
    lost_at: float | None

    @classmethod
    def of(cls, answer: list[Any]) -> Self:
        is_lost, identity, number, lost_at = answer
        return cls(bool(is_lost), str(identity), int(number), float(lost_at) if lost_at else None)


async def lost_at(redis: "Redis") -> float | None:
    """When it was found out, as long as it is to be told; raises `RedisError` or `OSError`."""
    seconds, _ = await redis.time()
    found = await redis.hget(keys.DATA, "lost_at")
    return float(found) if found and is_told(float(found), seconds) else None


def is_told(lost: float | None, now: float) -> bool:
    return lost is not None and now - lost < TOLD_SECONDS


def in_words(lost: float) -> str:
    """`Redis lost its data, …: what was accepted before 2026-11-26 23:05:11 UTC may be gone`."""
    when = datetime.fromtimestamp(lost, UTC)
    return f"Redis has lost data: tasks that were accepted before {when:%Y-%m-%d %H:%M:%S} UTC may be gone with them"
