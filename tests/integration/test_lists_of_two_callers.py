"""Two callers, one correlation ID: a list costs what it shows, however many and large the other's tasks are."""

import asyncio
import itertools
import json
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis
from redis.asyncio import Redis

from monitor import indices
from tests.integration.story import LIMITS, TTL, Story
from throughline.api_keys import hash_of
from throughline.ledger import history_scripts, keys, scripts, task_list
from throughline.ledger.message import Queue
from throughline.ledger.script import Call
from throughline.ledger.states import Reason, Status
from throughline.ledger.submission import Decision, Submission
from throughline.ledger.task_query import TaskQuery
from throughline.ledger.unarchived import Unarchived

OTHERS = 2_000
LIMIT = 5
SHARED_ID = "C-1"
ROOMY = LIMITS.__class__(**vars(LIMITS) | {"max_depth": 10_000})
QUERIES = {
    "the correlation ID": {"correlation_id": SHARED_ID},
    "the correlation ID, oldest first": {"correlation_id": SHARED_ID, "newest_first": False},
    "the correlation ID and a status": {"correlation_id": SHARED_ID, "statuses": (Status.FAILURE, Status.PENDING)},
    "everything": {},
    "a status": {"statuses": (Status.FAILURE,)},
    "a type": {"task_type": "word_count"},
    "a queue": {"queue": "medium"},
    "a worker": {"worker": "worker-1"},
    "an error": {"error_type": "ValueError"},
    "slow ones": {"slower_than_ms": 0.001},
}


class Callers(Story):
    """Submissions by API keys' owners; each is a microsecond after the one before."""

    numbers = itertools.count()

    def submitted(self, caller: str, correlation_id: str = SHARED_ID, size: int = 100) -> str:
        task_id, call = self.submission(caller, correlation_id, size)
        assert self.ledger(call).position
        return task_id

    def submission(self, caller: str, correlation_id: str = SHARED_ID, size: int = 100) -> tuple[str, Call[Decision]]:
        self.time += 1e-6
        task_id = f"{caller}-{next(self.numbers):05}"
        record = {"task_type": "word_count", "queue": "medium", "priority": "medium"}
        record |= {"caller": caller, "correlation_id": correlation_id}
        message = json.dumps({"headers": {"id": task_id}, "body": "x" * size}).encode()
        task = Submission(task_id, Queue.MEDIUM, correlation_id, message, record)
        return task_id, scripts.submit(task, ROOMY)

    def many(self, caller: str, number: int, sizes: Iterator[int]) -> list[str]:
        """Without waiting for the answer to each."""
        ids = []
        for _ in range(0, number, 100):
            with self.redis.pipeline(transaction=False) as pipe:
                for _ in range(100):
                    task_id, call = self.submission(caller, size=next(sizes))
                    arguments = call.script.arguments(call.args, f"{self.time:.6f}")
                    pipe.eval(call.script.text, len(call.keys), *call.keys, *arguments)
                    ids.append(task_id)
                pipe.execute()
        return ids

    def fail(self, task_id: str, size: int = 100) -> None:
        attempt = self.claim(task_id).attempt
        error = {"status": "FAILURE", "result": {"exc_type": "ValueError", "exc_message": ["x" * size]}}
        result = json.dumps(error)
        assert self.store(task_id, Status.FAILURE, Reason.FAILED, attempt=str(attempt), result=result).stored

    def copy(self, *task_ids: str) -> None:
        """As the monitor does when the history has them."""
        for task_id in task_ids:
            assert self.ledger(history_scripts.copied({task_id: self.record(task_id).version})) == [task_id]


@pytest.fixture
def story(broker: redis.Redis) -> Callers:
    return Callers(broker)


def ask(redis_url: str, **wanted: Any) -> list[list[str]]:
    """The IDs on each page that Redis has: the history is away."""

    async def asked() -> list[list[str]]:
        async with Redis.from_url(redis_url, decode_responses=True) as client:
            query, pages = TaskQuery(**{"limit": LIMIT} | wanted), []
            while True:
                page = await task_list.page_of_redis(query, Unarchived(client))
                pages.append([task.task_id for task in page.tasks])
                if page.last is None:
                    return pages
                query = query.beginning_after(page.last)

    return asyncio.run(asked())


