"""What a fault cost: counted from the answers that clients got and from the records in Redis."""

import os
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx

from tests.chaos.faults import DISK, Fault
from tests.chaos.traffic import LONG, QUICK, Traffic
from tests.kept_tasks import kept
from tests.keys_at_rest import left_over
from tests.system.nine import Nine
from throughline.ledger import keys
from throughline.ledger.history import HistoryUnavailable
from throughline.ledger.states import Status

_SECONDS: Final = 300  # a worker that starts on a busy machine takes a minute of it, an open circuit breaker another
_UNDER_WAY: Final = 14
_JOURNEYS: Final = 12
_DELIVERIES: Final = 3
_OF_ANOTHER_REQUEST: Final = {"task.replayed"}  # which has the same Idempotency-Key and an ID of its own


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
    _until(lambda: Traffic(nine).submit(QUICK), "a task is taken: the row before may have opened the circuit breaker")
    since = datetime.now(UTC)
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
        left = left_over(redis, seconds=60, archives=True)
        assert not left, f"left in Redis after {fault.name}: {left}"
    assert not (wrong := _under_another_id(nine, since, traffic.undone)), f"lines after {fault.name}: {wrong}"
    assert not (off := _not_shown_once(nine, traffic.accepted)), f"in the list after {fault.name}: {off}"
    remembered = [task_id for task_id in traffic.accepted if task_id not in traffic.rewound]
    assert not (two := _told_in_two_ways(nine, remembered)), f"journeys after {fault.name}: {two}"
    assert not (early := _given_up_early(nine, traffic.accepted)), f"dead letters after {fault.name}: {early}"
    return _score(nine, traffic, recovery)


def _given_up_early(nine: Nine, task_ids: list[str]) -> list[str]:
    """Dead letters that have been lost fewer times than it takes."""
    records = {task_id: task.record for task_id, task in kept(nine, task_ids).items() if task.record.is_dead_letter}
    return [task_id for task_id, record in records.items() if len(record.attempts) < _DELIVERIES]


def _not_shown_once(nine: Nine, task_ids: list[str]) -> dict[str, int]:
    """How often the list of all tasks shows each of these, where that is not once."""
    shown: Counter[str] = Counter()
    query: dict[str, Any] | None = {"limit": 200}
    with nine.http() as client:
        while query:
            page = client.get("/api/v1/tasks", params=query).json()
            shown.update(task["task_id"] for task in page["tasks"])
            query = {"limit": 200, "cursor": page["next"]} if page.get("next") else None
    return {task_id: shown[task_id] for task_id in task_ids if shown[task_id] != 1}


def _told_in_two_ways(nine: Nine, task_ids: list[str]) -> list[tuple[Any, Any]]:
    """Of the tasks with the most attempts, those whose journey and record tell of other attempts or another end."""
    tasks = kept(nine, task_ids)
    most = sorted(tasks, key=lambda task_id: -len(tasks[task_id].record.attempts))[:_JOURNEYS]
    with nine.http(headers={"Accept": "application/json"}) as client:
        told = [_by_record_and_by_journey(client, task_id) for task_id in most]
    return [(record, journey) for record, journey in told if record != journey]


def _by_record_and_by_journey(client: httpx.Client, task_id: str) -> tuple[Any, Any]:
    task = client.get(f"/api/v1/tasks/{task_id}").json()
    journey = client.get(f"/journeys/{task['correlation_id']}")
    assert journey.is_success, f"the journey of {task_id}: {journey.text}"
    requests = journey.json()["requests"]
    drawn = [each for request in requests for each in request["tasks"] if each["task_id"] == task_id]
    return _attempts(task, "number", "outcome"), _attempts(drawn[0], "attempt", "status") if drawn else None


def _attempts(task: dict[str, Any], number: str, outcome: str) -> tuple[str, list[tuple[int, str, str]]]:
    return task["status"], [(each[number], each[outcome], each["worker"]) for each in task["attempts"]]


def _under_another_id(nine: Nine, since: datetime, undone: set[str]) -> list[dict[str, Any]]:
    """Lines of tasks that do not carry the correlation ID of their task, whoever wrote them."""
    lines = [line for name in nine.recorded.names if name != "redis" for line in nine.log_lines(name)]
    of_tasks = [line for line in lines if str(line.get("event.action", "")).startswith("task.") and "task_id" in line]
    of_tasks = [line for line in of_tasks if datetime.fromisoformat(line["@timestamp"]) >= since]
    of_tasks = [line for line in of_tasks if line["task_id"] not in undone]
    of_tasks = [line for line in of_tasks if line["event.action"] not in _OF_ANOTHER_REQUEST]
    tasks = kept(nine, list({line["task_id"] for line in of_tasks}))
    own = {task_id: task.record.correlation_id for task_id, task in tasks.items()}
    # Of a submission that Redis did not answer, nobody knows: its line has the ID that the task would have.
    told = [line for line in of_tasks if line["task_id"] in own or line["event.action"] != "task.rejected"]
    return [line for line in told if line.get("correlation_id") != own.get(line["task_id"])]


def _score(nine: Nine, traffic: Traffic, recovery: float) -> Score:
    records = [task.record for task in kept(nine, traffic.accepted).values()]
    ended = sum(record.status.is_final for record in records)
    stored = [sum(attempt.outcome is Status.SUCCESS for attempt in record.attempts) for record in records]
    return Score(
        traffic.submitted,
        len(traffic.accepted),
        traffic.failed,
        lost=len(traffic.accepted) - ended,
        run_twice=sum(len(record.attempts) > 1 for record in records),
        stored_twice=sum(times > 1 for times in stored),
        dead_letters=sum(record.is_dead_letter for record in records),
        recovery_seconds=recovery,
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
    return task_id is not None and _all_ended(nine, [task_id], seconds=5)


def _all_ended(nine: Nine, task_ids: list[str], seconds: float = 0) -> bool:
    deadline = time.monotonic() + seconds
    while True:
        if len(tasks := kept(nine, task_ids)) == len(set(task_ids)) and all(
            task.record.status.is_final for task in tasks.values()
        ):
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
        except HistoryUnavailable:
            pass
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
    with _small_disk(var_dir / "redis") if fault is DISK else _any_disk(), Nine(var_dir, **fault.environment) as nine:
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
