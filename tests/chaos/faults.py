"""The faults: each breaks something of the running nine and mends it again."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import httpx
from redis.exceptions import OutOfMemoryError

from tests.chaos.steps import Step, freeze, kill, kill_now, stop, wait
from tests.chaos.traffic import QUICK, Traffic
from tests.conftest import free_port
from tests.history_away import taken_away
from tests.integration import faulty_worker
from tests.system.nine import ROOT, Nine
from tests.system.simultaneous_posts import post_at_once
from throughline.ledger import keys

_MEGABYTE: Final = 1024 * 1024


@dataclass(frozen=True)
class Fault:
    """`breaks` breaks something while twelve long tasks run, and mends it unless that happens by itself."""

    name: str
    breaks: Step
    long_tasks: int = 12
    dead_letters: int | None = 0  # accepted tasks that are meant to end as such; None: chance decides
    environment: dict[str, str] = field(default_factory=dict)


def _kill_a_process(nine: Nine, _: Traffic) -> None:
    """One that runs a task."""
    with nine.redis() as redis:
        for key in redis.scan_iter("tl:task:????????-*", 500):
            if redis.type(key) != "hash":
                continue
            status, worker, process = redis.hmget(key, "status", "worker", "process")
            if status == "STARTED" and worker == "worker-2":
                os.kill(int(str(process)), signal.SIGKILL)
                return
    raise AssertionError("worker-2 runs no task")


def _freeze_a_replica(nine: Nine, traffic: Traffic) -> None:
    """NGINX goes on sending it some requests. What it answers with a 504 is not accepted once the replica goes on."""
    freeze(48, "fastapi-2")(nine, traffic)
    with nine.http() as client:
        wait(lambda: client.get(_replica_url(nine, "fastapi-2")).is_success, "the replica answers again")
        for correlation_id in list(traffic.timed_out):
            found = client.get("/api/v1/tasks", params={"correlation_id": correlation_id}).json()
            assert not found["tasks"], f"accepted after its client was told 504: {found}"


def _replica_url(nine: Nine, name: str) -> str:
    return f"http://127.0.0.1:{nine.recorded.ports[name]}/health/live"


def _herd(nine: Nine, traffic: Traffic) -> None:
    answers = post_at_once([nine.base_url], 1000, QUICK)
    traffic.submitted += len(answers)
    traffic.failed += sum(answer.status != 201 for answer in answers)
    traffic.accepted += [answer.body["task_id"] for answer in answers if answer.status == 201]


@contextmanager
def _second_monitor(nine: Nine) -> Iterator[None]:
    environment = nine.environment | {"REDIS_URL": nine.redis_url, "MONITOR_PORT": str(free_port())}
    command = [sys.executable, "-m", "monitor"]
    with subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL) as monitor:
        try:
            yield
        finally:
            monitor.terminate()


def _two_monitors(nine: Nine, _: Traffic) -> None:
    with _second_monitor(nine):
        kill_now(nine, "worker-2")
        time.sleep(22)


def _poison(nine: Nine, traffic: Traffic) -> None:
    """A worker that does what the data says takes the workers' place: a poison task among good ones."""
    workers = nine.recorded.workers
    assert nine.run("stop", *workers).returncode == 0
    data = {"positions": [{"symbol": "A", "quantity": 1, "price": 1.0}], "seed": faulty_worker.KILLS_ITS_PROCESS}
    poison = traffic.submit(QUICK | {"data": data})
    environment = nine.environment | {"REDIS_URL": nine.redis_url, "SERVICE_NODE_NAME": "worker-1"}
    options = ["-A", "tests.integration.faulty_worker", "worker", "--without-gossip", "--without-mingle"]
    command = [sys.executable, "-m", "celery", *options]
    with subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL) as faulty:
        try:
            deadline = time.monotonic() + 60
            with nine.redis() as redis:
                while redis.zscore("tl:dead-letters", str(poison)) is None and time.monotonic() < deadline:
                    time.sleep(0.1)
        finally:
            faulty.terminate()
    assert nine.run("start", *workers).returncode == 0


def _fill_the_disk(nine: Nine, _: Traffic) -> None:
    """Redis's folder is a small file system of its own, which another file fills for ten seconds."""
    filler = nine.var_dir / "redis" / "filler"
    try:
        with filler.open("wb") as file:
            while True:
                file.write(b"\0" * 4096)
                file.flush()
    except OSError:
        time.sleep(10)
    finally:
        filler.unlink(missing_ok=True)


def _full_of_tasks(nine: Nine, traffic: Traffic) -> None:
    """Redis's memory is made so small that a few dozen larger tasks use up what is not reserved."""
    with _memory(nine, lambda used: int((used + 2 * _MEGABYTE) / 0.8)):
        for _ in range(200):
            if traffic.codes["MEMORY_FULL"]:
                break
            symbols = [random.randbytes(12).hex() for _ in range(3_000)]  # what does not repeat is not compressed
            positions = [{"symbol": symbol, "quantity": 1, "price": 1.0} for symbol in symbols]
            traffic.submit({"task_type": "calculate_var", "data": {"positions": positions, "simulations": 1_000}})
        _refused_for_memory(nine, traffic)


