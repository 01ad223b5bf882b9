"""What may stand in Redis while no task is under way: nothing without a lifetime that would grow with time."""

import time
from collections.abc import Iterator
from typing import Any, Final

from redis import Redis

from monitor.sweep import FORGET_SECONDS
from throughline.ledger import counts, keys
from throughline.ledger.message import Queue

_NO_LIFETIME: Final = -1
_EMPTY: Final = {keys.OPEN, keys.DELAYED, keys.MISSING, *Queue, *map(keys.queued, Queue)}
# Hashes with a field for each class or queue, however many tasks there were.
_MOST_FIELDS: Final = {
    keys.BREAKER: 6,
    keys.MEMORY: 7,
    keys.DRAIN: 12,
    keys.PROMISES: 6,
    keys.VERSIONS: 7,
    keys.DATA: 4,
} | {keys.COUNTS: counts.MOST_FIELDS}
_OF_ENDED: Final = (keys.UNARCHIVED, keys.ENDED, keys.HOT, keys.DEAD_LETTERS)
_OF_VERSIONS: Final = {
    keys.CLOCKS,
    keys.INSTANCES,
    keys.DEPLOYMENTS,
    keys.KEPT_COUNTS,
}  # bounded: of those that run, and the latest hundred
_OF_WORKERS: Final = {
    *(keys.WORKERS, keys.WORKER_SLOTS, keys.WORKER_TASKS, keys.WORKER_STARTS, keys.WORKER_FACTS, keys.WORKER_RUNS),
    *(keys.DEATHS, keys.SWEEP),
}
_BINDINGS: Final = "_kombu.binding"  # which queues there are, one for each worker included: kombu clears them itself
_OF_CELERY: Final = {keys.CELERY_UNACKED, keys.CELERY_UNACKED_INDEX}


def left_over(redis: "Redis", seconds: float = 0, *, archives: bool = False) -> list[str]:
    """What should not be there, in words, at the latest after so long: a sweep or two clear away what has ended.

    `archives`: somebody copies what has ended into the history.
    """
    deadline = time.monotonic() + seconds
    while (left := sorted(_left_over(redis, archives))) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


def _left_over(redis: Any, archives: bool) -> Iterator[str]:
    workers: dict[str, float] = dict(redis.zrange(keys.WORKERS, 0, -1, withscores=True))
    for key in redis.scan_iter(count=500):
        if redis.ttl(key) != _NO_LIFETIME:
            continue
        if key in _EMPTY:
            yield f"{key} is not empty"
        elif key in _MOST_FIELDS:
            if (fields := redis.hlen(key)) > _MOST_FIELDS[key]:
                yield f"{key} has {fields} fields, at most {_MOST_FIELDS[key]} were to be expected"
        elif key in {keys.OWNERS, keys.LISTED} or key.startswith(keys.OWN):
            continue  # see _out_of_place_for_their_owners
        elif key not in _OF_WORKERS | _OF_VERSIONS | _OF_CELERY | {*_OF_ENDED} and not key.startswith(_BINDINGS):
            yield f"{key} has no lifetime"
    yield from _out_of_place(redis, archives)
    yield from _of_gone_workers(redis, workers)
    if redis.hlen(keys.CELERY_UNACKED) > redis.zcard(keys.CELERY_UNACKED_INDEX):
        yield f"{keys.CELERY_UNACKED} holds messages that Celery will not give back"


def _out_of_place(redis: Any, archives: bool) -> Iterator[str]:
    """Of tasks that have ended, all of them: each is in the index that its record says, and has a record."""
    members = {key: set(redis.zrange(key, 0, -1)) for key in _OF_ENDED}
    for key, ids in members.items():
        yield from (f"{key} has {each}, whose record is gone" for each in ids if not redis.exists(keys.task(each)))
    yield from (
        f"{each} has ended, and is in one of {keys.UNARCHIVED} and {keys.ENDED} only"
        for each in members[keys.UNARCHIVED] ^ members[keys.ENDED]
    )
    both = members[keys.UNARCHIVED] & members[keys.HOT]
    yield from (f"{keys.HOT} has {each}, which the history lacks" for each in both)
    yield from _out_of_place_for_their_owners(redis, members[keys.UNARCHIVED])
    if archives and members[keys.ENDED]:
        yield f"{keys.ENDED} has {len(members[keys.ENDED])} tasks that nobody archives"


def _out_of_place_for_their_owners(redis: Any, unarchived: set[str]) -> Iterator[str]:
    """Each index of an owner has what it should have, and no other is left."""
    owners: dict[str, str] = redis.hgetall(keys.OWNERS)
    listed: set[str] = redis.smembers(keys.LISTED)
    yield from (f"{keys.LISTED} and {keys.UNARCHIVED} differ by {each}" for each in listed ^ unarchived)
    yield from (f"{keys.OWNERS} has {each}, which the history has" for each in owners.keys() - unarchived)
    expected: dict[str, set[str]] = {}
    for task_id, owner in ((each, owner) for each, owner in owners.items() if each in unarchived):
        for of in (owner.partition(" ")[0], owner):
            expected.setdefault(f"{keys.OWN}{of}", set()).add(task_id)
    found = {key: set(redis.zrange(key, 0, -1)) for key in redis.scan_iter(f"{keys.OWN}*", count=500)}
    yield from (f"{key} is out of place" for key in found.keys() | expected if found.get(key) != expected.get(key))


def _of_gone_workers(redis: Any, workers: dict[str, float]) -> Iterator[str]:
    for worker, beat in workers.items():
        if beat < time.time() - FORGET_SECONDS - 60:
            yield f"{keys.WORKERS} has {worker}, which has been gone for long"
    idle = {field.removeprefix("idle:") for field in redis.hkeys(keys.SWEEP) if field.startswith("idle:")}
    for key, named in (
        (keys.WORKER_SLOTS, set(redis.hkeys(keys.WORKER_SLOTS))),
        (keys.WORKER_TASKS, set(redis.hkeys(keys.WORKER_TASKS))),
        (keys.SWEEP, idle),
    ):
        yield from (f"{key} has {worker}, which is gone" for worker in named - workers.keys())
