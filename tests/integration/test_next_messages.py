"""A worker that is busy takes its next message in the step that acknowledges the last one: each is in one place."""

import asyncio
import json
import subprocess
import time

import psutil
import pytest
from celery import Celery
from kombu import Connection

from tests.integration.faulty_worker import TAKES_SECONDS
from tests.integration.test_redis_stops import submit_seeds
from throughline.ledger import keys, scripts
from throughline.ledger.scripts import Ledger

WORKER = ["-A", "tests.integration.faulty_worker", "worker", "--without-gossip", "--without-mingle"]
# Where each task is that has not ended: one look, which no worker can come between.
LOOK = """
local places = {}
for _, id in ipairs(ARGV) do
  local status = redis.call('HGET', 'tl:task:' .. id, 'status')
  if status == 'PENDING' or status == 'STARTED' then places[id] = 0 end
end
local function found(message)
  local id = cjson.decode(message).headers.id
  if places[id] then places[id] = places[id] + 1 end
end
for _, queue in ipairs({'high', 'medium', 'low'}) do
  for _, message in ipairs(redis.call('LRANGE', queue, 0, -1)) do found(message) end
end
for _, noted in ipairs(redis.call('HVALS', 'unacked')) do found(cjson.encode(cjson.decode(noted)[1])) end
return cjson.encode(places)
"""


@pytest.fixture
def ledger(broker):
    return Ledger(broker)


def taken(ledger, most, acknowledged=(), queues=("high", "medium", "low")):
    call = scripts.take(most, queues=queues, acknowledged=list(acknowledged), taken_at=1.5)
    return [(queue, json.loads(message)["headers"]["id"]) for queue, message in ledger(call)]


def sent(redis_url, queue, **options):
    return Celery(broker=redis_url).send_task("calculate_var", [{"seed": 0}], queue=queue, **options).id


def submitted(redis_url, count, seed=0):
    return asyncio.run(submit_seeds(redis_url, seed, count))


def tag_of(broker, task_id):
    for tag, noted in broker.hgetall(keys.CELERY_UNACKED).items():
        if json.loads(noted)[0]["headers"]["id"] == task_id:
            return tag
    pytest.fail(f"{task_id} is not noted as delivered")


def test_messages_are_taken_in_strict_order_and_never_more_than_asked_for(ledger, redis_url):
    low, medium, high = (sent(redis_url, queue) for queue in ("low", "medium", "high"))
    second = sent(redis_url, "medium")
    assert taken(ledger, 0) == []
    assert taken(ledger, 3) == [("high", high), ("medium", medium), ("medium", second)]
    assert taken(ledger, 3) == [("low", low)]
    assert taken(ledger, 3) == []


def test_a_queue_that_the_worker_does_not_consume_is_left_alone(ledger, redis_url):
    sent(redis_url, "high")
    low = sent(redis_url, "low")
    assert taken(ledger, 2, queues=["medium", "low"]) == [("low", low)]


def test_what_has_ended_is_acknowledged_and_nothing_else(ledger, broker, redis_url):
    first, second = sent(redis_url, "high"), sent(redis_url, "high")
    taken(ledger, 2)
    assert taken(ledger, 1, acknowledged=[tag_of(broker, first)]) == []
    assert list(broker.hkeys(keys.CELERY_UNACKED)) == [tag_of(broker, second)]
    assert broker.zrange(keys.CELERY_UNACKED_INDEX, 0, -1, withscores=True) == [(tag_of(broker, second), 1.5)]


@pytest.mark.parametrize("queue", ["high", "low"])
def test_kombu_gives_back_a_message_that_was_taken_so(ledger, broker, redis_url, queue):
    task_id = sent(redis_url, queue, headers={"note": 'with "quotes", a / and half a list ['})
    (before,) = map(json.loads, broker.lrange(queue, 0, -1))
    taken(ledger, 1)
    with Connection(redis_url) as connection:
        connection.default_channel.qos.restore_by_tag(tag_of(broker, task_id))
    (after,) = map(json.loads, broker.lrange(queue, 0, -1))
    assert after["headers"].pop("redelivered") is after["properties"]["delivery_info"].pop("redelivered") is True
    assert after == before
    assert broker.hlen(keys.CELERY_UNACKED) == broker.zcard(keys.CELERY_UNACKED_INDEX) == 0


