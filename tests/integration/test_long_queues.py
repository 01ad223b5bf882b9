"""Long queues and large messages: what is lost is found, and no call looks at more than a part of a queue."""

import asyncio
import json
import random
import time

import pytest
from redis.asyncio import Redis

from monitor.sweep import Sweep
from tests.integration.long_story import ORIGIN, TIMES, LongStory
from throughline.ledger import keys, scripts
from throughline.ledger.message import Queue
from throughline.ledger.states import Status

MANY = 2_000


@pytest.fixture
def story(broker):
    return LongStory(broker)


def test_of_many_that_wait_none_is_put_back(story):
    story.submit_many(MANY)
    assert [story.sweep() for _ in range(4)] == [[]] * 4


@pytest.mark.parametrize("queue", list(Queue))
def test_the_oldest_of_many_is_put_back_when_it_is_lost_whatever_waits_in_the_other_queues(story, broker, queue):
    for each in Queue:
        story.submit_many(700, each)
    assert story.sweep() == []
    lost = json.loads(broker.rpop(queue))["headers"]["id"]
    assert [story.sweep(), story.sweep()] == [[], [("put_back", lost, "lost_on_the_way")]]
    assert json.loads(broker.lindex(queue, -1))["headers"]["id"] == lost
    assert [story.sweep() for _ in range(3)] == [[]] * 3


def test_thousands_that_are_lost_at_once_are_put_back_by_the_second_sweep(story, broker):
    waiting = story.submit_many(MANY)
    broker.rpop("medium", MANY - 100)
    assert story.sweep() == []
    assert {task_id for _, task_id, _ in story.sweep()} == set(waiting[: MANY - 100])
    assert story.sweep() == story.sweep() == []


def test_all_retries_that_are_due_are_put_back_by_one_sweep(story):
    story.submit_many(350)
    for _ in range(350):
        task_id, claim = story.start()
        assert story.retry(task_id, claim.attempt, delay=1) == "retry"
    assert [kind for kind, _, _ in story.sweep()] == ["due"] * 350


def test_several_that_are_lost_at_once_are_put_back(story, broker):
    waiting = story.submit_many(MANY)
    broker.rpop("medium", 40)
    assert story.sweep() == []
    assert {task_id for _, task_id, _ in story.sweep()} == set(waiting[:40])
    assert story.sweep() == story.sweep() == []


def test_tasks_that_wait_for_a_retry_or_run_do_not_hide_one_that_is_lost(story, broker):
    old = story.submit_many(600)
    for _ in range(600):
        task_id, claim = story.start()
        if task_id in old[:500]:
            assert story.retry(task_id, claim.attempt, delay=3_600) == "retry"
    story.beat(held=" ".join(old[500:]))
    lost = story.submit()
    story.submit_many(100)
    broker.rpop("medium")
    assert story.sweep() == []
    story.beat(held=" ".join(old[500:]))
    assert story.sweep() == [("put_back", lost, "lost_on_the_way")]


def test_one_that_is_lost_among_many_is_put_back_when_its_turn_has_come(story, broker):
    waiting = story.submit_many(60)
    broker.lrem("medium", 1, broker.get(keys.message(waiting[50])))
    assert [story.sweep(), story.sweep(), story.sweep()] == [[]] * 3
    for _ in range(49):
        story.run()
    assert [story.sweep(), story.sweep()] == [[], [("put_back", waiting[50], "lost_on_the_way")]]


def test_what_a_dead_worker_had_is_put_back_at_once_whatever_has_been_put_back_before(story):
    first = story.submit_many(30)
    for _ in range(30):
        task_id, claim = story.start()
        assert story.retry(task_id, claim.attempt, delay=30) == "retry"
    lost = story.submit()
    story.start(worker="worker-2")
    story.beat("worker-2", held=lost)
    for _ in range(5):
        story.sweep()
        story.beat("worker-1")
    found = story.sweep() + story.sweep()
    assert {task_id for kind, task_id, _ in found if kind == "due"} == set(first)
    assert story.record(lost).status is Status.PENDING


def test_what_a_dead_worker_had_and_waits_again_is_looked_at_once(story, broker):
    waiting = story.submit_many(3)
    story.beat("worker-2", held=" ".join(waiting[:2]))
    for _ in range(4):
        assert story.sweep() == []
    assert broker.hget(keys.WORKER_TASKS, "worker-2") == ""


def test_a_place_and_a_cancellation_are_right_in_the_whole_of_a_long_queue(story, broker):
    waiting = story.submit_many(MANY)
    for _ in range(2):  # before the monitor has seen it, and after
        for place in (0, 1, 700, 1_000, 1_500, MANY - 1):
            assert story.position(waiting[place]) == place + 1
        story.sweep()
    for place in (1_500, 700, 1):
        assert story.cancel(waiting[place]) == "cancelled"
    assert broker.llen("medium") == MANY - 3
    assert story.position(waiting[-1]) == MANY - 3


