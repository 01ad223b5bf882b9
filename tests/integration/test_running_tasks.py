"""A real worker reports a task's progress, stops it when it is cancelled, and says what it refuses."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
import yaml

from tests import plain_http
from tests.conftest import free_port, is_healthy
from throughline.ledger import keys

LONG: dict[str, Any] = {
    "positions": [{"symbol": f"S{i}", "quantity": 1, "price": 100.0} for i in range(50)],
    "distribution": "lognormal",
    "simulations": 10_000_000,
}
RISK_VOCABULARY = Path(__file__).resolve().parents[2] / "risk" / "vocabulary.yaml"
WORKER = ["-A", "worker.app", "worker", "--without-gossip", "--without-mingle"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Of the worker's log lines and spans."""
    return tmp_path_factory.mktemp("running")


@pytest.fixture(scope="module")
def api(start_for_module, wait_until, folder):
    """A replica and a worker of one process."""
    port = free_port()
    start_for_module("uvicorn", "api.main:app", "--port", str(port), output=folder / "api.jsonl")
    worker = {"WORKER_CONCURRENCY": "1", "SPANS_DIR": str(folder / "spans")}
    start_for_module("celery", *WORKER, output=folder / "worker.jsonl", **worker)
    with plain_http.client(f"http://127.0.0.1:{port}") as client:
        wait_until(lambda: is_healthy(client), 90, "the replica sees a worker")
        yield client


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
    """The last one reported."""
    return list(events(api, task_id))[-1][1]


def said(folder: Path, task_id: str) -> dict[str, dict[str, Any]]:
    """The worker's events of a task, by event.action."""
    lines = [json.loads(line) for line in (folder / "worker.jsonl").read_text().splitlines() if line.startswith("{")]
    return {line["event.action"]: line for line in lines if line.get("task_id") == task_id and "event.action" in line}


def spans(folder: Path, task_id: str) -> list[dict[str, Any]]:
    """The worker's spans of a task, attributes as a dict."""
    found = []
    for path in (folder / "spans").glob("*.jsonl"):
        for line in path.read_text().splitlines():
            for resource in json.loads(line)["resourceSpans"]:
                found += [span for scope in resource["scopeSpans"] for span in scope["spans"]]
    for span in found:
        span["attributes"] = {a["key"]: next(iter(a["value"].values())) for a in span["attributes"]}
    return [span for span in found if span["attributes"].get("task_id") == task_id]


def run_span(folder: Path, task_id: str) -> dict[str, Any] | None:
    return next((span for span in spans(folder, task_id) if span["name"].startswith("run ")), None)


def test_a_running_task_shows_its_progress_and_stops_at_a_checkpoint_when_cancelled(api, wait_until, folder):
    task_id = submit(api, "calculate_var", LONG)
    widths, asked = [], None
    task: dict[str, Any] = {}
    for name, task in events(api, task_id):
        if name == "progress" and "interval_low" in task["progress"]:
            widths.append(task["progress"]["interval_high"] - task["progress"]["interval_low"])
            if asked is None and widths[-1] < widths[0]:
                asked = time.monotonic()
                assert api.delete(f"/api/v1/tasks/{task_id}").status_code == 202
    assert asked is not None
    assert time.monotonic() - asked < 3
    assert task["status"] == "REVOKED"
    assert 0 < task["progress"]["fraction"] < 1
    again = api.get(f"/api/v1/tasks/{task_id}").json()
    assert (again["status"], "result" in again) == ("REVOKED", False)
    # The worker is free for the next one.
    next_id = submit(api, "calculate_var", {"positions": LONG["positions"][:1]})
    assert final(api, next_id)["status"] == "SUCCESS"
    # The worker's own log lines and spans.
    told = said(folder, task_id)
    assert told.keys() == {"task.received", "task.started", "task.cancelled"}
    assert told["task.cancelled"]["status"] == "REVOKED"
    assert told["task.cancelled"]["correlation_id"] == again["correlation_id"]
    assert 0 < told["task.cancelled"]["duration_ms"] < 60_000
    run = wait_until(lambda: run_span(folder, task_id), 20, "the run's span is written")
    assert (run["name"], run["attributes"]["status"]) == ("run calculate_var", "REVOKED")
    assert run["traceId"] == again["trace_id"]
    assert api.delete(f"/api/v1/tasks/{task_id}").json()["code"] == "TASK_FINISHED"


