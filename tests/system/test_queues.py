"""The queues: strict order of priority, nothing lost when Redis is killed, and a monitor that reports on them."""

import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from prometheus_client.parser import text_string_to_metric_families

from tests.system.nine import Nine

POSITIONS = {"positions": [{"symbol": "AAPL", "quantity": 100, "price": 150.0}]}
Wait = Callable[..., Any]


def submit(nine: Nine, priority: str, number: int) -> list[str]:
    task = {"task_type": "calculate_var", "data": POSITIONS, "priority": priority}
    with nine.http() as client:
        return [client.post("/api/v1/tasks", json=task).json()["task_id"] for _ in range(number)]


def read(nine: Nine, task_ids: list[str]) -> list[dict[str, Any]]:
    with nine.http() as client:
        return [client.get(f"/api/v1/tasks/{task_id}").json() for task_id in task_ids]


def all_succeed(nine: Nine, task_ids: list[str]) -> bool:
    return all(task["status"] == "SUCCESS" for task in read(nine, task_ids))


def test_the_error_of_estimated_starts_is_a_metric(nine: Nine, wait_until: Wait):
    def promises() -> float:
        with nine.http() as client:
            families = text_string_to_metric_families(client.get("/metrics").text)
        return sum(s.value for family in families for s in family.samples if s.name == "throughline_promises_total")

    before = promises()
    with nine.http() as client:
        answer = client.post("/api/v1/tasks", json={"task_type": "calculate_var", "data": POSITIONS})
    assert answer.json()["estimated_start"], "workers are alive and idle: it starts now"
    wait_until(lambda: all_succeed(nine, [answer.json()["task_id"]]), 30, "it has run")

    wait_until(lambda: promises() > before, 20, "the next sample has counted it")


def test_the_monitor_samples_every_five_seconds(nine: Nine, wait_until: Wait):
    def times() -> list[str]:
        lines = nine.log_lines("monitor")
        return [line["@timestamp"] for line in lines if line.get("event.action") == "queue.sampled"]

    before = len(times())
    wait_until(lambda: len(times()) >= before + 2, 20, "two more samples")


@pytest.fixture(scope="module")
def waiting(nine: Nine, wait_until: Wait) -> Iterator[list[str]]:
    """While no worker runs, for the last tests of this file: what they have submitted. In the end all of it has run."""
    assert nine.run("stop", *nine.recorded.workers).returncode == 0
    task_ids: list[str] = []
    yield task_ids
    assert nine.run("start", *nine.recorded.workers).returncode == 0
    wait_until(lambda: all_succeed(nine, task_ids), 60, "all that waited has run")


def test_the_monitor_reports_what_waits_in_its_log_and_to_prometheus(nine: Nine, waiting: list[str], wait_until: Wait):
    waiting += submit(nine, "low", 3) + submit(nine, "high", 2)

    def sampled() -> Any:
        lines = [line for line in nine.log_lines("monitor") if line.get("event.action") == "queue.sampled"]
        last = lines[-1]
        return last if (last["queue.depth.low"], last["queue.depth.high"]) == (3, 2) else None

    line = wait_until(sampled, 20, "a sample shows the five that wait")
    with nine.http() as client:
        text = client.get("/metrics").text

    assert line["queue.depth.total"] == 5
    assert line["queue.depth.medium"] == 0
    assert line["queue.oldest_age_seconds"] > 0
    assert line["tasks.in_flight"] == 0
    assert line["circuit.state"] == "closed"
    metrics = {
        (sample.name, sample.labels.get("queue") or sample.labels.get("state")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert metrics["throughline_queue_depth", "low"] == 3
    assert metrics["throughline_queue_depth", "high"] == 2
    assert metrics["throughline_queue_oldest_age_seconds", "low"] > 0
    assert metrics["throughline_circuit_state", "closed"] == 1
    assert ("throughline_workers_alive", None) in metrics
    assert metrics["throughline_workers_expected", None] == len(nine.recorded.workers)
    assert ("throughline_tasks_in_flight", None) in metrics


def test_waiting_tasks_survive_a_redis_that_is_killed(nine: Nine, waiting: list[str], wait_until: Wait):
    waiting += submit(nine, "medium", 20)
    pid = nine.pids()["redis"]
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: nine.pids()["redis"] not in {None, pid}, 20, "Redis runs again")
    with nine.redis() as client:
        wait_until(lambda: _answers(client), 20, "Redis has read its file")
        assert client.llen("medium") == 20


def test_tasks_sent_low_medium_high_run_high_first_then_medium_then_low(
    nine: Nine, waiting: list[str], wait_until: Wait
):
    sent = {priority: submit(nine, priority, 10) for priority in ("low", "medium", "high")}
    # One worker: with twelve processes, two tasks that are taken at nearly the same time may start in either order.
    assert nine.run("start", "worker-1").returncode == 0
    everything = [task_id for ids in sent.values() for task_id in ids]
    waiting += everything
    wait_until(lambda: all_succeed(nine, waiting), 60, "all have run")

    lines = [line for line in nine.log_lines("worker-1") if line.get("event.action") == "task.received"]
    taken = [line["queue"] for line in lines if line["task_id"] in everything]
    assert taken == ["high"] * 10 + ["medium"] * 10 + ["low"] * 10


def _answers(client: Any) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:  # away, or still reading its file
        return False