@pytest.mark.parametrize("join", ["rpush", "lpush"])
def test_a_message_that_celery_gave_back_is_found_at_both_ends(story, broker, join):
    waiting = story.submit_many(MANY)
    story.give_back(waiting[0], "waits", join)
    assert story.position(waiting[0]) == (1 if join == "rpush" else MANY)
    assert [story.sweep() for _ in range(4)] == [[]] * 4
    assert story.cancel(waiting[0]) == "cancelled"
    assert broker.llen("medium") == MANY - 1


def test_those_that_celery_gave_back_to_the_young_end_do_not_hide_one_that_is_lost(story, broker):
    waiting = story.submit_many(200)
    for task_id in waiting[:5]:
        story.give_back(task_id, "waits", "lpush")
    assert broker.rpop("medium") == broker.get(keys.message(waiting[5]))
    assert story.sweep() == []
    assert story.sweep() == [("put_back", waiting[5], "lost_on_the_way")]


def test_a_given_back_message_that_is_not_found_costs_a_second_copy_which_is_not_run(story, broker):
    first = story.submit()
    story.give_back(first, "waits", "lpush")
    story.submit_many(100)  # it is far from both ends by now
    behind = story.submit_many(100)
    broker.lrem("medium", 0, "none")
    for _ in range(100):
        broker.rpush("medium", broker.lpop("medium"))  # … and has others before it
    assert story.position(first) is None
    assert story.sweep() == []
    assert story.sweep() == [("put_back", first, "lost_on_the_way")]
    assert story.position(first) == 1
    assert story.run() == first
    copies = [json.loads(each)["headers"]["id"] for each in broker.lrange("medium", 0, -1)]
    assert copies.count(first) == 1
    assert len(set(copies)) == len(behind) + 101
    while True:
        task_id, claim = story.start()
        if task_id == first:
            break
    assert claim.outcome == "SUCCESS"


def test_a_cancellation_that_does_not_find_the_message_is_heard_when_the_task_is_claimed(story, broker):
    first = story.submit()
    story.give_back(first, "waits", "lpush")
    story.submit_many(100)
    for _ in range(100):
        broker.rpush("medium", broker.lpop("medium"))
    story.submit_many(100)
    assert story.cancel(first) == "cancelling"
    while True:
        task_id, claim = story.start()
        if task_id == first:
            break
    assert claim.outcome == "cancel"


def test_tasks_that_came_while_the_clock_was_wrong_are_looked_at_too(story, broker):
    story.submit_many(10)
    assert story.sweep() == []
    story.time -= 3_600
    lost = story.submit()
    broker.lpop("medium")
    found = [one for _ in range(6) for one in story.sweep()]
    assert ("put_back", lost, "lost_on_the_way") in found


@pytest.fixture
def lost_and_large(story, broker):
    """Twelve tasks of a megabyte, none of which waits in its queue."""
    text = "".join(map(chr, random.Random(3).choices(range(0x23, 0x7F), k=1_000_000)))
    lost = [story.submit(data={"text": text}) for _ in range(12)]
    broker.delete("medium")
    return lost


def test_one_call_looks_at_a_few_large_tasks_and_a_sweep_puts_all_of_them_back(story, broker, lost_and_large):
    story.time += 5
    assert [one.kind for one in story.ledger(scripts.sweep(**TIMES))] == ["more"]
    assert 0 < broker.hlen(keys.MISSING) < len(lost_and_large)
    assert story.sweep(0.1) == []
    assert broker.hlen(keys.MISSING) == len(lost_and_large)
    assert sorted(task_id for _, task_id, _ in story.sweep()) == sorted(lost_and_large)
    assert broker.llen("medium") == len(lost_and_large)


def test_the_monitor_goes_on_until_it_has_looked_at_all_of_them(broker, lost_and_large, redis_url):
    async def swept():
        async with Redis.from_url(redis_url, decode_responses=True) as redis:
            await Sweep(redis)()

    broker.hset(keys.SWEEP, mapping={"last": time.time(), "grace_until": 0})
    broker.zadd(keys.OPEN, dict.fromkeys(lost_and_large, 1))
    asyncio.run(swept())
    assert sorted(broker.hkeys(keys.MISSING)) == sorted(lost_and_large)


AS_CELERY = {"body": "e30=", "headers": {}, "properties": {}, "content-type": "", "content-encoding": ""}


@pytest.mark.parametrize("order", [list(AS_CELERY), list(reversed(AS_CELERY))], ids=["body first", "body last"])
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")], ids=["dense", "blanks"])
@pytest.mark.parametrize("odd", [{}, {"body": "x"}, {"task": "body", "a": {"body": [1]}}, {"headers": '"body": {'}])
def test_a_message_is_understood_in_either_order_and_whatever_its_headers_are_called(
    story, broker, order, separators, odd
):
    task_id = story.submit()
    message = json.loads(broker.rpop("medium"))
    message["headers"] |= odd
    text = json.dumps({name: message[name] for name in order}, separators=separators)
    broker.set(keys.message(task_id), text)
    broker.hset(keys.CELERY_UNACKED, message["properties"]["delivery_tag"], "[]")
    story.sweep()
    story.time += 5
    (one,) = story.ledger(scripts.sweep(**TIMES))
    assert (one.kind, one.traceparent) == ("put_back", ORIGIN.traceparent)
    assert broker.hlen(keys.CELERY_UNACKED) == 0