@pytest.mark.parametrize("odd", ["no JSON", "[]", '{"headers": {}}', '{"properties": {"delivery_tag": 7}}'])
def test_a_message_that_nobody_could_acknowledge_stays_where_it_is(ledger, broker, redis_url, odd):
    broker.lpush("high", odd)
    sent(redis_url, "high")
    assert taken(ledger, 2) == []
    assert (broker.llen("high"), broker.hlen(keys.CELERY_UNACKED)) == (2, 0)


def test_messages_are_taken_while_redis_is_full(ledger, broker, redis_url):
    task_id = sent(redis_url, "high")
    broker.config_set("maxmemory", 1)
    try:
        assert taken(ledger, 1) == [("high", task_id)]
    finally:
        broker.config_set("maxmemory", 0)


TWO_PROCESSES = {"WORKER_CONCURRENCY": "2", "WORKER_SHUTDOWN_SECONDS": "1"}


@pytest.fixture
def victim(start, broker, wait_until, tmp_path):
    """A worker of two processes that the test may kill."""
    started = start("celery", *WORKER, output=tmp_path / "worker.jsonl", **TWO_PROCESSES)
    wait_until(lambda: broker.zcard(keys.WORKERS), 60, "the worker is there")
    return started


@pytest.fixture(scope="module")
def worker(start_for_module, queues, wait_until, tmp_path_factory):
    """Two processes, for the last tests of this file: none asks for an empty Redis."""
    output = tmp_path_factory.mktemp("worker") / "worker.jsonl"
    started = start_for_module("celery", *WORKER, output=output, **TWO_PROCESSES)
    wait_until(lambda: queues.zcard(keys.WORKERS), 60, "the worker is there")
    return started


def places(broker, task_ids):
    """How many places each task is in that has not ended."""
    return json.loads(broker.eval(LOOK, 0, *task_ids)) or {}


def busy(worker, broker, redis_url, wait_until, count, seed=0):
    """The tasks that the worker is in the middle of: what it takes from now on, it takes as it acknowledges."""
    main = psutil.Process(worker.pid)
    main.suspend()
    task_ids = submitted(redis_url, count, seed)
    main.resume()
    wait_until(lambda: broker.llen("medium") <= count - 3, 30, "the worker is busy")
    return task_ids


@pytest.mark.parametrize("killed", range(4))
def test_a_worker_that_is_killed_while_it_takes_leaves_every_task_in_one_place(
    victim, broker, redis_url, wait_until, killed
):
    task_ids = busy(victim, broker, redis_url, wait_until, 450)
    time.sleep(killed * 0.003)  # at another moment of its work each time
    processes = psutil.Process(victim.pid).children()
    victim.kill()
    for process in processes:
        process.kill()
    victim.wait(timeout=20)
    left = places(broker, task_ids)
    assert left
    assert set(left.values()) == {1}


@pytest.mark.parametrize("count", [1, 20])
def test_a_worker_that_could_not_acknowledge_connects_again_and_goes_on(start, broker, redis_url, wait_until, count):
    """Redis takes no write just then; the worker's only process has stored the end before."""
    worker = start("celery", *WORKER, WORKER_CONCURRENCY="1")
    wait_until(lambda: broker.zcard(keys.WORKERS), 60, "the worker is there")
    (task_id, *others) = submitted(redis_url, 1, seed=TAKES_SECONDS + 3) + submitted(redis_url, count - 1)
    wait_until(lambda: broker.hget(keys.task(task_id), "status") == "STARTED", 20, "it runs")
    main = psutil.Process(worker.pid)
    main.suspend()
    wait_until(lambda: broker.hget(keys.task(task_id), "status") == "SUCCESS", 20, "its process has stored its end")
    broker.config_set("min-replicas-to-write", 1)
    try:
        main.resume()
        with pytest.raises(subprocess.TimeoutExpired):
            worker.wait(timeout=1)
    finally:
        broker.config_set("min-replicas-to-write", 0)
    others += submitted(redis_url, 1)
    wait_until(lambda: {broker.hget(keys.task(each), "status") for each in others} == {"SUCCESS"}, 30, "others ran")
    wait_until(lambda: not broker.hlen(keys.CELERY_UNACKED), 20, "each is acknowledged")
    assert all(broker.llen(keys.attempts(each)) == 1 for each in [task_id, *others])


