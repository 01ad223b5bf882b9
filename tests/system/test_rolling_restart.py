"""All nine are restarted under load with another version, one after the other: none fails, and what changed is told."""

import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests import plain_http
from tests.system.nine import Nine

OLD, NEW = "1.0-old", "1.1-new"
SERVICES = "nginx, api, worker, monitor"
TASK = {"task_type": "calculate_var", "data": {"positions": [{"symbol": "A", "quantity": 1, "price": 1.0}]}}


class Load:
    """Requests at a steady pace, each on a connection of its own: one of four submits, three ask."""

    def __init__(self, base_url: str, a_second: int):
        self.accepted: list[str] = []
        self.failed: list[str] = []
        self.sent = 0
        self._url, self._pause = f"{base_url}/api/v1/tasks", 8 / a_second
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._send_on) for _ in range(8)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _send_on(self) -> None:
        due = time.monotonic()
        while not self._ended.wait(max(0.0, due - time.monotonic())):
            due += self._pause
            self.sent += 1
            try:
                if self.sent % 4 and self.accepted:
                    answer = plain_http.get(f"{self._url}/{self.accepted[-1]}", timeout=20)
                else:
                    answer = plain_http.post(self._url, json=TASK, timeout=20)
                    if answer.status_code == 201:
                        self.accepted.append(answer.json()["task_id"])
                if not answer.is_success:
                    self.failed.append(f"{answer.status_code} {answer.text[:600]}")
            except httpx.HTTPError as error:
                self.failed.append(repr(error))


def running(nine: Nine, version: str) -> set[str]:
    """The services that run it, as the monitor's metric has it. NGINX is seen with requests."""
    with nine.http() as client:
        client.get("/health")
        text = client.get("/metrics").text
    return set(re.findall(rf'throughline_version_info\{{.*service="(\w+)",version="{version}"\}} 1.0', text))


@dataclass(frozen=True)
class Restarted:
    """The nine after a rolling restart under load, from one version to another."""

    nine: Nine
    before: dict[str, int | None]  # pids
    load: Load
    answer: "subprocess.CompletedProcess[str]"


@pytest.fixture(scope="module")
def restarted(tmp_path_factory: pytest.TempPathFactory, wait_until: Callable[..., object]) -> Iterator[Restarted]:
    with Nine(tmp_path_factory.mktemp("rolling") / "var", SERVICE_VERSION=OLD) as nine:
        wait_until(lambda: running(nine, OLD) == set(SERVICES.split(", ")), 60, "all four are known")
        before = nine.pids()
        with Load(nine.base_url, 50) as load:
            answer = nine.run("restart", SERVICE_VERSION=NEW)
        yield Restarted(nine, before, load, answer)


@pytest.mark.timeout(600)
def test_a_rolling_restart_of_all_nine_under_fifty_requests_a_second_fails_none(restarted: Restarted):
    nine, load = restarted.nine, restarted.load
    assert restarted.answer.returncode == 0, restarted.answer.stderr
    after = nine.pids()
    assert [name for name, pid in restarted.before.items() if pid == after[name]] == ["nginx"]  # its workers are new
    assert load.failed == []
    assert load.sent > 300
    with nine.http() as client:
        for task_id in load.accepted:
            assert client.get(f"/api/v1/tasks/{task_id}", params={"wait": 20}).json()["status"] == "SUCCESS"


def test_each_task_says_which_version_accepted_and_which_ran_it(restarted: Restarted):
    with restarted.nine.http() as client:
        tasks = [client.get(f"/api/v1/tasks/{task_id}").json() for task_id in restarted.load.accepted]
    assert {task["accepted_by_version"] for task in tasks} == {OLD, NEW}
    assert {attempt["version"] for task in tasks for attempt in task["attempts"]} == {OLD, NEW}


def test_each_process_says_what_it_runs_when_it_starts(restarted: Restarted):
    nine = restarted.nine
    started = {
        name: [
            line["service.version"] for line in nine.log_lines(name) if line.get("event.action") == "service.started"
        ]
        for name in restarted.before
        if name != "redis"
    }
    assert started.pop("nginx") == [OLD]  # its master goes on, with another configuration
    assert set(map(tuple, started.values())) == {(OLD, NEW)}


def test_the_page_marks_the_release_and_compares_what_both_versions_did(
    restarted: Restarted, wait_until: Callable[..., object]
):
    nine = restarted.nine
    json = {"Accept": "application/json"}

    def changes() -> dict[str, Any]:
        with nine.http() as client:
            told: dict[str, Any] = client.get("/changes", headers=json).json()
        return told

    wait_until(lambda: [each["services"] for each in changes()["releases"]] == [SERVICES], 40, "the release is whole")
    told = changes()
    assert [(each["service"], each["version"]) for each in told["running"]] == [(s, NEW) for s in SERVICES.split(", ")]
    runs = {each["version"]: int(each["runs"].replace(",", "")) for each in told["runs"]}
    assert runs.keys() == {OLD, NEW}
    assert sum(runs.values()) >= len(restarted.load.accepted)  # a worker that stops may hand a task back
    assert NEW in {each["version"] for each in told["requests"]}  # the latest thousand: at this pace, of some seconds
    with nine.http() as client:
        assert f"UTC: {OLD} → {NEW} ({SERVICES})" in client.get("/tasks", params={"since": "15m"}).text
        assert f"{OLD} → {NEW}" in client.get("/", headers={"Accept": "text/html"}).text


def test_the_deployment_of_each_service_is_told_once(restarted: Restarted, wait_until: Callable[..., object]):
    nine = restarted.nine

    def told() -> dict[str, list[tuple[str, str]]]:
        with nine.http() as client:
            client.get("/health")  # NGINX is seen with requests
        found: dict[str, list[tuple[str, str]]] = {}
        for line in (line for line in nine.log_lines("monitor") if line.get("event.action") == "deployment"):
            change = (line["deployment.previous_version"], line["deployment.version"])
            found.setdefault(line["deployment.service"], []).append(change)
        return found

    services = {"nginx", "api", "worker", "monitor"}
    wait_until(lambda: told().keys() == services, 40, "all four are told")
    assert told() == {service: [(OLD, NEW)] for service in services}
    lines = {
        (line["service.name"], line["service.version"])
        for name in ("nginx", "fastapi-1")
        for line in nine.log_lines(name)
    }
    assert lines == {(service, version) for service in ("nginx", "api") for version in (OLD, NEW)}
    wait_until(lambda: running(nine, NEW) == services, 40, "the metric shows what runs")