def cost(broker: Any, question: Any) -> tuple[Any, int, int]:
    """What it answers, how many bytes Redis sends for that, and how many records it looks at, in scripts too."""
    broker.config_resetstat()
    answer = question()
    sent = broker.info("stats")["total_net_output_bytes"]
    commands = broker.info("commandstats")
    return answer, sent, sum(commands.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in ("hmget", "hgetall"))


@pytest.fixture
def beside_many(story: Callers) -> tuple[list[str], list[str]]:
    """Two tasks of ann, one that waits and one that failed, and all of bob's: a tenth of them failed, all are large."""
    sizes = itertools.cycle(range(20_000, 80_000, 7_001))
    own = [story.submitted("ann")]
    others = story.many("bob", OTHERS, sizes)
    own.append(story.submitted("ann"))
    for task_id in others[::10]:
        story.fail(task_id, next(sizes))
    story.fail(own[0])
    return own, others


def test_two_own_tasks_beside_two_thousand_large_ones_of_another_cost_what_two_cost(
    beside_many, broker, redis_url, replica_with, tmp_path
):
    own, others = beside_many
    for name, wanted in QUERIES.items():
        pages, sent, looked_at = cost(broker, lambda wanted=wanted: ask(redis_url, caller="ann", **wanted))
        assert {task_id for page in pages for task_id in page} <= set(own), name
        assert len(pages) == 1, name
        assert looked_at <= 2 * len(own), f"{name}: {looked_at} records are looked at"
        assert sent < 4_000, f"{name}: {sent} bytes"

    # The same through a replica; and whoever may see everybody's tasks does.
    names = {"ann": "read", "operator": "admin"}
    (tmp_path / "keys").write_text("".join(f"{name} {scope} {hash_of(name * 9)}\n" for name, scope in names.items()))
    http = replica_with(API_KEYS_FILE=str(tmp_path / "keys")).http

    def listed(name: str) -> tuple[int, list[str]]:
        headers, params = {"X-API-Key": name * 9}, {"correlation_id": SHARED_ID, "limit": "2"}
        answer = http.get("/api/v1/tasks", headers=headers, params=params)
        return answer.status_code, [task["task_id"] for task in answer.json().get("tasks", [])]

    assert listed("operator") == (200, [own[1], others[-1]])
    with ThreadPoolExecutor(6) as clients:
        assert list(clients.map(listed, ["ann"] * 6)) == [(200, own[::-1])] * 6


@pytest.mark.parametrize("newest_first", [True, False])
def test_each_page_is_whole_and_exact_and_reads_what_it_shows_and_one_more(story, broker, redis_url, newest_first):
    chance = random.Random(3)
    for _ in range(200):
        story.submitted("bob")
    own: dict[str, list[str]] = {SHARED_ID: [], "C-2": []}
    for _ in range(60):
        correlation_id = chance.choice([SHARED_ID, "C-2"])
        story.time -= chance.choice([0, 1e-6])  # two in the same microsecond
        own[correlation_id].append(story.submitted("ann", correlation_id))
        story.submitted("bob", correlation_id)
    for task_id in own[SHARED_ID][::3]:
        story.fail(task_id)
    story.copy(*own[SHARED_ID][::6])

    in_redis = [each for each in own[SHARED_ID] if each not in own[SHARED_ID][::6]]
    wanted = {"caller": "ann", "correlation_id": SHARED_ID, "newest_first": newest_first}
    pages, _, looked_at = cost(broker, lambda: ask(redis_url, **wanted))

    in_order = sorted(in_redis, key=lambda each: (story.record(each).submitted_at, each), reverse=newest_first)
    assert pages == [in_order[begin : begin + LIMIT] for begin in range(0, len(in_order), LIMIT)]
    # Looked at by the script, then read: the page, the end of the one before, and one that says whether there is more.
    assert looked_at <= len(pages) * 2 * (LIMIT + 3)
    everything = {task_id for page in ask(redis_url, caller="ann") for task_id in page}
    assert everything == {*in_redis, *own["C-2"]}


