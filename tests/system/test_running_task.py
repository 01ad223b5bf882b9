"""A task that runs for long, seen through NGINX: its progress as it comes, and its end when that is asked for."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.system.nine import Nine

LONG: dict[str, Any] = {
    "task_type": "calculate_var",
    "data": {
        "positions": [{"symbol": f"S{i}", "quantity": 1, "price": 100.0} for i in range(50)],
        "distribution": "lognormal",
        "simulations": 10_000_000,
    },
}
Wait = Callable[..., Any]


@pytest.fixture
def running(nine: Nine, request: pytest.FixtureRequest) -> Iterator[str]:
    """The ID of a task that a worker has begun; the test's name is its correlation ID."""
    with nine.http() as client:
        headers = {"X-Request-ID": request.node.name}
        task_id = str(client.post("/api/v1/tasks", json=LONG, headers=headers).json()["task_id"])
        yield task_id
        client.delete(f"/api/v1/tasks/{task_id}")
        client.get(f"/api/v1/tasks/{task_id}", params={"wait": 20})


def events(nine: Nine, task_id: str) -> Iterator[tuple[str, dict[str, Any]]]:
    with nine.http() as client, client.stream("GET", f"/api/v1/tasks/{task_id}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        name = ""
        for line in stream.iter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                yield name, json.loads(line.removeprefix("data: "))


def test_its_progress_arrives_while_it_runs_and_its_end_closes_the_stream(nine: Nine, running: str):
    widths, last = [], {}
    for name, task in events(nine, running):
        last = task
        if name != "progress" or "interval_low" not in task.get("progress", {}):
            continue
        widths.append(task["progress"]["interval_high"] - task["progress"]["interval_low"])
        if len(widths) == 4:  # NGINX holds nothing back: it is cancelled only when these have been read
            with nine.http() as client:
                assert client.delete(f"/api/v1/tasks/{running}").status_code in {
                    200,
                    202,
                }  # 200: it has stopped by then
    assert len(widths) >= 4
    assert widths[3] < widths[0]
    assert last["status"] == "REVOKED"


def test_a_cancelled_task_stops_and_its_followers_see_it(
    nine: Nine, running: str, wait_until: Wait, request: pytest.FixtureRequest
):
    with nine.http() as client:
        path = f"/api/v1/tasks/{running}"
        wait_until(lambda: client.get(path).json()["status"] == "STARTED", 20, "it runs")
        assert client.get(f"{path}/timeline").json()["now"].startswith("running on worker-")

        client.delete(path)

        assert client.get(path, params={"wait": 20}).json()["status"] == "REVOKED"
        assert client.delete(path).json()["code"] == "TASK_FINISHED"
        changes = client.get(f"{path}/timeline").json()["changes"]
    steps = [(change["status"], change.get("reason")) for change in changes]
    asked, ended = ("STARTED", "cancel_requested"), ("REVOKED", "cancelled")
    assert steps == [("PENDING", None), ("STARTED", "claimed"), asked, ended]

    def told() -> list[str]:
        lines = [line for name in nine.recorded.workers for line in nine.log_lines(name)]
        return [line["event.action"] for line in lines if line.get("task_id") == running and "event.action" in line]

    wait_until(lambda: "task.cancelled" in told(), 20, "the worker logs it")
    assert "task.succeeded" not in told()

    def shown() -> list[str]:
        answer = nine.run("journey", request.node.name, "--json")
        found = json.loads(answer.stdout)["requests"] if answer.returncode == 0 else []
        return [step["what"] for each in found for step in each["steps"] if step["role"] == "run"]

    wait_until(lambda: shown() == ["ran calculate_var → REVOKED"], 20, "its journey ends so")
