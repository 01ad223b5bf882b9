"""The front door's script on a real Redis: what it accepts, what it stores, and what it refuses."""

import asyncio
import json
import time

import pytest
from kombu import Connection

from api.errors import BrokerUnavailable, CircuitOpen, IdempotencyKeyReused, TaskFinished, TaskNotFound
from api.queue_service import QueueService
from api.services.callers import ANYONE, Caller, Scope
from api.services.task_service import TaskService
from api.submission import TaskSubmission
from tests.conftest import free_port
from throughline.ledger import keys
from throughline.ledger.list_filters import ListFilters
from throughline.settings import ApiSettings
from throughline.telemetry import correlation

RECORDS = "tl:task:" + "-".join("?" * length for length in (8, 4, 4, 4, 12))


def submission(quantity=100, priority="high", **rest):
    data = {"portfolio_data": {"positions": [{"symbol": "AAPL", "quantity": quantity, "price": 150.0}]}}
    return TaskSubmission.model_validate({"task_type": "calculate_var", "data": data, "priority": priority} | rest)


@pytest.fixture
def door(redis_url, broker):
    """Runs one story against a task service on a real Redis, under the correlation ID ABC-1."""

    def run(story, **settings):
        async def told():
            closes = min(400, settings.get("circuit_max_depth", 500))
            queue = QueueService(ApiSettings(redis_url=redis_url, **{"circuit_close_depth": closes} | settings))
            try:
                with correlation.bound("ABC-1"):
                    return await story(TaskService(queue))
            finally:
                await queue.close()

        return asyncio.run(told())

    return run


def test_accepted_means_recorded_and_enqueued_with_the_correlation_id_in_the_message_header(door, broker):
    submitted = door(lambda tasks: tasks.submit(submission(), ANYONE))
    record = broker.hgetall(keys.task(submitted.task_id))
    assert record["status"] == "PENDING"
    assert record["correlation_id"] == "ABC-1"
    message = json.loads(broker.lindex("high", 0))
    assert message["headers"]["correlation_id"] == "ABC-1"
    assert message["headers"]["id"] == message["properties"]["correlation_id"] == submitted.task_id
    assert broker.zrange(keys.correlation("ABC-1"), 0, -1) == [submitted.task_id]
    for key in (keys.task(submitted.task_id), keys.message(submitted.task_id)):
        assert broker.ttl(key) == -1, f"{key} expires, however long the task may wait"


@pytest.mark.parametrize(("priority", "rest", "queue"), [("low", {}, "low"), ("low", {"queue": "high"}, "high")])
def test_the_priority_picks_the_queue_unless_one_is_named(door, broker, priority, rest, queue):
    door(lambda tasks: tasks.submit(submission(priority=priority, **rest), ANYONE))
    assert [broker.llen(name) for name in ("high", "medium", "low")] == [
        int(queue == n) for n in ("high", "medium", "low")
    ]


def test_the_position_counts_who_is_served_first(door):
    async def story(tasks):
        sent = [await tasks.submit(submission(priority=p), ANYONE) for p in ("low", "low", "medium", "high", "low")]
        return [submitted.position for submitted in sent]

    assert door(story) == [1, 2, 1, 1, 5]


def test_of_many_simultaneous_submissions_exactly_as_many_as_fit_are_taken(door, broker):
    async def story(tasks):
        return await asyncio.gather(*(tasks.submit(submission(), ANYONE) for _ in range(60)), return_exceptions=True)

    outcomes = door(story, circuit_max_depth=20, circuit_close_depth=10, redis_timeout_seconds=10)
    refused = [outcome for outcome in outcomes if isinstance(outcome, CircuitOpen)]
    assert (len(refused), broker.llen("high")) == (40, 20)
    assert len(list(broker.scan_iter(RECORDS))) == 20
    assert all(59 <= refusal.retry_after <= 60 for refusal in refused)


def test_an_idempotency_key_names_its_first_task_even_when_the_circuit_is_open(door, broker):
    async def story(tasks):
        first = await tasks.submit(submission(), ANYONE, "key-1")
        with pytest.raises(CircuitOpen):
            await tasks.submit(submission(), ANYONE)
        return first, await tasks.submit(submission(), ANYONE, "key-1")

    first, again = door(story, circuit_max_depth=1, circuit_close_depth=1)
    assert (again.task_id, again.replayed) == (first.task_id, True)
    assert broker.llen("high") == 1