def test_a_task_cancelled_before_it_starts_never_runs(api, redis_url, wait_until, folder):
    running = submit(api, "calculate_var", LONG)
    wait_until(lambda: api.get(f"/api/v1/tasks/{running}").json()["status"] == "STARTED", 30, "the first one runs")
    waiting, held = (submit(api, "calculate_var", {"positions": LONG["positions"][:1]}) for _ in range(2))
    assert api.delete(f"/api/v1/tasks/{waiting}").json()["status"] == "REVOKED"
    # A worker that took the message already finds the request on the record when it comes to claim it.
    with redis.Redis.from_url(redis_url) as broker:
        broker.hset(keys.task(held), "cancel_requested", "1")
    assert api.delete(f"/api/v1/tasks/{running}").status_code == 202
    assert final(api, running)["status"] == "REVOKED"
    assert final(api, held)["status"] == "REVOKED"
    last = submit(api, "calculate_var", {"positions": LONG["positions"][:1]})
    assert final(api, last)["status"] == "SUCCESS"

    for task_id in (waiting, held):
        task = api.get(f"/api/v1/tasks/{task_id}").json()
        assert (task["status"], "result" in task, "started_at" in task) == ("REVOKED", False, False)
    assert said(folder, waiting) == {}
    assert said(folder, held).keys() == {"task.received", "task.cancelled"}
    run = wait_until(lambda: run_span(folder, held), 20, "the span of the one that was held is written")
    assert run["attributes"]["status"] == "REVOKED"
    assert not [span for span in spans(folder, held) if span["parentSpanId"] == run["spanId"]]
    assert spans(folder, waiting) == []


ASSETS = [{"symbol": s, "expected_return": r, "volatility": v} for s, r, v in [("A", 0.05, 0.1), ("B", 0.1, 0.2)]]
PHASES: list[tuple[str, dict[str, Any], str, set[str]]] = [
    (
        "calculate_var",
        {"positions": LONG["positions"][:3], "distribution": "lognormal"},
        "SUCCESS",
        {"validate", "correlate", "simulate", "draw", "reprice", "quantile", "contributions"},
    ),
    (
        "monte_carlo_pricing",
        {
            "option": {"style": "basket", "right": "call", "strike": 2.0, "maturity": 1.0}
            | {"assets": [{"spot": 1.0, "volatility": 0.2}] * 2}
        },
        "SUCCESS",
        {"validate", "correlate", "simulate", "draw", "reprice", "estimate"},
    ),
    (
        "portfolio_optimization",
        {"assets": ASSETS, "frontier_points": 3},
        "SUCCESS",
        {"validate", "correlate", "optimize", "frontier"},
    ),
    ("stress_test", {"positions": LONG["positions"][:1]}, "SUCCESS", {"validate", "reprice"}),
    (
        "calculate_var",
        {"positions": LONG["positions"][:1], "method": "historical", "returns": [[0.01], [-0.01]] * 30},
        "SUCCESS",
        {"validate", "resample", "contributions"},
    ),
    (
        "backtest_var",
        {"profit_and_loss": [0.5, -0.5] * 10, "value_at_risk": [1.0] * 20},
        "SUCCESS",
        {"validate", "backtest"},
    ),
]


def test_every_phase_of_a_calculation_is_a_span_of_the_vocabulary_under_its_run(api, wait_until, folder):
    declared = {"validate", *yaml.safe_load(RISK_VOCABULARY.read_text())["phases"]}
    for task_type, data, status, phases in PHASES:
        task_id = submit(api, task_type, data)
        assert final(api, task_id)["status"] == status
        run = wait_until(lambda task_id=task_id: run_span(folder, task_id), 20, "the run's span is written")
        own = [span for span in spans(folder, task_id) if not span["name"].startswith(("run ", "wait ", "take "))]
        parents = {span["spanId"]: span["parentSpanId"] for span in own}
        for span in own:
            at = span["spanId"]
            while at in parents:
                at = parents[at]
            assert at == run["spanId"], f"{span['name']} is not under the run"
            assert run["startTimeUnixNano"] <= span["startTimeUnixNano"] <= span["endTimeUnixNano"]
            assert span["endTimeUnixNano"] <= run["endTimeUnixNano"]
        names = {span["name"] for span in own}
        assert names == phases
        assert names <= declared
    assert declared == set().union(*(phases for *_, phases in PHASES))


def test_each_type_on_offer_gives_its_examples_result(api):
    for offered in api.get("/api/v1/task-types").json()["task_types"]:
        task_id = submit(api, **{"task_type": offered["task_type"], "data": offered["example"]["data"]})
        last = final(api, task_id)
        assert last["status"] == "SUCCESS", last
        assert last["result"]["assumptions"]


def test_a_calculation_that_cannot_be_done_fails_with_the_field_that_is_wrong(api):
    impossible = [[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]]
    task_id = submit(api, "calculate_var", {"positions": LONG["positions"][:3], "correlations": impossible})
    last = final(api, task_id)
    assert last["status"] == "FAILURE"
    assert "data.correlations" in last["error"]["message"]
    assert "smallest eigenvalue is -0.8" in last["error"]["message"]


def test_a_mistake_names_the_clients_own_field(api):
    answer = api.post("/api/v1/tasks", json={"task_type": "calculate_vra", "data": {}})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "task_type")
    assert "stress_test" in answer.json()["detail"]
    wrong = {"positions": [{"symbol": "A", "quantity": 1, "price": -1.0}]}
    for task_type in ("stress_test", "calculate_var"):
        answer = api.post("/api/v1/tasks", json={"task_type": task_type, "data": wrong})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == "data.positions[0].price"


def test_events_of_an_unknown_task_are_a_problem(api):
    answer = api.get("/api/v1/tasks/none/events")
    assert (answer.status_code, answer.json()["code"]) == (404, "TASK_NOT_FOUND")
