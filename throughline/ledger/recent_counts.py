"""The runs that ended within about an hour: what is counted now, less what was kept of the counts then."""

from typing import Final

import orjson
from redis.asyncio import Redis

from throughline.ledger import keys
from throughline.ledger.call import call
from throughline.ledger.counts import Counts
from throughline.ledger.script import Call

EVERY_SECONDS: Final = 300  # between two that are kept
_MOST: Final = 13


def keep() -> Call[None]:
    """Whoever calls, and however often: the counts are kept every five minutes."""
    return call("keep_counts", lambda _: None, {"every_seconds": EVERY_SECONDS, "most": _MOST})


async def read(redis: "Redis") -> Counts | None:
    """Between the oldest kept ones and now; None when none are. Raises `RedisError` or `OSError`."""
    async with redis.pipeline(transaction=False) as pipe:
        pipe.time()
        pipe.hgetall(keys.COUNTS)
        pipe.lindex(keys.KEPT_COUNTS, -1)
        (seconds, microseconds), told, kept = await pipe.execute()
    if not kept:
        return None
    at, _, then = kept.partition(" ")
    return Counts.parse(told, seconds + microseconds / 1e6).since(Counts.parse(orjson.loads(then), float(at)))
