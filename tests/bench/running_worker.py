"""One worker of a bench, on a Redis of its own: it is given messages, and told how long it took and what it cost."""

import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

import orjson
import psutil
from celery import Celery
from redis import Redis

from tests.bench.api_server import empty_redis
from throughline.ledger import keys
from throughline.ledger.envelope import Origin
from throughline.ledger.message import Queue
from throughline.ledger.scripts import Ledger, submit
from throughline.ledger.submission import Limits, Submission

_LIMITS: Final = Limits(10**8, 10**8, 60, 604_800, 300, 80)
_FILLED: Final = cast("Queue", "filled")  # a list that no worker looks into, until it takes a queue's place
_LATEST: Final = 20


class Contender(NamedTuple):
    name: str
    module: str
    environment: dict[str, str]
    is_ours: bool = False


class Drain(NamedTuple):
    """What it took to work off a queue that was full before the worker looked into it; all but the first a task."""

    per_second: float
    cpu_ms: float  # of the main process and of those that run tasks
    trips: float  # how often Redis read from a connection
    commands: float  # as Redis counts them: those inside scripts too
    redis_ms: float  # CPU time of Redis


class Worker:
    """A running worker of two processes."""

    def __init__(self, contender: Contender, redis: "Redis", program: psutil.Process, server: psutil.Process) -> None:
        self._is_ours, self.redis, self._program, self._server = contender.is_ours, redis, program, server
        self._ledger = Ledger(redis)
        self._celery = Celery(broker=_url(redis))

    def drain(self, task: str, data: Any, tasks: int) -> Drain:
        latest = self._fill(_FILLED, task, data, tasks)[-_LATEST:]
        self.redis.config_resetstat()
        cpu, redis_cpu, began = self._cpu_seconds(), _own_cpu(self._server), time.perf_counter()
        self.redis.rename(_FILLED, Queue.MEDIUM)
        looks = self._await(latest)
        seconds, cpu = time.perf_counter() - began, self._cpu_seconds() - cpu
        redis_cpu = _own_cpu(self._server) - redis_cpu
        stats = self.redis.info("everything")
        commands = sum(one["calls"] for name, one in stats.items() if name.startswith("cmdstat_")) - looks
        trips = stats["total_reads_processed"] - looks
        return Drain(tasks / seconds, cpu * 1000 / tasks, trips / tasks, commands / tasks, redis_cpu * 1000 / tasks)

    def pick_up(self, times: int) -> list[float]:
        """Milliseconds from before the push to the start of the task's function, in a worker that is idle."""
        found = []
        for _ in range(times):
            time.sleep(0.01)
            (task_id,) = self._fill(_FILLED, "noop", {}, 1)
            began = time.time()
            self.redis.rpoplpush(_FILLED, Queue.MEDIUM)
            self._await([task_id])
            found.append((self._told(task_id)["result"]["began"] - began) * 1000)
        return found

    def _fill(self, queue: Queue, task: str, data: Any, tasks: int) -> list[str]:
        """The IDs of so many new tasks."""
        if not self._is_ours:
            return [self._celery.send_task(task, [data], queue=str(queue)).id for _ in range(tasks)]
        ids = [str(uuid.uuid4()) for _ in range(tasks)]
        for task_id in ids:
            origin = Origin(f"BENCH-{task_id}", f"00-{uuid.uuid4().hex}-{uuid.uuid4().hex[:16]}-01")
            submission = Submission.of(task_id, task, data, Queue.MEDIUM, origin)
            self._ledger(submit(submission._replace(queue=queue), _LIMITS))
        return ids

    def _await(self, task_ids: Sequence[str]) -> int:
        """How often it had to look until all of them had succeeded."""
        deadline, looks = time.monotonic() + 30, 1
        while not all(told and b'"SUCCESS"' in told for told in self.redis.mget(map(keys.celery_result, task_ids))):
            if time.monotonic() > deadline:
                sys.exit(f"after 30 s the worker has not run {task_ids}")
            time.sleep(0.005)
            looks += 1
        return looks

    def _told(self, task_id: str) -> dict[str, Any]:
        told: dict[str, Any] = orjson.loads(cast("bytes", self.redis.get(keys.celery_result(task_id))))
        return told

    def _cpu_seconds(self) -> float:
        """Of the main process, of the processes that are there and of those that it has replaced."""
        main = self._program.cpu_times()
        replaced = main.children_user + main.children_system
        return _own_cpu(self._program) + replaced + sum(map(_own_cpu, self._program.children()))


@contextmanager
def running(contender: Contender, modules: str, queues: Iterable[Queue] = Queue) -> Iterator[Worker]:
    """Its log lines and spans go to files."""
    with empty_redis() as url, tempfile.TemporaryDirectory() as folder, Path(folder, "log").open("wb") as log:
        command = [sys.executable, "-m", "celery", "-A", contender.module, "worker", "-Q", ",".join(queues)]
        own = {"REDIS_URL": url, "SPANS_DIR": folder, "VAR_DIR": folder, "TASK_MODULES": modules}
        program = subprocess.Popen(
            [*command, "--concurrency", "2", "--without-gossip", "--without-mingle"],
            env=os.environ | own | contender.environment,
            stdout=log,
            stderr=log,
        )
        try:
            with Redis.from_url(url) as redis:
                server = psutil.Process(redis.info("server")["process_id"])
                worker = Worker(contender, redis, psutil.Process(program.pid), server)
                worker.drain("noop", {}, 100)  # warms up
                yield worker
        finally:
            program.terminate()
            program.wait(timeout=60)


def _own_cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _url(redis: "Redis") -> str:
    where = redis.get_connection_kwargs()
    return f"redis://{where['host']}:{where['port']}/{where['db']}"
