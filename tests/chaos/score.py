"""What a fault cost: counted from the answers that clients got and from the records in Redis."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.chaos.faults import DISK, Fault
from tests.chaos.traffic import LONG, QUICK, Traffic
from tests.keys_at_rest import left_over
from tests.system.nine import Nine
from throughline.ledger import keys
from throughline.ledger.states import Status

_SECONDS: Final = 120
_UNDER_WAY: Final = 14


@dataclass(frozen=True)
class Score:
    """One run of one fault."""

    submitted: int
    accepted: int
    failed: int
    lost: int
    run_twice: int
    stored_twice: int
    dead_letters: int
    recovery_seconds: float


def suffer(nine: Nine, fault: Fault) -> Score:
    """Breaks it while tasks run and requests arrive; returns when everything has ended, or after the deadline."""
    with Traffic(nine) as traffic:
        if fault.long_tasks:
            long = [traffic.submit(LONG) for _ in range(fault.long_tasks)]
            _until(lambda: _worker_2_is_full(nine, traffic, long), "worker-2 runs four tasks")
        began = time.monotonic()
        fault.breaks(nine, traffic)
        interrupted = list(traffic.accepted)
        _until(lambda: _is_taken_and_run(nine, traffic), "a new task is taken and run")
        _until(lambda: _all_ended(nine, interrupted), "what was accepted before has ended", fail=False)
        recovery = time.monotonic() - began
    _until(lambda: _all_ended(nine, traffic.accepted), "everything that was accepted has ended", fail=False)
    _until(lambda: nine.run("status").returncode == 0, "all nine are healthy")
    with nine.redis() as redis:
        assert not (left := left_over(redis, seconds=30)), f"left in Redis after {fault.name}: {left}"
        assert not (wrong := _under_another_id(nine, redis)), f"lines after {fault.name}: {wrong}"
    return _score(nine, traffic, recovery)


def _under_another_id(nine: Nine, redis: Any) -> list[dict[str, Any]]:
    """Lines of tasks that do not carry the correlation ID of their task, whoever wrote them."""
    lines = [line for name in nine.recorded.names if name != "redis" for line in nine.log_lines(name)]
    of_tasks = [line for line in lines if str(line.get("event.action", "")).startswith("task.") and "task_id" in line]
    with redis.pipeline(transaction=False) as pipe:
        for line in of_tasks:
            pipe.hget(keys.task(line["task_id"]), "correlation_id")
        return [line for line, own in zip(of_tasks, pipe.execute(), strict=True) if line.get("correlation_id") != own]


def _score(nine: Nine, traffic: Traffic, recovery: float) -> Score:
    lost = run_twice = stored_twice = dead = 0
    with nine.redis() as redis:
        for task_id in traffic.accepted:
            status = redis.hget(keys.task(task_id), "status")
            attempts = [json.loads(attempt) for attempt in redis.lrange(keys.attempts(task_id), 0, -1)]
            dead += redis.zscore(keys.DEAD_LETTERS, task_id) is not None
            lost += status not in {Status.SUCCESS, Status.FAILURE}
            run_twice += len(attempts) > 1
            stored_twice += sum(attempt.get("outcome") == Status.SUCCESS for attempt in attempts) > 1
    return Score(
        traffic.submitted,
        len(traffic.accepted),
        traffic.failed,
        lost,
        run_twice,
        stored_twice,
        dead,
        recovery,
    )


def _worker_2_is_full(nine: Nine, traffic: Traffic, long: list[str | None]) -> bool:
    """Who takes which task is chance: as long as it is not so, there are more of them than processes."""
    with nine.redis() as redis, redis.pipeline(transaction=False) as pipe:
        for task_id in filter(None, long):
            pipe.hmget(keys.task(task_id), "status", "worker")
        found = pipe.execute()
    if sum(status == Status.STARTED and worker == "worker-2" for status, worker in found) >= 4:
        return True
    under_way = sum(status in {Status.PENDING, Status.STARTED} for status, _ in found)
    long += [traffic.submit(LONG) for _ in range(_UNDER_WAY - under_way)]
    return False


def _is_taken_and_run(nine: Nine, traffic: Traffic) -> bool:
    task_id = traffic.submit(QUICK)
    return task_id is not None and _all_ended(nine, [task_id], seconds=1)


def _all_ended(nine: Nine, task_ids: list[str], seconds: float = 0) -> bool:
    deadline = time.monotonic() + seconds
    while True:
        with nine.redis() as redis, redis.pipeline(transaction=False) as pipe:
            for task_id in task_ids:
                pipe.hget(keys.task(task_id), "status")
            states = pipe.execute()
        if all(state and Status(state).is_final for state in states):
            return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.05)


def _until(condition, what: str, *, fail: bool = True) -> None:
    deadline = time.monotonic() + _SECONDS
    while True:
        try:
            if condition():
                return
        except OSError:
            pass  # Redis is away
        except Exception as error:
            if "redis" not in type(error).__module__:
                raise
        if time.monotonic() > deadline:
            if fail:
                raise AssertionError(f"After {_SECONDS} s still not so: {what}")
            return
        time.sleep(0.1)


@contextmanager
def nine_for(fault: Fault, var_dir: Path) -> Iterator[Nine]:
    """All nine, healthy; for a full disk, with Redis's folder on a file system of 24 MB."""
    with _small_disk(var_dir / "redis") if fault is DISK else _any_disk(), Nine(var_dir) as nine:
        yield nine


def can_make_small_disks() -> bool:
    return os.name == "posix" and os.geteuid() == 0 and Path("/proc/mounts").exists()


@contextmanager
def _any_disk() -> Iterator[None]:
    yield


@contextmanager
def _small_disk(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, mode=0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m,mode=700", "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)