def test_an_idempotency_key_whose_task_is_gone_makes_one_new_task_however_many_ask(door, broker):
    async def story(tasks):
        first = (await tasks.submit(submission(), ANYONE, "key-1")).task_id
        await asyncio.to_thread(broker.delete, keys.task(first), keys.message(first), keys.UNARCHIVED)
        again = await asyncio.gather(*(tasks.submit(submission(), ANYONE, "key-1") for _ in range(20)))
        return first, again

    first, again = door(story)
    (new,) = {each.task_id for each in again}
    assert new != first
    assert [each.replayed for each in again].count(False) == 1
    assert broker.hget(keys.task(new), "status") == "PENDING"


@pytest.mark.parametrize(("seconds", "words"), [(60, "1 minute"), (604_800, "7 days"), (5_401, "5,401 seconds")])
def test_a_task_that_is_not_there_is_told_with_the_real_time_for_which_tasks_are_kept(door, seconds, words):
    async def story(tasks):
        with pytest.raises(TaskNotFound, match=f"kept for {words} after their end"):
            await tasks.find("no-such-task", ANYONE)

    door(story, result_ttl_seconds=seconds, idempotency_ttl_seconds=1)


def test_an_idempotency_key_is_bound_to_its_payload(door):
    async def story(tasks):
        await tasks.submit(submission(quantity=100), ANYONE, "key-1")
        with pytest.raises(IdempotencyKeyReused):
            await tasks.submit(submission(quantity=200), ANYONE, "key-1")

    door(story)


def test_a_half_open_circuit_closes_when_the_backlog_is_gone_and_waits_longer_when_it_is_not(door, broker, wait_until):
    async def fill(tasks):
        for _ in range(2):
            await tasks.submit(submission(), ANYONE)
        with pytest.raises(CircuitOpen):
            await tasks.submit(submission(), ANYONE)

    def probe():
        wait_until(lambda: float(broker.hget(keys.BREAKER, "until")) < broker.time()[0], 20, "the wait is over")
        return door(lambda tasks: tasks.submit(submission(), ANYONE), **limits)

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
        await tasks.submit(submission(), ANYONE)
        broker.script_flush()
        return await tasks.submit(submission(), ANYONE)

    assert door(story).position == 2


def test_an_unknown_task_is_not_found_rather_than_pending(door):
    with pytest.raises(TaskNotFound):
        door(lambda tasks: tasks.find("00000000-0000-0000-0000-000000000000", ANYONE))


def test_a_redis_that_is_away_makes_the_broker_unavailable():
    async def story():
        queue = QueueService(ApiSettings(redis_url=f"redis://127.0.0.1:{free_port()}/0"))
        with pytest.raises(BrokerUnavailable):
            await TaskService(queue).submit(submission(), ANYONE)

    asyncio.run(story())


ALICE, BOB = (Caller(name, frozenset({Scope.SUBMIT, Scope.READ})) for name in ("alice", "bob"))
ADMIN = Caller("root", frozenset({Scope.ADMIN}))


def test_an_idempotency_key_and_a_task_belong_to_their_caller(door):
    async def story(tasks):
        hers = await tasks.submit(submission(), ALICE, "key-1")
        his = await tasks.submit(submission(), BOB, "key-1")
        assert hers.task_id != his.task_id
        for look in (tasks.find, tasks.timeline, tasks.cancel):
            with pytest.raises(TaskNotFound):
                await look(hers.task_id, BOB)
        found = ListFilters(correlation_id="ABC-1")
        assert [task.task_id for task in (await tasks.page(found, BOB)).tasks] == [his.task_id]
        assert len((await tasks.page(found, ADMIN)).tasks) == 2
        assert (await tasks.find(hers.task_id, ALICE)).task_id == hers.task_id

    door(story)


def test_a_cancelled_task_leaves_its_queue_and_cannot_be_cancelled_again(door, broker):
    async def story(tasks):
        first, second, third = [(await tasks.submit(submission(n), ANYONE)).task_id for n in (1, 2, 3)]
        assert (await tasks.timeline(third, ANYONE)).now == "in queue high at position 3"
        view = await tasks.cancel(second, ANYONE)
        assert (view.status, view.attempts) == ("REVOKED", [])
        assert (await tasks.timeline(third, ANYONE)).now == "in queue high at position 2"
        with pytest.raises(TaskFinished):
            await tasks.cancel(second, ANYONE)
        changes = (await tasks.timeline(second, ANYONE)).changes
        assert [change.status for change in changes] == ["PENDING", "REVOKED"]
        return first, third

    kept = door(story)
    assert [json.loads(message)["headers"]["id"] for message in broker.lrange("high", 0, -1)] == list(reversed(kept))


def given_back_by_celery(redis_url, queue):
    """A worker took the message and gave it back: kombu writes it anew."""
    with Connection(redis_url, transport_options={"priority_steps": [0]}) as connection:
        channel = connection.channel()
        message = channel.basic_get(queue)
        channel.message_to_python(message).requeue()