def own_indices(broker: Any) -> dict[str, set[str]]:
    return {key: set(broker.zrange(key, 0, -1)) for key in broker.scan_iter(f"{keys.OWN}*")}


def test_a_callers_indices_have_what_the_history_lacks_and_no_key_is_left(story, broker):
    first, second, nobodys = story.submitted("ann"), story.submitted("ann", "C-2"), story.submitted("anyone")
    both = {keys.own("ann"): {first, second}, keys.own("ann", SHARED_ID): {first}, keys.own("ann", "C-2"): {second}}
    assert own_indices(broker) == both
    assert broker.hgetall(keys.OWNERS) == {first: f"ann {SHARED_ID}", second: "ann C-2"}
    assert broker.smembers(keys.LISTED) == {first, second, nobodys}

    for _ in range(2):
        attempt = story.take(first).attempt
        assert story.retry(first, attempt, max_retries=0) == "dead"
        story.copy(first)
        assert own_indices(broker) == {keys.own("ann"): {second}, keys.own("ann", "C-2"): {second}}
        assert story.ledger(scripts.replay(first, queue="medium", requested_by="x"))
        assert own_indices(broker) == both

    attempt = story.take(first).attempt
    assert story.retry(first, attempt, max_retries=0) == "dead"
    for task_id in (second, nobodys):
        story.fail(task_id)
    story.copy(first, second, nobodys)
    story.time += 10
    assert len(story.ledger(history_scripts.forget([first, second, nobodys]))) == 3
    assert (own_indices(broker), broker.exists(keys.OWNERS, keys.LISTED)) == ({}, 0)


def test_what_expired_before_anybody_archived_it_leaves_its_owners_indices(story, broker):
    gone = story.submitted("ann")
    broker.delete(keys.task(gone))
    assert story.ledger(history_scripts.reindex([gone])) == [gone]
    assert (own_indices(broker), broker.exists(keys.OWNERS)) == ({}, 0)


def put_right(redis_url: str) -> int:
    async def done() -> int:
        async with Redis.from_url(redis_url, decode_responses=True) as client:
            return await indices.put_right(client)

    return asyncio.run(done())


@pytest.mark.parametrize("correlation_id", [SHARED_ID, ""])
def test_what_an_older_version_accepted_and_took_away_is_told_and_put_right(story, broker, redis_url, correlation_id):
    own = [story.submitted("ann") for _ in range(3)]
    others = [story.submitted("bob") for _ in range(20)]
    story.fail(own[2])
    # The older version knows neither of the owners' indices.
    broker.hdel(keys.OWNERS, own[1])
    broker.srem(keys.LISTED, own[1])
    broker.zrem(keys.own("ann"), own[1])
    broker.zrem(keys.own("ann", SHARED_ID), own[1])
    wanted = {"caller": "ann", "correlation_id": correlation_id}
    assert ask(redis_url, **wanted) == [own[::-1]]

    copied = story.record(own[2]).version
    broker.hset(keys.task(own[2]), "archived", copied)
    broker.zadd(keys.HOT, {own[2]: time.time()})
    for key in (keys.ENDED, keys.UNARCHIVED):
        broker.zrem(key, own[2])
    broker.zrem(keys.UNARCHIVED, others[0])
    broker.zadd(keys.UNARCHIVED, {others[0]: story.time})
    assert ask(redis_url, **wanted) == [[own[1], own[0]]]

    assert put_right(redis_url) == 2
    pages, _, looked_at = cost(broker, lambda: ask(redis_url, **wanted))
    assert (pages, looked_at) == ([[own[1], own[0]]], 4)
    assert put_right(redis_url) == 0
    assert TTL >= broker.ttl(keys.correlation(SHARED_ID)) > 0  # as it ever was
