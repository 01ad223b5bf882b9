"""The front door's script on a real Redis: what it accepts, what it stores, and what it refuses."""

import asyncio
import json

import pytest

from api.errors import BrokerUnavailable, CircuitOpen, IdempotencyKeyReused, TaskNotFound
from api.queue.queue_service import QueueService
from api.services.task_service import TaskService
from contracts import keys
from contracts.settings import Settings
from contracts.tasks import TaskSubmission
from observability import correlation
from tests.conftest import free_port


def submission(quantity=100, priority="high", **rest):
    data = {"portfolio_data": {"positions": [{"symbol": "AAPL", "quantity": quantity, "price": 150.0}]}}
    return TaskSubmission.model_validate({"task_type": "calculate_var", "data": data, "priority": priority} | rest)


@pytest.fixture
def door(redis_url, broker):
    """Runs one story against a task service on a real Redis, under the correlation ID ABC-1."""

    def run(story, **settings):
        async def told():
            queue = QueueService(Settings(redis_url=redis_url, **settings))
            try:
                with correlation.bound("ABC-1"):
                    return await story(TaskService(queue))
            finally:
                await queue.close()

        return asyncio.run(told())

    return run


def test_accepted_means_recorded_and_enqueued_with_the_correlation_id_in_the_message_header(door, broker):
    submitted = door(lambda tasks: tasks.submit(submission()))
    record = broker.hgetall(keys.task(submitted.task_id))
    assert record["status"] == "PENDING"
    assert record["correlation_id"] == "ABC-1"
    message = json.loads(broker.lindex("high", 0))
    assert message["headers"]["correlation_id"] == "ABC-1"
    assert message["headers"]["id"] == message["properties"]["correlation_id"] == submitted.task_id
    assert broker.zrange(keys.correlation("ABC-1"), 0, -1) == [submitted.task_id]
    assert 0 < broker.ttl(keys.task(submitted.task_id)) <= 604_800


@pytest.mark.parametrize(("priority", "rest", "queue"), [("low", {}, "low"), ("low", {"queue": "high"}, "high")])
def test_the_priority_picks_the_queue_unless_one_is_named(door, broker, priority, rest, queue):
    door(lambda tasks: tasks.submit(submission(priority=priority, **rest)))
    assert [broker.llen(name) for name in ("high", "medium", "low")] == [
        int(queue == n) for n in ("high", "medium", "low")
    ]


def test_the_position_counts_who_is_served_first(door):
    async def story(tasks):
        return [(await tasks.submit(submission(priority=p))).position for p in ("low", "low", "medium", "high", "low")]

    assert door(story) == [1, 2, 1, 1, 5]


def test_a_herd_gets_exactly_as_many_tasks_in_as_there_is_room_for(door, broker):
    async def story(tasks):
        return await asyncio.gather(*(tasks.submit(submission()) for _ in range(60)), return_exceptions=True)

    outcomes = door(story, circuit_max_depth=20, redis_timeout_seconds=10)
    refused = [outcome for outcome in outcomes if isinstance(outcome, CircuitOpen)]
    assert (len(refused), broker.llen("high")) == (40, 20)
    assert len(list(broker.scan_iter("tl:task:*"))) == 20
    assert all(59 <= refusal.retry_after <= 60 for refusal in refused)


def test_an_idempotency_key_names_its_first_task_even_when_the_circuit_is_open(door, broker):
    async def story(tasks):
        first = await tasks.submit(submission(), "key-1")
        with pytest.raises(CircuitOpen):
            await tasks.submit(submission())
        return first, await tasks.submit(submission(), "key-1")

    first, again = door(story, circuit_max_depth=1)
    assert (again.task_id, again.replayed) == (first.task_id, True)
    assert broker.llen("high") == 1


def test_an_idempotency_key_is_bound_to_its_payload(door):
    async def story(tasks):
        await tasks.submit(submission(quantity=100), "key-1")
        with pytest.raises(IdempotencyKeyReused):
            await tasks.submit(submission(quantity=200), "key-1")

    door(story)


def test_a_half_open_circuit_closes_when_the_backlog_is_gone_and_waits_longer_when_it_is_not(door, broker, wait_until):
    async def fill(tasks):
        for _ in range(2):
            await tasks.submit(submission())
        with pytest.raises(CircuitOpen):
            await tasks.submit(submission())

    def probe():
        wait_until(lambda: float(broker.hget(keys.BREAKER, "until")) < broker.time()[0], 5, "the wait is over")
        return door(lambda tasks: tasks.submit(submission()), **limits)

    limits = {"circuit_max_depth": 2, "circuit_close_depth": 1, "circuit_open_seconds": 0.2}
    door(fill, **limits)
    with pytest.raises(CircuitOpen):
        probe()
    assert float(broker.hget(keys.BREAKER, "wait")) == pytest.approx(0.4)
    broker.rpop("high")
    assert probe().position == 2
    assert broker.hget(keys.BREAKER, "state") == "closed"


def test_the_script_survives_a_redis_that_forgot_it(door, broker):
    async def story(tasks):
        await tasks.submit(submission())
        broker.script_flush()
        return await tasks.submit(submission())

    assert door(story).position == 2


def test_an_unknown_task_is_not_found_rather_than_pending(door):
    with pytest.raises(TaskNotFound):
        door(lambda tasks: tasks.find("00000000-0000-0000-0000-000000000000"))


def test_a_redis_that_is_away_is_told_as_such():
    async def story():
        queue = QueueService(Settings(redis_url=f"redis://127.0.0.1:{free_port()}/0"))
        with pytest.raises(BrokerUnavailable):
            await TaskService(queue).submit(submission())

    asyncio.run(story())
