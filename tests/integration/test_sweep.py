"""The sweep on a real Redis: it puts back tasks that are nowhere, leaves all others, and may run twice at once."""

import asyncio
import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis.asyncio import Redis

from api.queue_service import QueueService
from api.services.callers import ANYONE
from api.services.task_service import TaskService
from api.submission import TaskSubmission
from monitor.sweep import Sweep
from throughline.ledger import keys
from throughline.settings import ApiSettings
from throughline.telemetry import correlation

TASK = {"task_type": "calculate_var", "data": {"positions": [{"symbol": "A", "quantity": 1, "price": 1.0}]}}


@pytest.fixture
def sweep(redis_url, broker):
    """Sweeps once; a task is missing when it is missed twice."""

    def once():
        async def swept():
            async with Redis.from_url(redis_url, decode_responses=True) as redis:
                return [
                    (one.kind, one.task_id or one.worker, one.reason) for one in await Sweep(redis, missing_seconds=0)()
                ]

        return asyncio.run(swept())

    broker.hset(keys.SWEEP, mapping={"last": time.time(), "grace_until": 0})
    return once


@pytest.fixture
def task_id(redis_url, broker):
    """A task that was submitted a minute ago."""

    async def submitted():
        queue = QueueService(ApiSettings(redis_url=redis_url))
        with correlation.bound("SWEEP-1"):
            task = await TaskService(queue).submit(TaskSubmission.model_validate(TASK), ANYONE)
        await queue.close()
        return task.task_id

    found = asyncio.run(submitted())
    broker.zadd(keys.OPEN, {found: time.time() - 60})
    return found


def started_by(broker, task_id, worker, beat_ago, holds):
    """As the worker's claim and its heartbeat write it."""
    broker.rpop("medium")
    now = time.time()
    broker.hset(keys.task(task_id), mapping={"status": "STARTED", "worker": worker, "process": 7, "attempt": 1})
    broker.rpush(keys.attempts(task_id), json.dumps({"worker": worker, "process": 7, "started_at": str(now - 50)}))
    broker.zadd(keys.WORKERS, {worker: now - beat_ago})
    broker.hset(keys.WORKER_TASKS, worker, task_id if holds else "")


def test_what_waits_in_its_queue_stays_there(sweep, broker, task_id):
    assert sweep() == sweep() == []
    assert broker.llen("medium") == 1


def test_a_message_that_was_given_back_by_celery_is_recognised_in_its_queue(sweep, broker, task_id):
    message = json.loads(broker.rpop("medium"))
    broker.lpush("medium", json.dumps(message))  # spaces between its words
    assert sweep() == sweep() == []


def test_a_task_that_is_nowhere_is_put_back_at_the_second_sweep(sweep, broker, task_id):
    message = broker.rpop("medium")
    assert sweep() == []
    assert sweep() == [("put_back", task_id, "lost_on_the_way")]
    assert broker.lrange("medium", 0, -1) == [message]
    assert sweep() == []


def test_a_task_of_a_dead_worker_is_put_back_at_once_and_its_attempt_has_the_cause(sweep, broker, task_id):
    started_by(broker, task_id, "worker-2", beat_ago=20, holds=True)
    tag = json.loads(broker.get(keys.message(task_id)))["properties"]["delivery_tag"]
    broker.hset(keys.CELERY_UNACKED, tag, "[]")
    assert sweep() == [("died", "worker-2", None), ("put_back", task_id, "lost_worker")]
    (attempt,) = map(json.loads, broker.lrange(keys.attempts(task_id), 0, -1))
    assert (attempt["outcome"], attempt["ended_by"]) == ("RETRY", "lost_worker")
    assert broker.hget(keys.task(task_id), "attempt") is None  # the late attempt's number opens nothing any more
    assert broker.hlen(keys.CELERY_UNACKED) == 0  # it is not delivered a second time from there


def test_a_running_task_of_a_live_worker_is_never_put_back_however_long_it_runs(sweep, broker, task_id):
    started_by(broker, task_id, "worker-2", beat_ago=1, holds=True)
    broker.hset(keys.task(task_id), "started_at", time.time() - 86_400)
    assert sweep() == sweep() == []
    assert broker.llen("medium") == 0


def test_a_task_that_its_live_worker_no_longer_lists_is_put_back_at_the_second_sweep(sweep, broker, task_id):
    started_by(broker, task_id, "worker-2", beat_ago=1, holds=False)
    assert sweep() == []
    assert sweep() == [("put_back", task_id, "lost_within")]


def test_after_an_outage_of_redis_every_worker_has_time_for_a_heartbeat(sweep, broker, task_id):
    started_by(broker, task_id, "worker-2", beat_ago=40, holds=True)
    broker.hset(keys.SWEEP, "last", time.time() - 40)
    assert sweep() == sweep() == []
    broker.hset(keys.SWEEP, "grace_until", 0)
    assert [kind for kind, *_ in sweep()] == ["died", "put_back"]


def test_of_two_monitors_at_once_one_puts_the_task_back(sweep, broker, task_id):
    started_by(broker, task_id, "worker-2", beat_ago=20, holds=True)
    with ThreadPoolExecutor(8) as monitors:
        found = [line for lines in monitors.map(lambda _: sweep(), range(16)) for line in lines]
    assert found == [("died", "worker-2", None), ("put_back", task_id, "lost_worker")]
    assert broker.llen("medium") == 1


def test_a_retry_is_enqueued_when_it_is_due_and_not_before(sweep, broker, task_id):
    broker.rpop("medium")
    broker.hset(keys.task(task_id), "status", "RETRY")
    broker.zadd(keys.DELAYED, {task_id: time.time() + 60})
    assert sweep() == sweep() == []
    broker.zadd(keys.DELAYED, {task_id: time.time() - 1})
    assert sweep() == [("due", task_id, "due")]
    assert (broker.llen("medium"), broker.hget(keys.task(task_id), "status")) == (1, "PENDING")


def test_a_worker_that_takes_no_task_while_tasks_wait_is_reported_once(sweep, broker, task_id):
    broker.zadd(keys.WORKERS, {"worker-3": time.time() + 60})
    assert sweep() == []
    broker.hset(keys.SWEEP, "idle:worker-3", time.time() - 16)
    assert sweep() == [("stalled", "worker-3", None)]
    assert sweep() == []
    broker.rpop("medium")
    broker.hset(keys.WORKER_TASKS, "worker-3", task_id)
    sweep()
    assert broker.hget(keys.SWEEP, "idle:worker-3") is None


def test_a_finished_task_leaves_the_index(sweep, broker, task_id):
    broker.rpop("medium")
    broker.hset(keys.task(task_id), "status", "SUCCESS")
    assert sweep() == sweep() == []
    assert broker.zcard(keys.OPEN) == 0