def test_a_waiting_task_whose_message_celery_gave_back_has_its_position_and_is_cancelled_at_once(
    door, broker, redis_url
):
    async def story(tasks):
        first, second = [(await tasks.submit(submission(n), ANYONE)).task_id for n in (1, 2)]
        await asyncio.to_thread(given_back_by_celery, redis_url, "high")
        assert broker.llen("high") == 2
        assert broker.get(keys.message(first)) not in broker.lrange("high", 0, -1)
        assert (await tasks.timeline(first, ANYONE)).now.startswith("in queue high at position")
        assert (await tasks.cancel(first, ANYONE)).status == "REVOKED"
        return second

    kept = door(story)
    assert [json.loads(message)["headers"]["id"] for message in broker.lrange("high", 0, -1)] == [kept]


def test_a_cancellation_is_told_under_the_tasks_correlation_id_and_says_which_request_asked(door, log_lines):
    async def story(tasks):
        waiting = (await tasks.submit(submission(), ANYONE)).task_id
        with correlation.bound("DELETE-1"):
            await tasks.cancel(waiting, ANYONE)
        return waiting, (await tasks.timeline(waiting, ANYONE)).changes[-1]

    waiting, change = door(story)
    (line,) = [line for line in log_lines() if line["event.action"] == "task.cancelled"]
    assert (line["correlation_id"], line["requested_by"], line["task_id"]) == ("ABC-1", "DELETE-1", waiting)
    assert (change.status, change.reason, change.requested_by) == ("REVOKED", "cancelled", "DELETE-1")


def test_whoever_asks_a_held_task_to_stop_is_on_its_timeline(door, broker, log_lines):
    async def story(tasks):
        task_id = (await tasks.submit(submission(), ANYONE)).task_id
        broker.rpop("high")
        for request in ("DELETE-1", "DELETE-2"):
            with correlation.bound(request):
                await tasks.cancel(task_id, ANYONE)
        return (await tasks.timeline(task_id, ANYONE)).changes

    asked = [change for change in door(story) if change.reason == "cancel_requested"]
    assert [(change.status, change.requested_by) for change in asked] == [("PENDING", "DELETE-1")]
    told = [line for line in log_lines() if line["event.action"] == "task.cancel_requested"]
    assert [(line["correlation_id"], line["requested_by"], line["caller"]) for line in told] == [
        ("ABC-1", "DELETE-1", "anyone")  # whoever asks once more changes nothing
    ]


@pytest.mark.parametrize("is_held", [False, True])
def test_the_owner_reads_why_a_task_was_cancelled_and_only_an_admin_by_whom(door, broker, log_lines, is_held: bool):
    async def story(tasks):
        task_id = (await tasks.submit(submission(), ALICE)).task_id
        if is_held:
            broker.rpop("high")
        await tasks.cancel(task_id, ADMIN, "wrong portfolio")
        hers, all_of_it = [(await tasks.timeline(task_id, reader)).changes[-1] for reader in (ALICE, ADMIN)]
        own = (await tasks.submit(submission(), ALICE)).task_id
        await tasks.cancel(own, ALICE)
        return hers, all_of_it, (await tasks.timeline(own, ALICE)).changes[-1]

    hers, all_of_it, own = door(story)
    assert (hers.caller, hers.why) == (None, "wrong portfolio")
    assert (all_of_it.caller, all_of_it.why) == ("root", "wrong portfolio")
    assert (own.caller, own.why) == ("alice", None)
    told = [(line["caller"], line.get("why")) for line in log_lines() if "caller" in line]
    assert told == [("root", "wrong portfolio"), ("alice", None)]


def test_a_task_that_a_worker_took_is_asked_to_stop(door, broker):
    async def story(tasks):
        task_id = (await tasks.submit(submission(), ANYONE)).task_id
        broker.rpop("high")
        assert (await tasks.timeline(task_id, ANYONE)).now == "taken from queue high, about to start"
        assert (await tasks.cancel(task_id, ANYONE)).status == "PENDING"
        return task_id, (await tasks.timeline(task_id, ANYONE)).now

    task_id, now = door(story)
    assert broker.hget(keys.task(task_id), "cancel_requested") == "ABC-1"
    assert now == "taken from queue high, about to start, but to be cancelled"


def test_a_waiting_request_is_answered_as_soon_as_the_task_ends(door, broker):
    async def story(tasks):
        task_id = (await tasks.submit(submission(), ANYONE)).task_id
        began = time.monotonic()
        waiting = asyncio.create_task(tasks.find(task_id, ANYONE, wait_seconds=30))
        await asyncio.sleep(0.3)
        assert not waiting.done()
        await tasks.cancel(task_id, ANYONE)
        assert (await waiting).status == "REVOKED"
        return time.monotonic() - began

    assert door(story) < 1.5  # sooner than it would look again by itself


