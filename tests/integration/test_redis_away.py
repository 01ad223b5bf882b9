"""Redis goes away while a worker runs a task: the worker lives on, and the task comes to its end once."""

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from api.queue.queue_service import QueueService
from api.services.callers import ANYONE
from api.services.task_service import TaskService
from contracts import keys
from contracts.settings import Settings
from contracts.tasks import TaskSubmission
from observability import correlation
from tests.conftest import free_port

SECONDS_AWAY = 3
LONG = {
    "positions": [{"symbol": f"S{i}", "quantity": 1, "price": 100.0} for i in range(50)],
    "distribution": "lognormal",
    "simulations": 1_000_000,
}


class OwnRedis:
    """One that the test may stop and start again with what it had."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        program = shutil.which("redis-server") or "redis-server"
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes"]
        self._command = [program, *options, "--dir", str(folder)]
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=20)

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url, decode_responses=True, socket_timeout=2)


@pytest.fixture
def own_redis(tmp_path: Path, wait_until) -> Iterator[OwnRedis]:
    server = OwnRedis(tmp_path)
    wait_until(lambda: answers(server), 10, "Redis answers")
    yield server
    server.stop()


def answers(server: OwnRedis) -> bool:
    try:
        return bool(server.client().ping())
    except redis.RedisError:
        return False


def submit(url, data):
    async def story():
        queue = QueueService(Settings(redis_url=url))
        with correlation.bound("AWAY-1"):
            task = TaskSubmission.model_validate({"task_type": "calculate_var", "data": data})
            task_id = (await TaskService(queue).submit(task, ANYONE)).task_id
        await queue.close()
        return task_id

    return asyncio.run(story())


def test_a_worker_outlives_a_redis_that_goes_away_under_its_task(own_redis, start, wait_until):
    options = ["-A", "worker.app", "worker", "--without-gossip", "--without-mingle"]
    worker = start("celery", *options, REDIS_URL=own_redis.url, WORKER_CONCURRENCY="1")
    task_id = submit(own_redis.url, LONG)
    record = keys.task(task_id)
    wait_until(lambda: own_redis.client().hget(record, "status") == "STARTED", 60, "the task runs")

    own_redis.stop()
    with pytest.raises(subprocess.TimeoutExpired):
        worker.wait(timeout=SECONDS_AWAY)
    own_redis.start()

    wait_until(lambda: answers(own_redis), 10, "Redis is back")
    wait_until(lambda: own_redis.client().hget(record, "status") == "SUCCESS", 60, "the task has ended")
    assert own_redis.client().llen(keys.attempts(task_id)) == 1, "it was not run a second time"
    another = submit(own_redis.url, LONG | {"simulations": 1_000})
    wait_until(lambda: own_redis.client().hget(keys.task(another), "status") == "SUCCESS", 60, "it takes others")
    assert worker.poll() is None
