"""The check of what is left in Redis finds what would grow, and nothing else."""

import time

import pytest

from tests.keys_at_rest import left_over
from throughline.ledger import keys


def at_rest(broker):
    """As the nine leave it when nothing is under way."""
    now = time.time()
    broker.hset(keys.BREAKER, mapping={"state": "closed", "until": now, "wait": 0, "count:open": 3})
    broker.hset(keys.SWEEP, mapping={"last": now, "grace_until": now, "idle:worker-1": "told"})
    broker.zadd(keys.WORKERS, {"worker-1": now, "worker-2": now - 60})
    broker.hset(keys.WORKER_SLOTS, mapping={"worker-1": 4, "worker-2": 4})
    for task_id in ("dead", "fresh", "copied"):
        broker.hset(keys.task(task_id), "status", "FAILURE")
        broker.expire(keys.task(task_id), 600)
    for index in (keys.UNARCHIVED, keys.own("ann"), keys.own("ann", "ABC-1")):
        broker.zadd(index, {"fresh": now})
    broker.hset(keys.OWNERS, "fresh", "ann ABC-1")
    broker.sadd(keys.LISTED, "fresh")
    broker.zadd(keys.ENDED, {"fresh": now})
    broker.zadd(keys.HOT, {"copied": now})
    broker.zadd(keys.DEAD_LETTERS, {"dead": now})
    broker.sadd("_kombu.binding.celery", "celery")


GROWS = [
    ("zadd", keys.OPEN, {"task": 1}),
    ("zadd", keys.queued("low"), {"task": 1}),
    ("hset", keys.MISSING, "task", "1"),
    ("lpush", "high", "message"),
    ("rpush", keys.attempts("task"), "{}"),
    ("zadd", keys.correlation("ABC-1"), {"task": 1}),
    ("zadd", keys.own("ann", "ABC-2"), {"fresh": 1}),
    ("zadd", keys.own("ann"), {"expired": 1}),
    ("hset", keys.OWNERS, "expired", "ann ABC-1"),
    ("sadd", keys.LISTED, "expired"),
    ("zadd", keys.DEAD_LETTERS, {"expired": 1}),
    ("zadd", keys.HOT, {"expired": 1}),
    ("zadd", keys.WORKERS, {"worker-x7f2k": 1}),
    ("hset", keys.WORKER_TASKS, "worker-x7f2k", ""),
    ("hset", keys.SWEEP, "idle:worker-x7f2k", "told"),
    ("hset", keys.CELERY_UNACKED, "tag", "[]"),
    ("set", "tl:of-a-later-version", "1"),
]


def test_what_the_nine_keep_at_rest_is_right(broker):
    at_rest(broker)
    assert left_over(broker) == []


@pytest.mark.parametrize(("command", "key", "value"), [(c, k, v) for c, k, *v in GROWS])
def test_a_key_that_would_grow_is_named(broker, command, key, value):
    at_rest(broker)
    getattr(broker, command)(key, *value)
    (left,) = left_over(broker)
    assert left.startswith(key)


def test_an_ended_task_that_its_indices_do_not_agree_on_is_named(broker):
    at_rest(broker)
    broker.zadd(keys.UNARCHIVED, {"copied": 1})
    assert left_over(broker) == [
        f"copied has ended, and is in one of {keys.UNARCHIVED} and {keys.ENDED} only",
        f"{keys.HOT} has copied, which the history lacks",
        f"{keys.LISTED} and {keys.UNARCHIVED} differ by copied",
    ]


def test_what_nobody_archives_is_named_where_somebody_should(broker):
    at_rest(broker)
    assert left_over(broker, archives=True) == [f"{keys.ENDED} has 1 tasks that nobody archives"]
    broker.zrem(keys.ENDED, "fresh")
    broker.delete(keys.UNARCHIVED, keys.OWNERS, keys.LISTED, keys.own("ann"), keys.own("ann", "ABC-1"))
    assert left_over(broker, archives=True) == []
