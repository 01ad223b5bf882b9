"""Hosts whose clocks differ: NGINX, a replica, a monitor and two workers, each with its own clock, tell one story."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import faketime, lone_nginx, plain_http
from tests.conftest import free_port
from throughline.journey import assemble, find, to_dict
from throughline.journey.span import spans_in

SHIFTED = Path(__file__).parents[1] / "shifted_clock"
AHEAD = {"fastapi-1": 2.0, "monitor": 0.25, "worker-1": 3.0, "worker-2": -3.0}
AHEAD_OF_ALL = AHEAD | {"nginx": -2.0 if faketime.LIBRARY else 0.0}
WITHIN_MS = 51.0  # 50 ms, and a rounding


class Hosts:
    """The processes of one system, with log lines and spans in a local run's folders."""

    def __init__(self, var: Path, port: int, monitor_port: int) -> None:
        self.var = var
        self.monitor_port = monitor_port
        self.api = plain_http.client(f"http://127.0.0.1:{port}", timeout=30)

    def lines(self, node: str) -> list[dict[str, Any]]:
        """Of NGINX's clock, the monitor's tell."""
        text = (self.var / "log" / f"{'monitor' if node == 'nginx' else node}.jsonl").read_text(encoding="utf-8")
        lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
        return [line for line in lines if line.get("clock.node", node) == node]

    def answers(self) -> bool:
        try:
            workers = self.api.get("/api/v1/workers").json().get("workers", ())
            return bool([worker["alive"] for worker in workers] == [True, True])
        except httpx.TransportError:
            return False

    def submitted(self, task_type: str, correlation_id: str) -> str:
        body = {"task_type": task_type, "data": {"text": "to be"}}
        answer = self.api.post("/api/v1/tasks", json=body, headers={"X-Request-ID": correlation_id})
        return str(answer.json()["task_id"])

    def ended(self, task_id: str) -> dict[str, Any]:
        task: dict[str, Any] = self.api.get(f"/api/v1/tasks/{task_id}", params={"wait": 30}).json()
        assert task["status"] == "SUCCESS"
        return task

    def journey(self, correlation_id: str, wait_until: Callable[..., object], tasks: int = 1) -> dict[str, Any]:
        """As `throughline journey --json` tells it, once the spans of its runs are written."""

        def told() -> dict[str, Any]:
            return to_dict(assemble(correlation_id, find(self.var, correlation_id)))

        def is_whole() -> bool:
            steps = [step for request in told()["requests"] for step in request["steps"]]
            return [step["role"] for step in steps if step["span_id"]].count("run") == tasks

        wait_until(is_whole, 20, f"the spans of {correlation_id} are written")
        return told()

    def span_attributes(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Of each span that was written: its service, its node, its attributes."""
        for file in (self.var / "spans").glob("*.jsonl"):
            for line in file.read_text().splitlines():
                for span in spans_in(json.loads(line)):
                    yield span.service, span.node, dict(span.attributes)

    def measured_offsets(self) -> dict[str, float]:
        """In seconds, by node, as Prometheus gets them."""
        try:
            text = httpx.get(f"http://127.0.0.1:{self.monitor_port}/metrics").text
        except httpx.TransportError:
            return {}
        found = re.findall(r'^throughline_clock_offset_seconds{node="([^"]+)",.*} (\S+)$', text, re.MULTILINE)
        return {node: float(value) for node, value in found}


@pytest.fixture(scope="module")
def hosts(redis_url, tmp_path_factory, wait_until):
    var, port, monitor_port = tmp_path_factory.mktemp("var"), free_port(), free_port()
    (var / "log").mkdir()
    (var / "nginx").mkdir()
    worker = ["celery", "-A", "worker.app", "worker", "--without-gossip", "--without-mingle"]
    programs = {
        "fastapi-1": ["uvicorn", "api.main:app", "--port", str(port), "--no-access-log"],
        "monitor": ["monitor"],
        "worker-1": worker,
        "worker-2": worker,
    }
    with ExitStack() as running:
        shifted = faketime.shifted(AHEAD_OF_ALL["nginx"], lone_nginx.PROGRAM)
        nginx = running.enter_context(lone_nginx.started(var / "nginx", wait_until, *shifted, api=str(port)))
        for node, program in programs.items():
            own = {
                "REDIS_URL": redis_url,
                "VAR_DIR": str(var),
                "SPANS_DIR": str(var / "spans"),
                "SERVICE_NODE_NAME": node,
                "TASK_MODULES": "tests.integration.brief_task",
                "WORKER_CONCURRENCY": "1",
                "MONITOR_PORT": str(monitor_port),
                "API_URL": f"http://127.0.0.1:{nginx.port}",
                "PYTHONPATH": f"{SHIFTED}:{Path.cwd()}",
                "CLOCK_SHIFT_SECONDS": str(AHEAD[node]),
            }
            output = running.enter_context((var / "log" / f"{node}.jsonl").open("w"))
            command = [sys.executable, "-m", *program]
            process = subprocess.Popen(command, env=os.environ | own, stdout=output, stderr=output)
            running.callback(process.wait, 30)
            running.callback(process.terminate)
        found = Hosts(var, port, monitor_port)
        running.callback(found.api.close)
        wait_until(found.answers, 180, "the replica sees both workers")
        yield found


@pytest.fixture(scope="module")
def told(hosts, wait_until):
    """Of each task, as GET tells it, its timeline, and its request in its journey; both workers have run some."""
    tasks = {f"CLOCK-{number}": hosts.submitted("brief", f"CLOCK-{number}") for number in range(6)}
    found = []
    for correlation_id, task_id in tasks.items():
        task = hosts.ended(task_id)
        timeline = hosts.api.get(f"/api/v1/tasks/{task_id}/timeline").json()["changes"]
        found.append((task, timeline, hosts.journey(correlation_id, wait_until)["requests"][0]))
    assert {task["attempts"][0]["worker"] for task, _, _ in found} == {"worker-1", "worker-2"}
    return found


def test_the_journey_waits_and_runs_as_long_as_the_task_says(told):
    for task, _, request in told:
        assert request["queue_wait_ms"] == pytest.approx(task["queue_wait_ms"], abs=WITHIN_MS)
        assert request["run_ms"] == pytest.approx(task["run_ms"], abs=WITHIN_MS)
        wait, run = (_step(request, role) for role in ("wait", "run"))
        assert wait["duration_ms"] == pytest.approx(task["queue_wait_ms"], abs=WITHIN_MS)
        assert run["duration_ms"] == pytest.approx(task["run_ms"], abs=WITHIN_MS)


def test_the_waterfall_and_the_timeline_show_the_same_moments(told):
    for task, timeline, request in told:
        began = _seconds(request["started"])
        moments = [(_seconds(change["at"]) - began) * 1000 for change in timeline]
        wait, run = (_step(request, role) for role in ("wait", "run"))
        shown = [wait["offset_ms"], run["offset_ms"], run["offset_ms"] + run["duration_ms"]]
        assert moments == pytest.approx(shown, abs=WITHIN_MS), task["attempts"][0]["worker"]


def test_no_step_begins_before_the_one_that_caused_it(told):
    for _, _, request in told:
        by_id = {step["span_id"]: step for step in request["steps"]}
        assert {"publish", "wait", "run", "phase"} <= {step["role"] for step in request["steps"]}
        for step in request["steps"]:
            parent = by_id.get(step["parent_span_id"], step)
            assert step["offset_ms"] >= parent["offset_ms"], (step, parent)


def test_log_lines_come_in_the_order_in_which_they_were_written(told):
    for _, _, request in told:
        lines = [each["line"] for each in request["logs"]]
        said = [line.get("event.action") or line["message"] for line in lines]
        known = ["task.submitted", "task.started", "It is written", "task.succeeded"]
        assert [each for each in said if each in known] == known


def test_a_task_that_celery_itself_has_sent_waited_as_long_as_its_record_says(hosts, told, wait_until):
    hosts.submitted("sends_brief", "CLOCK-SENT")

    def both_have_ended():
        tasks = hosts.api.get("/api/v1/tasks", params={"correlation_id": "CLOCK-SENT"}).json()["tasks"]
        return len(tasks) == 3 and all(task["status"] == "SUCCESS" for task in tasks) and tasks

    for task in wait_until(both_have_ended, 30, "both tasks that it has sent"):
        journey = hosts.journey("CLOCK-SENT", wait_until, tasks=3)
        (shown,) = (each for each in journey["requests"][0]["tasks"] if each["task_id"] == task["task_id"])
        assert shown["queue_wait_ms"] == pytest.approx(task["queue_wait_ms"], abs=WITHIN_MS)
        assert task["queue_wait_ms"] < 2000


def test_each_span_keeps_its_hosts_time_and_says_how_far_that_is_off(hosts, told):
    for service, node, attributes in hosts.span_attributes():
        if service != "monitor":
            assert attributes["clock_offset_ms"] == pytest.approx(AHEAD[node] * 1000, abs=WITHIN_MS)


def test_a_clock_that_is_off_is_a_warning_once_and_a_metric(hosts, told, wait_until):
    wait_until(lambda: set(AHEAD_OF_ALL) <= set(hosts.measured_offsets()), 60, "each clock is measured")
    assert hosts.measured_offsets() == pytest.approx(AHEAD_OF_ALL, abs=WITHIN_MS / 1000)
    for node, shift in AHEAD_OF_ALL.items():
        said = [line for line in hosts.lines(node) if line.get("event.action") == "clock.off"]
        assert [(line["log.level"], line["clock.node"]) for line in said] == [("warning", node)] * (abs(shift) > 0.1)
        assert [line["clock.ahead_ms"] for line in said] == pytest.approx([shift * 1000] * len(said), abs=WITHIN_MS)
    told = {clock["node"]: clock["offset_ms"] for clock in hosts.api.get("/api/v1/workers").json()["clocks"]}
    assert told == pytest.approx({node: shift * 1000 for node, shift in AHEAD_OF_ALL.items()}, abs=WITHIN_MS)


def _step(request, role):
    (found,) = (step for step in request["steps"] if step["role"] == role)
    return found


def _seconds(moment):
    return datetime.fromisoformat(moment).timestamp()
