"""A real worker tells how far a task is while it runs, stops when that is asked of it, and says what it refuses."""

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from contracts import keys
from tests.conftest import free_port

LONG: dict[str, Any] = {
    "positions": [{"symbol": f"S{i}", "quantity": 1, "price": 100.0} for i in range(50)],
    "distribution": "lognormal",
    "simulations": 10_000_000,
}
WORKER = ["-A", "worker.app", "worker", "--without-gossip", "--without-mingle"]


@pytest.fixture
def api(start, broker, wait_until):
    """A replica and a worker on a Redis of their own."""
    port = free_port()
    start("uvicorn", "api.main:app", "--port", str(port))
    start("celery", *WORKER, WORKER_CONCURRENCY="1")
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        wait_until(lambda: _ready(client), 90, "the replica sees a worker")
        yield client


def _ready(client):
    try:
        return client.get("/health").json()["status"] == "healthy"
    except httpx.TransportError:
        return False


def submit(api, task_type, data):
    answer = api.post("/api/v1/tasks", json={"task_type": task_type, "data": data})
    assert answer.status_code == 201, answer.text
    return answer.json()["task_id"]


def events(api: httpx.Client, task_id: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """(name, data) of each server-sent event, as they come."""
    with api.stream("GET", f"/api/v1/tasks/{task_id}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert stream.headers["x-accel-buffering"] == "no"
        name = ""
        for line in stream.iter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                yield name, json.loads(line.removeprefix("data: "))


def final(api: httpx.Client, task_id: str) -> dict[str, Any]:
    """The last that is told of it."""
    return list(events(api, task_id))[-1][1]


def test_a_running_task_is_watched_and_cancelled_between_two_chunks(api, broker):
    task_id = submit(api, "calculate_var", LONG)
    widths, asked = [], None
    task: dict[str, Any] = {}
    for name, task in events(api, task_id):
        if name == "progress" and "interval_low" in task["progress"]:
            widths.append(task["progress"]["interval_high"] - task["progress"]["interval_low"])
            if asked is None and widths[-1] < widths[0]:
                asked = time.monotonic()
                broker.hset(keys.task(task_id), keys.CANCEL_REQUESTED, "1")
    assert asked is not None
    assert time.monotonic() - asked < 3
    assert task["status"] == "REVOKED"
    assert 0 < task["progress"]["fraction"] < 1
    again = api.get(f"/api/v1/tasks/{task_id}").json()
    assert (again["status"], "result" in again) == ("REVOKED", False)
    # The worker is free for the next one.
    next_id = submit(api, "calculate_var", {"positions": LONG["positions"][:1]})
    assert final(api, next_id)["status"] == "SUCCESS"


def test_each_type_on_offer_gives_its_examples_result(api):
    for offered in api.get("/api/v1/task-types").json()["task_types"]:
        task_id = submit(api, **{"task_type": offered["task_type"], "data": offered["example"]["data"]})
        last = final(api, task_id)
        assert last["status"] == "SUCCESS", last
        assert last["result"]["assumptions"]


def test_what_cannot_be_calculated_is_told_with_its_field(api):
    impossible = [[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]]
    task_id = submit(api, "calculate_var", {"positions": LONG["positions"][:3], "correlations": impossible})
    last = final(api, task_id)
    assert last["status"] == "FAILURE"
    assert "data.portfolio_data.correlations" in last["error"]["message"]
    assert "smallest eigenvalue is -0.8" in last["error"]["message"]


def test_a_mistake_names_the_clients_own_field(api):
    answer = api.post("/api/v1/tasks", json={"task_type": "calculate_vra", "data": {}})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "task_type")
    assert "stress_test" in answer.json()["detail"]
    wrong = {"positions": [{"symbol": "A", "quantity": 1, "price": -1.0}]}
    for task_type, path in (("stress_test", "data.positions[0].price"), ("calculate_var", "data.portfolio_data")):
        answer = api.post("/api/v1/tasks", json={"task_type": task_type, "data": wrong})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"].startswith(path)


def test_events_of_an_unknown_task_are_a_problem(api):
    answer = api.get("/api/v1/tasks/none/events")
    assert (answer.status_code, answer.json()["code"]) == (404, "TASK_NOT_FOUND")
