"""SIGTERM to a worker: short tasks end, the others are handed back; a late attempt changes nothing."""

import asyncio
import json
import time

import psutil
import pytest
import redis

from tests.integration.test_redis_stops import submit
from throughline.ledger import keys

OPTIONS = ["-A", "tests.integration.faulty_worker", "worker", "--without-gossip", "--without-mingle"]


# worker-1 with two processes, which has two seconds to stop.
SETTINGS = {"SERVICE_NODE_NAME": "worker-1", "WORKER_CONCURRENCY": "2", "WORKER_SHUTDOWN_SECONDS": "2"}


@pytest.fixture
def worker(start, broker, wait_until, tmp_path):
    """One that the test stops."""
    started = start("celery", *OPTIONS, output=tmp_path / "worker.log", **SETTINGS)  # a full pipe would block it
    wait_until(lambda: broker.zcard(keys.WORKERS), 60, "the worker is there")
    return started


@pytest.fixture(scope="module")
def log(start_for_module, queues, wait_until, tmp_path_factory):
    """Of a worker that runs on, for the last tests of this file: none asks for an empty Redis."""
    output = tmp_path_factory.mktemp("worker") / "worker.log"
    start_for_module("celery", *OPTIONS, output=output, **SETTINGS)
    wait_until(lambda: queues.zcard(keys.WORKERS), 60, "the worker is there")
    return output


@pytest.fixture
def running(redis_url, wait_until):
    """`running(30)` is the ID of a task of 30 seconds that has started."""

    def begin(seconds):
        task_id = asyncio.run(submit(redis_url, seconds))
        with redis.Redis.from_url(redis_url, decode_responses=True) as client:
            wait_until(lambda: client.hget(keys.task(task_id), "status") == "STARTED", 20, "the task runs")
        return task_id

    return begin


def attempts(broker, task_id):
    return [json.loads(attempt) for attempt in broker.lrange(keys.attempts(task_id), 0, -1)]


def test_a_worker_that_stops_finishes_short_tasks_and_hands_back_long_ones(worker, running, broker):
    long, short = running(60), running(1)
    began = time.monotonic()
    worker.terminate()
    worker.communicate(timeout=40)
    assert time.monotonic() - began < 30
    assert broker.hget(keys.task(short), "status") == "SUCCESS"
    assert broker.hget(keys.task(long), "status") == "PENDING"
    assert [json.loads(body)["headers"]["id"] for body in broker.lrange("medium", 0, -1)] == [long]
    (attempt,) = attempts(broker, long)
    assert (attempt["outcome"], attempt["ended_by"]) == ("RETRY", "handed_back")
    assert broker.hget(keys.task(long), "deliveries") == "0"  # three restarts make no dead letter
    assert broker.zcard(keys.WORKERS) == 0


def test_a_worker_whose_tasks_end_early_stops_at_once(worker, running):
    running(1)
    began = time.monotonic()
    worker.terminate()
    worker.communicate(timeout=40)
    assert (worker.returncode, time.monotonic() - began < 15) == (0, True)


def test_a_worker_that_stops_just_after_it_gave_a_task_to_a_process_waits_for_it(worker, broker, redis_url, wait_until):
    main = psutil.Process(worker.pid)
    processes, threads = main.children(), main.num_threads()
    for process in processes:
        process.suspend()
    given = asyncio.run(submit(redis_url, 0))
    wait_until(lambda: broker.hlen(keys.CELERY_UNACKED) == 1, 20, "the worker has taken the first")
    # Once it takes another one, it has given the first to a process; where the second is then may be either.
    second = asyncio.run(submit(redis_url, 0))
    wait_until(lambda: broker.hlen(keys.CELERY_UNACKED) == 2, 20, "the worker has taken the second")
    began = time.monotonic()
    worker.terminate()
    # Its stop's clock is a thread, and so is what Celery runs beside the wait for its processes.
    wait_until(lambda: main.num_threads() >= threads + 2, 20, "it waits for its processes")
    for process in processes:
        process.resume()
    worker.communicate(timeout=40)
    assert time.monotonic() - began < 15  # a process whose result nobody reads stays for 30 s
    assert broker.hget(keys.task(given), "status") == "SUCCESS"
    waits = broker.hget(keys.task(second), "status") == "PENDING"
    assert [json.loads(body)["headers"]["id"] for body in broker.lrange("medium", 0, -1)] == [second] * waits
    assert broker.hlen(keys.CELERY_UNACKED) == 0


def skipped(log, task_id):
    return [line for line in log.read_text().splitlines() if "task.skipped" in line and task_id in line]


def test_an_attempt_that_was_taken_over_cannot_store_its_result(log, running, queues, wait_until):
    task_id = running(5)
    queues.hset(keys.task(task_id), mapping={"worker": "worker-9", "process": 1, "attempt": 2})
    wait_until(lambda: queues.hlen(keys.CELERY_UNACKED) == 0, 20, "the late attempt has ended")
    assert queues.hget(keys.task(task_id), "status") == "STARTED"
    assert "process" not in json.loads(queues.get(keys.celery_result(task_id)))["result"]


def test_a_second_copy_of_a_running_tasks_message_is_not_run_beside_it(log, running, queues, wait_until):
    task_id = running(4)
    message = json.loads(queues.get(keys.message(task_id)))
    message["properties"]["delivery_tag"] = "another"
    queues.lpush("medium", json.dumps(message))
    wait_until(lambda: queues.hget(keys.task(task_id), "status") == "SUCCESS", 30, "it has ended")
    wait_until(lambda: queues.llen("medium") == queues.hlen(keys.CELERY_UNACKED) == 0, 20, "both copies are done")
    assert len(attempts(queues, task_id)) == 1


def test_a_finished_task_that_is_delivered_again_is_not_run(log, running, queues, wait_until):
    task_id = running(1)
    message = queues.get(keys.message(task_id))
    wait_until(lambda: queues.hget(keys.task(task_id), "status") == "SUCCESS", 30, "it has ended")
    queues.lpush("medium", message)
    wait_until(lambda: skipped(log, task_id), 20, "the copy was looked at")
    assert len(attempts(queues, task_id)) == 1