def test_a_request_that_waited_without_success_gets_the_current_state(door):
    async def story(tasks):
        task_id = (await tasks.submit(submission(), ANYONE)).task_id
        return await tasks.find(task_id, ANYONE, wait_seconds=0.2)

    assert door(story).status == "PENDING"


def alive(broker, slots, held=0):
    broker.zadd(keys.WORKERS, {"worker-1": broker.time()[0]})
    broker.hset(keys.WORKER_SLOTS, "worker-1", f"{slots} {held}")


def seconds_ahead(submitted, broker):
    seconds, microseconds = broker.time()
    return submitted.estimated_start.timestamp() - seconds - microseconds / 1e6


def test_no_start_is_estimated_while_no_worker_is_alive(door):
    assert door(lambda tasks: tasks.submit(submission(), ANYONE)).estimated_start is None


def test_the_estimated_start_is_now_while_a_process_is_free(door, broker):
    alive(broker, slots=1)
    assert abs(seconds_ahead(door(lambda tasks: tasks.submit(submission(), ANYONE)), broker)) < 1


def test_the_estimated_start_follows_the_measured_time_between_starts(door, broker):
    alive(broker, slots=1, held=1)
    broker.hset(keys.DRAIN, mapping={"high": 10, "low": 100, "all": 20})

    async def story(tasks):
        return [await tasks.submit(submission(priority=p), ANYONE) for p in ("high", "high", "medium", "low")]

    # One gap until the running task has made room, and one for each task before it, as measured for its own queue.
    promised = [seconds_ahead(submitted, broker) for submitted in door(story)]
    assert promised == pytest.approx([10, 20, 40, 140], abs=2)


def test_retry_after_says_how_long_the_backlog_takes_when_that_is_longer_than_the_breaker_stays_open(door, broker):
    broker.hset(keys.DRAIN, "all", 30)

    async def story(tasks):
        for _ in range(5):
            await tasks.submit(submission(), ANYONE)
        with pytest.raises(CircuitOpen) as refused:
            await tasks.submit(submission(), ANYONE)
        return refused.value.retry_after

    assert door(story, circuit_max_depth=5, circuit_close_depth=2, circuit_open_seconds=10) == 90


def test_a_client_that_waits_for_retry_after_is_taken_if_the_backlog_shrank_as_measured(door, broker, wait_until):
    limits = {"circuit_max_depth": 4, "circuit_close_depth": 2, "circuit_open_seconds": 1}
    broker.hset(keys.DRAIN, "all", 0.5)

    async def fill(tasks):
        for _ in range(4):
            await tasks.submit(submission(), ANYONE)
        with pytest.raises(CircuitOpen) as refused:
            await tasks.submit(submission(), ANYONE)
        return refused.value.retry_after

    retry_after = door(fill, **limits)
    back = time.monotonic() + retry_after  # counted from the answer: filling takes its time on a busy machine
    for _ in range(2):  # a start each half second
        broker.rpop("high")
    wait_until(lambda: time.monotonic() >= back, 20, "Retry-After is over")
    assert door(lambda tasks: tasks.submit(submission(), ANYONE), **limits).position == 3


def test_of_a_hundred_submissions_at_the_half_open_moment_one_is_the_probe(door, broker):
    broker.hset(keys.BREAKER, mapping={"state": "open", "wait": 60, "until": 1})

    async def story(tasks):
        return await asyncio.gather(*(tasks.submit(submission(), ANYONE) for _ in range(100)), return_exceptions=True)

    outcomes = door(story, circuit_max_depth=3, circuit_close_depth=2)
    assert int(broker.hget(keys.BREAKER, "count:half_open")) == 1
    assert int(broker.hget(keys.BREAKER, "count:closed")) == 1
    assert [isinstance(outcome, CircuitOpen) for outcome in outcomes].count(False) == broker.llen("high") == 3


def test_a_failed_probe_is_the_only_one_for_twice_the_wait(door, broker):
    broker.hset(keys.BREAKER, mapping={"state": "open", "wait": 60, "until": 1})
    broker.lpush("low", "a", "b", "c")

    async def story(tasks):
        return await asyncio.gather(*(tasks.submit(submission(), ANYONE) for _ in range(100)), return_exceptions=True)

    outcomes = door(story, circuit_close_depth=2)
    assert {type(outcome) for outcome in outcomes} == {CircuitOpen}
    assert {outcome.retry_after for outcome in outcomes} <= {119, 120}
    assert int(broker.hget(keys.BREAKER, "count:half_open")) == 1
