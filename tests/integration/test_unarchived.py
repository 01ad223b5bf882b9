"""Redis's part of a list, on a real Redis: what the script rules out and what is read are what a plain list has."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from throughline.ledger import keys, stored_task
from throughline.ledger.states import FINAL, Status
from throughline.ledger.stored_task import StoredTask
from throughline.ledger.task_query import Place, TaskQuery
from throughline.ledger.unarchived import Unarchived

T = TypeVar("T")
SINCE = 1_800_000_000.0
OPEN = (Status.PENDING, Status.STARTED, Status.RETRY)


@pytest.fixture
def ask(redis_url: str) -> Callable[[Callable[[Unarchived], Awaitable[T]]], T]:
    """`ask(lambda tasks: tasks.find(query))`"""

    def answered(question: Callable[[Unarchived], Awaitable[T]]) -> T:
        async def ask() -> T:
            async with AsyncRedis.from_url(redis_url, decode_responses=True) as redis:
                return await question(Unarchived(redis))

        return asyncio.run(ask())

    return answered


def put(broker: Redis, task_id: str, at: float, *, celery: dict[str, Any] | None = None, **fields: Any) -> None:
    """An unarchived task as the ledger leaves it."""
    worker = fields.pop("made_by", "")
    told = {"status": "PENDING", "submitted_at": f"{at:.6f}", "correlation_id": "C-1"} | fields
    broker.hset(keys.task(task_id), mapping=told)
    if worker:
        broker.rpush(keys.attempts(task_id), json.dumps({"worker": "worker-0", "process": 1, "started_at": at}))
        broker.rpush(keys.attempts(task_id), json.dumps({"worker": worker, "process": 1, "started_at": at}))
    if celery:
        broker.set(keys.celery_result(task_id), json.dumps(celery))
    for index in (keys.UNARCHIVED, keys.correlation(told["correlation_id"])):
        broker.zadd(index, {task_id: f"{at:.6f}"})


def put_many(broker: Redis, number: int, chance: random.Random) -> None:
    for n in range(number):
        status = chance.choice(list(Status))
        at = SINCE + chance.randrange(number // 3) / 1_000_000  # some in the same microsecond
        fields: dict[str, Any] = {
            "status": status,
            "task_type": chance.choice(["var", "price"]),
            "queue": chance.choice(["high", "low"]),
            "caller": chance.choice(["", "alice", "*"]),
            "correlation_id": chance.choice(["C-1", "C-2"]),
        }
        if status is not Status.PENDING:
            fields["made_by"] = chance.choice(["worker-1", "worker-2"])
        if status in FINAL:
            fields["finished_at"] = f"{at + chance.random():.6f}"
        celery = {"status": status, "result": {"exc_type": chance.choice(["ValueError", "KeyError"])}}
        if status in OPEN and chance.random() < 0.3:  # a stock worker wrote no record of the end
            celery["status"] = chance.choice(FINAL)
        put(broker, f"task-{n:03}", at, celery=celery if status is not Status.PENDING else None, **fields)


def a_query(chance: random.Random) -> TaskQuery:
    def maybe(value: T, otherwise: T) -> T:
        return value if chance.random() < 0.3 else otherwise

    return TaskQuery(
        correlation_id=maybe("C-2", ""),
        statuses=maybe(tuple(chance.sample(list(Status), 2)), ()),
        task_type=maybe("var", ""),
        queue=maybe("low", ""),
        worker=maybe("worker-1", ""),
        error_type=maybe("KeyError", ""),
        submitted_after=maybe(SINCE + 20e-6, None),
        submitted_before=maybe(SINCE + 40e-6, None),
        slower_than_ms=maybe(500.0, None),
        caller=maybe(chance.choice(["alice", "*", "", "nobody"]), None),
        newest_first=chance.random() < 0.5,
        limit=chance.randint(1, 9),
    )


@pytest.mark.parametrize("seed", range(3))
def test_page_by_page_it_is_what_a_plain_list_has(broker: Redis, ask: Any, redis_url: str, seed: int):
    chance = random.Random(seed)
    put_many(broker, 200, chance)

    async def compared() -> None:
        async with AsyncRedis.from_url(redis_url, decode_responses=True) as redis:
            everything = await stored_task.read(redis, [f"task-{n:03}" for n in range(200)])
            for _ in range(60):
                query = a_query(chance)
                found = await _all_pages(Unarchived(redis), query)
                assert [task.task_id for task in found] == _plain(everything, query), query

    asyncio.run(compared())


async def _all_pages(tasks: Unarchived, query: TaskQuery) -> list[StoredTask]:
    found: list[StoredTask] = []
    while page := await tasks.find(query):
        assert len(page) <= query.limit
        found += page
        query = query.beginning_after(Place.of(page[-1]))
    return found


def _plain(tasks: list[StoredTask | None], query: TaskQuery) -> list[str]:
    found = [Place.of(task) for task in tasks if task is not None and query.matches(task, SINCE)]
    return [task_id for _, task_id in sorted(found, reverse=query.newest_first)]


@pytest.mark.parametrize("newest_first", [True, False])
def test_more_tasks_of_one_microsecond_than_a_step_looks_at_are_all_there(broker: Redis, ask: Any, newest_first: bool):
    for n in range(1_300):
        put(broker, f"task-{n:04}", SINCE)
    put(broker, "before", SINCE - 1)
    put(broker, "after", SINCE + 1)

    found = ask(lambda tasks: _all_pages(tasks, TaskQuery(newest_first=newest_first, limit=100)))

    expected = ["before", *(f"task-{n:04}" for n in range(1_300)), "after"]
    assert [task.task_id for task in found] == (expected[::-1] if newest_first else expected)


def test_a_task_that_the_history_has_is_not_listed_though_its_correlation_id_knows_it(broker: Redis, ask: Any):
    put(broker, "open", SINCE)
    put(broker, "copied", SINCE, status="SUCCESS")
    broker.zrem(keys.UNARCHIVED, "copied")
    for query in (TaskQuery(), TaskQuery(correlation_id="C-1")):
        assert [task.task_id for task in ask(lambda tasks, query=query: tasks.find(query))] == ["open"]


def test_of_the_historys_rows_redis_tells_those_that_it_has_and_as_they_are_now(broker: Redis, ask: Any):
    put(broker, "replayed", SINCE)
    put(broker, "failed", SINCE, status="FAILURE", celery={"status": "FAILURE", "result": {"exc_type": "KeyError"}})

    query = TaskQuery(statuses=(Status.FAILURE,))
    now = ask(lambda tasks: tasks.current(query, ["replayed", "failed", "only in the history"]))

    assert now.keys() == {"replayed", "failed"}
    assert now["replayed"] is None
    assert now["failed"].error_type == "KeyError"


def test_a_large_result_is_not_read_for_a_list_but_that_of_a_failure(broker: Redis, ask: Any):
    words = "ü" * 100_000
    put(broker, "c", SINCE, status="SUCCESS", celery={"status": "SUCCESS", "result": words})
    put(broker, "b", SINCE, status="FAILURE", celery={"status": "FAILURE", "result": {"exc_message": words}})
    put(broker, "a", SINCE, status="SUCCESS", celery={"status": "SUCCESS", "result": "small"})
    found = ask(lambda tasks: tasks.find(TaskQuery()))
    assert [task.celery_meta.get("result") for task in found] == [None, {"exc_message": words}, "small"]


def test_a_rare_task_among_twenty_thousand_holds_redis_for_no_long_time(broker: Redis, ask: Any):
    with broker.pipeline(transaction=False) as pipe:
        for n in range(20_000):
            pipe.hset(keys.task(f"t-{n}"), mapping={"status": "PENDING", "submitted_at": n, "task_type": "var"})
            pipe.zadd(keys.UNARCHIVED, {f"t-{n}": n})
        pipe.hset(keys.task("t-7"), "task_type", "rare")
        pipe.execute()
    broker.config_resetstat()

    (found,) = ask(lambda tasks: tasks.find(TaskQuery(task_type="rare")))

    assert found.task_id == "t-7"
    steps = broker.info("commandstats")["cmdstat_evalsha"]["calls"]
    assert steps >= 20_000 / 500, "many short steps, so that others have their turns between them"