def _full_of_strangers_keys(nine: Nine, traffic: Traffic) -> None:
    """Somebody else fills Redis whole: the reserve too."""
    with _memory(nine, lambda used: used + 8 * _MEGABYTE), nine.redis() as redis:
        written = 0
        with suppress(OutOfMemoryError):
            while True:
                redis.set(f"stranger-{written}", random.randbytes(10_000))
                written += 1
        _refused_for_memory(nine, traffic)
        redis.delete(*(f"stranger-{number}" for number in range(written)))


def _refused_for_memory(nine: Nine, traffic: Traffic) -> None:
    """For eight seconds. Clients are told why, nothing is answered with a 500, and no process ends meanwhile."""
    pids = nine.pids()
    traffic.codes.clear()
    time.sleep(8)
    assert traffic.codes["MEMORY_FULL"], traffic.codes
    assert set(traffic.codes) <= {"MEMORY_FULL", "CIRCUIT_OPEN"}, traffic.codes
    assert nine.pids() == pids


@contextmanager
def _memory(nine: Nine, limit: Callable[[int], int]) -> Iterator[None]:
    """Redis's maxmemory, from what it uses now."""
    with nine.redis() as redis:
        before = redis.config_get("maxmemory")["maxmemory"]
        redis.config_set("maxmemory", limit(redis.info("memory")["used_memory"]))
        try:
            yield
        finally:
            redis.config_set("maxmemory", before)


def _take_the_history_away(nine: Nine, traffic: Traffic) -> None:
    """For 30 s. What it alone has is refused within a second, by its name; everything else goes on."""
    moved = traffic.submit(QUICK)
    with nine.http() as client, nine.redis() as redis:
        wait(lambda: not redis.exists(keys.task(str(moved))), "the history alone has a task")
        assert client.get(f"/api/v1/tasks/{moved}").status_code == 200
        with taken_away(nine.var_dir / "history.sqlite"):
            mended = time.monotonic() + 30
            while time.monotonic() < mended:
                begun = time.monotonic()
                answer = client.get(f"/api/v1/tasks/{moved}")
                assert (answer.status_code, answer.json().get("code")) == (503, "HISTORY_UNAVAILABLE"), answer.text
                assert time.monotonic() - begun < 3, "a second, and room for a busy machine"
                here = traffic.submit(QUICK)
                assert here, "tasks are accepted all the time"
                wait(partial(_has_succeeded, client, here), "a task runs and is answered")
                time.sleep(1)
        wait(lambda: not redis.exists(keys.ENDED), "all that ended meanwhile is in the history")


def _has_succeeded(client: httpx.Client, task_id: str) -> bool:
    return bool(client.get(f"/api/v1/tasks/{task_id}", params={"wait": 5}).json()["status"] == "SUCCESS")


WORKER_PROCESS: Final = Fault("a worker process is killed", _kill_a_process)
WORKER: Final = Fault("worker-2 is killed whole, four tasks running", kill("worker-2"))
FULL_OF_TASKS: Final = Fault("Redis's memory is full of our own tasks for 8 s", _full_of_tasks)
FULL_OF_STRANGERS_KEYS: Final = Fault(
    "Redis's memory is full of a stranger's keys, the reserve too, for 8 s", _full_of_strangers_keys
)
REDIS_KILLED: Final = Fault("Redis is killed (`kill -9`)", kill("redis"))
DISK: Final = Fault("Redis's disk is full for 10 s", _fill_the_disk)
HISTORY: Final = Fault("the history is away for 30 s", _take_the_history_away, environment={"HOT_SECONDS": "1"})
ALL: Final = [
    WORKER_PROCESS,
    WORKER,
    # Longer than its heartbeat counts: its tasks are given to others, and its late results must not be stored.
    Fault("worker-2 is frozen for 18 s", freeze(18, "worker-2")),
    Fault("a replica is killed", kill("fastapi-2")),
    Fault("a replica is frozen for 48 s", _freeze_a_replica),
    Fault("Redis stops for 3 s", stop(3, "redis")),
    Fault("Redis stops for 30 s", stop(30, "redis")),
    Fault("Redis is frozen for 20 s", freeze(20, "redis")),
    REDIS_KILLED,
    Fault("NGINX stops for 5 s", stop(5, "nginx")),
    Fault("1,000 simultaneous requests", _herd),
    Fault("a poison task", _poison, long_tasks=0, dead_letters=1),
    Fault("worker-2 is killed, two monitors", _two_monitors),
    DISK,
    FULL_OF_TASKS,
    FULL_OF_STRANGERS_KEYS,
    HISTORY,
]
