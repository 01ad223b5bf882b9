"""The counts of runs are kept for an hour, once every five minutes however many monitors ask, on a real Redis."""

import asyncio
import time

import redis as redis_package
from redis.asyncio import Redis

from throughline.ledger import keys, recent_counts
from throughline.ledger.counts import Counts, Ran
from throughline.ledger.script import Ledger
from throughline.ledger.states import Status

FIELD = "ran|0.1|SUCCESS|1.4|var"


def read(url: str) -> Counts | None:
    async def ask() -> Counts | None:
        async with Redis.from_url(url, decode_responses=True) as client:
            return await recent_counts.read(client)

    return asyncio.run(ask())


def test_what_was_kept_an_hour_ago_is_taken_off_and_nothing_is_told_before(broker: redis_package.Redis, redis_url: str):
    assert read(redis_url) is None
    now = [time.time() - 7260]
    ledger = Ledger(broker, clock=lambda: now[0])
    for minute in range(121):
        now[0] += 60
        broker.hset(keys.COUNTS, mapping={FIELD: minute, "ended|SUCCESS|var": minute})
        for _ in range(2):  # two monitors
            ledger(recent_counts.keep())

    recent = read(redis_url)
    assert recent is not None
    assert {key: each.count for key, each in recent.ran.items()} == {Ran("var", "1.4", Status.SUCCESS): 60}
    assert 3590 < recent.seconds < 3700
    assert broker.llen(keys.KEPT_COUNTS) == 13
    assert "ended" not in str(broker.lindex(keys.KEPT_COUNTS, 0))
