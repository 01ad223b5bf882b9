"""Redis stops while a task runs, with the pinned Celery and kombu: the worker lives, and the task has one result."""

import asyncio
import os
import signal
import subprocess

import pytest

from api.queue_service import QueueService
from api.services.callers import ANYONE
from api.services.task_service import TaskService
from api.submission import TaskSubmission
from tests.integration.faulty_worker import TAKES_SECONDS
from throughline.ledger import keys
from throughline.ledger.deaths import Death
from throughline.settings import ApiSettings
from throughline.telemetry import correlation


async def submit(url, seconds):
    """A task of so many seconds."""
    return await submit_seed(url, TAKES_SECONDS + seconds)


async def submit_seed(url, seed):
    (task_id,) = await submit_seeds(url, seed, 1)
    return task_id


async def submit_seeds(url, seed, count):
    queue = QueueService(ApiSettings(redis_url=url))
    data = {"positions": [{"symbol": "A", "quantity": 1, "price": 1.0}], "seed": seed}
    with correlation.bound("STOPS-1"):
        task = TaskSubmission.model_validate({"task_type": "calculate_var", "data": data})
        task_ids = [(await TaskService(queue).submit(task, ANYONE)).task_id for _ in range(count)]
    await queue.close()
    return task_ids


def stop_redis_while_a_task_runs(stoppable, start, wait_until, module):
    """The worker, and the ID of the task."""
    options = ["-A", module, "worker", "--without-gossip", "--without-mingle"]
    # Two processes, one of them free: the fault shows only in a worker that still waits for messages.
    own = {"WORKER_CONCURRENCY": "2", "WORKER_SHUTDOWN_SECONDS": "1"}
    worker = start("celery", *options, REDIS_URL=stoppable.url, **own)
    wait_until(lambda: stoppable.client.zcard(keys.WORKERS), 60, "the worker is there")
    task_id = asyncio.run(submit(stoppable.url, 4))
    record = keys.task(task_id)
    wait_until(lambda: stoppable.client.hget(record, "status") == "STARTED", 20, "the task runs")
    stoppable.stop()
    with pytest.raises(subprocess.TimeoutExpired):
        worker.wait(timeout=2)  # however it ends, it ends after its task
    stoppable.start()
    return worker, task_id


def test_a_worker_survives_redis_stopping_while_its_task_runs(stoppable, start, wait_until):
    worker, task_id = stop_redis_while_a_task_runs(stoppable, start, wait_until, "tests.integration.faulty_worker")
    record = keys.task(task_id)
    wait_until(lambda: stoppable.client.hget(record, "status") == "SUCCESS", 60, "the task has its result")
    next_id = asyncio.run(submit(stoppable.url, 0))
    wait_until(lambda: stoppable.client.hget(keys.task(next_id), "status") == "SUCCESS", 60, "the worker takes on")
    assert worker.poll() is None
    assert stoppable.client.llen(keys.attempts(task_id)) == 1


def test_a_process_that_is_killed_after_redis_was_away_is_a_death_with_its_task(stoppable, start, wait_until):
    stop_redis_while_a_task_runs(stoppable, start, wait_until, "tests.integration.faulty_worker")
    task_id = asyncio.run(submit(stoppable.url, 20))
    client, record = stoppable.client, keys.task(task_id)
    wait_until(lambda: client.hget(record, "status") == "STARTED", 60, "the worker takes on")
    process = int(client.hget(record, "process"))

    os.kill(process, signal.SIGKILL)

    wait_until(lambda: client.llen(keys.DEATHS), 30, "the death is told")
    death = Death.parse(client.lindex(keys.DEATHS, 0))
    assert (death.process, death.code, death.detail) == (process, "signal", 9)
    assert [task.task_id for task in death.tasks] == [task_id]


def test_a_worker_without_the_repair_ends(stoppable, start, wait_until):
    """When this fails after an upgrade of Celery or kombu, worker/patches/connection_loss.py can go."""
    worker, _ = stop_redis_while_a_task_runs(stoppable, start, wait_until, "tests.integration.unguarded_worker")
    worker.communicate(timeout=60)
    assert worker.returncode != 0