def test_every_task_is_in_one_place_while_a_busy_worker_takes_one_after_the_other(
    worker, queues, redis_url, wait_until
):
    task_ids = busy(worker, queues, redis_url, wait_until, 450)
    queues.config_resetstat()
    looks = 0
    while queues.llen("medium") > 10:
        found = places(queues, task_ids)
        assert set(found.values()) <= {1}
        looks += 1
    assert looks > 5
    waited = queues.info("commandstats").get("cmdstat_brpop", {"calls": 0})
    assert waited["calls"] < 30, "it takes them as it acknowledges, and does not wait for them"
    wait_until(lambda: not places(queues, task_ids), 30, "all have ended")
    wait_until(lambda: not queues.hlen(keys.CELERY_UNACKED), 20, "each is acknowledged")
    assert all(queues.llen(keys.attempts(task_id)) == 1 for task_id in task_ids)


def test_a_long_row_of_expired_tasks_does_not_hold_up_those_behind_it(worker, queues, redis_url, wait_until):
    main = psutil.Process(worker.pid)
    main.suspend()
    submitted(redis_url, 4)
    with Celery(broker=redis_url) as client:
        expired = [client.send_task("calculate_var", [{}], queue="medium", expires=0.01).id for _ in range(300)]
    (last,) = submitted(redis_url, 1)
    main.resume()

    wait_until(lambda: queues.hget(keys.task(last), "status") == "SUCCESS", 30, "the last one has ended")
    assert {queues.hget(keys.task(task_id), "status") for task_id in expired} == {"REVOKED"}
    assert worker.poll() is None


def test_a_busy_worker_takes_a_message_that_is_no_utf8_as_kombu_does(worker, queues, redis_url, wait_until):
    main = psutil.Process(worker.pid)
    main.suspend()
    submitted(redis_url, 4)
    odd = sent(redis_url, "medium", headers={"note": "caf?"})
    queues.lset("medium", 0, queues.lindex("medium", 0).encode().replace(b"caf?", b"caf\xe9"))
    (last,) = submitted(redis_url, 1)
    main.resume()

    for task_id in (odd, last):
        wait_until(lambda of=task_id: queues.hget(keys.task(of), "status") == "SUCCESS", 30, f"{task_id} has ended")
    assert worker.poll() is None


ENVELOPE = {
    "properties": {
        "delivery_tag": "t",
        "delivery_info": {"exchange": "", "routing_key": "medium"},
        "body_encoding": "base64",
    },
    "body": "abcd",
}
NO_MESSAGES = [
    "no JSON",
    "7",
    '{"headers": {}}',
    json.dumps(ENVELOPE | {"headers": 7}),
    json.dumps(ENVELOPE | {"headers": {"id": "odd", "task": "calculate_var"}, "body": "abc"}),
]


@pytest.mark.parametrize("is_busy", [False, True])
def test_a_worker_goes_on_after_what_is_no_message(worker, queues, redis_url, wait_until, is_busy):
    queues.delete(keys.task("odd"))
    main = psutil.Process(worker.pid)
    if is_busy:
        main.suspend()
    for odd in NO_MESSAGES:
        submitted(redis_url, 3)
        queues.lpush("medium", odd)
    last = submitted(redis_url, 3)
    main.resume()
    wait_until(
        lambda: {queues.hget(keys.task(each), "status") for each in last} == {"SUCCESS"}, 30, "the last ones ran"
    )
    wait_until(lambda: not queues.hlen(keys.CELERY_UNACKED), 20, "each is acknowledged")
    assert worker.poll() is None
    assert queues.hget(keys.task("odd"), "status") == "FAILURE"


def test_an_urgent_task_is_the_next_one_that_a_busy_worker_takes(worker, queues, redis_url, wait_until):
    busy(worker, queues, redis_url, wait_until, 8, seed=TAKES_SECONDS + 3)
    urgent = sent(redis_url, "high")
    before = queues.llen("medium")
    wait_until(lambda: queues.hget(keys.task(urgent), "status") == "SUCCESS", 30, "it has ended")
    assert queues.llen("medium") >= before - 2  # the other process took one beside it, or two
