"""A worker killed whole: the tasks it ran are back in their queue soon, and run elsewhere."""

import json
import re
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.attempt_numbers import (
    STEPS,
    told_by_lines,
    told_by_spans,
    told_by_the_api,
    told_by_the_journey,
    without_a_parent,
)
from tests.chaos.steps import kill_now
from tests.chaos.traffic import LONG
from tests.system.nine import Nine
from tests.system.written_spans import correlated_spans
from throughline.ledger import keys


def test_tasks_of_a_killed_worker_are_back_in_their_queue_soon_and_run_elsewhere(tmp_path: Path, wait_until):
    with (
        Nine(tmp_path / "var", API_REPLICAS="1", WORKER_REPLICAS="2") as nine,
        nine.http() as client,
        nine.redis() as redis,
    ):
        tasks = [client.post("/api/v1/tasks", json=LONG).json()["task_id"] for _ in range(8)]

        def run_by_worker_2() -> set[str]:
            told = {task: redis.hmget(keys.task(task), "status", "worker") for task in tasks}
            return {task for task, state in told.items() if state == ["STARTED", "worker-2"]}

        wait_until(run_by_worker_2, 20, "worker-2 runs some")
        kill_now(nine, "worker-2")
        killed, interrupted = time.time(), run_by_worker_2()

        def back() -> dict[str, float]:
            lines = [line for line in nine.log_lines("monitor") if line.get("event.action") == "task.put_back"]
            return {line["task_id"]: datetime.fromisoformat(line["@timestamp"]).timestamp() for line in lines}

        wait_until(lambda: interrupted <= back().keys(), 30, "the monitor has put them back")
        assert interrupted
        # Ten seconds without a heartbeat, and at most two until the next sweep; what is more is the machine's load.
        assert max(back()[task] - killed for task in interrupted) < 25
        for task in tasks:
            ended = client.get(f"/api/v1/tasks/{task}", params={"wait": 30}).json()
            assert ended["status"] == "SUCCESS"
            assert len(ended["attempts"]) == 1 + (task in interrupted)

        def told(task: str) -> list[str]:
            correlation_id = client.get(f"/api/v1/tasks/{task}").json()["correlation_id"]
            journey = client.get(f"/journeys/{correlation_id}", headers={"Accept": "application/json"}).json()
            return [step["what"] for request in journey["requests"] for step in request["steps"]]

        for task in interrupted:
            wait_until(
                lambda task=task: any("→ SUCCESS" in what for what in told(task)), 20, "its last span is written"
            )
            # It no longer has it when supervisor has it running again by then.
            lost = "ran calculate_var: (lost with worker-2|worker-2 no longer had it)"
            assert any(re.fullmatch(lost, what) for what in told(task))

            def runs(task: str = task) -> set[str]:
                spans = (span for _, span in correlated_spans(nine) if span["name"].startswith("run "))
                return {span["spanId"] for span in spans if task in json.dumps(span["attributes"])}

            wait_until(lambda runs=runs: len(runs()) == 2, 20, "each of its runs has left its span")
            the_numbers_are_alike(nine, client.get(f"/api/v1/tasks/{task}").json())


WRITERS = ("worker-1", "worker-2", "monitor")


def the_numbers_are_alike(nine: Nine, task: dict[str, Any]) -> None:
    """A run, its loss and both waits are the same, to the microsecond, wherever they are told."""
    numbers = told_by_the_api(task)
    assert [each.keys() for each in numbers] == [{*STEPS.values()}, {*STEPS.values()} - {"lost_ms"}]
    lines = [line for name in WRITERS for line in nine.log_lines(name) if line.get("task_id") == task["task_id"]]
    spans = [span for correlation_id, span in correlated_spans(nine) if correlation_id == task["correlation_id"]]
    journey = json.loads(nine.run("journey", task["correlation_id"], "--json").stdout)
    steps = [step for request in journey["requests"] for step in request["steps"]]
    for told in (told_by_lines(lines, task), told_by_spans(spans, task), told_by_the_journey(steps)):
        for attempt, expected in zip(told, numbers, strict=True):
            assert attempt == pytest.approx(expected, abs=0.002), f"{told}, not {numbers}"
    assert without_a_parent(spans) <= {"nginx"}
