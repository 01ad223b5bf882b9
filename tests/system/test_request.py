"""The specification's request, from NGINX to the worker: one answer, one ID in five places, one chain of spans."""

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from tests.system.nine import Nine

REQUEST = {
    "task_type": "calculate_var",
    "data": {"portfolio_data": {"positions": [{"symbol": "AAPL", "quantity": 100, "price": 150.0}]}},
    "priority": "high",
}
CHAIN = ["nginx", "api", "publish high", "wait high", "run calculate_var"]
PHASES = ["validate", "correlate", "simulate", "contributions"]
PARTS = ["draw", "reprice", "quantile"]  # of the simulation
Wait = Callable[..., Any]


@pytest.fixture
def submitted(nine: Nine) -> Callable[..., dict[str, Any]]:
    """Sends the request through NGINX under an ID, expects a 201, gives its body."""

    def submit(correlation_id: str) -> dict[str, Any]:
        with nine.http() as client:
            answer = client.post("/api/v1/tasks", json=REQUEST, headers={"X-Request-ID": correlation_id})
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    return submit


@pytest.fixture
def journey(nine: Nine, wait_until: Wait) -> Callable[..., dict[str, Any]]:
    """The output of `throughline journey ID --json` once so many tasks have ended."""

    def complete(correlation_id: str, tasks: int = 1) -> dict[str, Any] | None:
        answer = nine.run("journey", correlation_id, "--json")
        found: dict[str, Any] = json.loads(answer.stdout) if answer.returncode == 0 else {"requests": []}
        # Each process writes its spans on its own clock: the worker's can be there before the api's. Until a run's span
        # is, log lines alone show the run, as a step without a span.
        roles = [{step["role"] for step in request["steps"] if step["span_id"]} for request in found["requests"]]
        return found if sum({"nginx", "api", "publish", "run"} <= each for each in roles) == tasks else None

    return lambda *arguments: wait_until(lambda: complete(*arguments), 20, f"the journey of {arguments} is complete")


def test_the_specifications_request_is_accepted_and_succeeds_with_the_value_at_risk(nine: Nine, wait_until: Wait):
    with nine.http() as client:
        answer = client.post("/api/v1/tasks", json=REQUEST, headers={"X-Request-ID": "ULTIMATE-SUCCESS-123"})
        assert answer.status_code == 201
        assert answer.json()["status"] == "PENDING"
        assert answer.headers["X-Request-ID"] == "ULTIMATE-SUCCESS-123"
        where = answer.headers["Location"]
        assert where == f"/api/v1/tasks/{answer.json()['task_id']}"

        wait_until(lambda: client.get(where).json()["status"] == "SUCCESS", 20, "the task has succeeded")
        task = client.get(where).json()
    assert task["result"]["var_amount"] == pytest.approx(983, rel=0.02)
    assert task["result"]["simulations"] == 100_000
    assert task["correlation_id"] == "ULTIMATE-SUCCESS-123"
    assert task["attempts"][0]["worker"].startswith("worker-")


def test_the_correlation_id_is_in_all_five_places(nine: Nine, submitted, journey):
    workers = nine.recorded.workers
    assert nine.run("stop", *workers).returncode == 0
    task_id = submitted("FIVE-PLACES")["task_id"]
    with nine.redis() as client:
        (message,) = [json.loads(each) for each in client.lrange("high", 0, -1)]
    assert message["headers"]["correlation_id"] == "FIVE-PLACES"
    assert message["properties"]["correlation_id"] == task_id
    assert nine.run("start", *workers).returncode == 0

    found = journey("FIVE-PLACES")

    lines = [log["line"] for request in found["requests"] for log in request["logs"]]
    said = {(line["service.name"], line["event.action"]) for line in lines}
    assert said >= {
        ("nginx", "request.completed"),
        ("api", "task.submitted"),
        ("api", "request.completed"),
        ("worker", "task.received"),
        ("worker", "task.started"),
        ("worker", "task.succeeded"),
    }
    # Steps are found by the attribute on their spans, and by nothing else.
    assert [step["name"] for step in found["requests"][0]["steps"]] == [
        *CHAIN[:-1],
        "take high",
        CHAIN[-1],
        *(*PHASES[:3], *PARTS, *PHASES[3:]),
    ]


def test_one_trace_holds_one_chain_of_parents(submitted, journey):
    submitted("ONE-CHAIN")

    (request,) = journey("ONE-CHAIN")["requests"]

    steps = {step["name"]: step for step in request["steps"]}
    assert steps["nginx"]["parent_span_id"] is None
    phases = [*(("run calculate_var", phase) for phase in PHASES), *(("simulate", part) for part in PARTS)]
    for parent, child in [*pairwise(CHAIN), *phases]:
        assert steps[child]["parent_span_id"] == steps[parent]["span_id"], child
    assert len(request["trace_id"]) == 32
    assert {log["line"]["trace.id"] for log in request["logs"] if "trace.id" in log["line"]} == {request["trace_id"]}


def test_a_clients_own_trace_is_continued(nine: Nine, journey):
    trace, span = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    headers = {"X-Request-ID": "OWN-TRACE", "traceparent": f"00-{trace}-{span}-01"}
    with nine.http() as client:
        client.post("/api/v1/tasks", json=REQUEST, headers=headers)

    (request,) = journey("OWN-TRACE")["requests"]

    assert request["trace_id"] == trace
    assert request["steps"][0]["parent_span_id"] == span


def test_three_requests_with_one_id_are_three_tasks(submitted, journey, nine: Nine):
    ids = {submitted("THREE-AT-ONCE")["task_id"] for _ in range(3)}

    found = journey("THREE-AT-ONCE", 3)

    assert {request["task_id"] for request in found["requests"]} == ids
    assert len({request["trace_id"] for request in found["requests"]}) == 3
    with nine.http() as client:
        listed = client.get("/api/v1/tasks", params={"correlation_id": "THREE-AT-ONCE"}).json()["tasks"]
    assert {task["task_id"] for task in listed} == ids
    drawn = nine.run("journey", "THREE-AT-ONCE", "--logs").stdout
    assert [f"{number} of 3  SUCCESS" in drawn for number in (1, 2, 3)] == [True] * 3
    assert drawn.count("the result is sto") == 3


HOSTILE = ['a"b', "a b", "a\\nb", "<script>", "x" * 129, "", "ü", '","forged":"yes', "a\tb"]


@pytest.mark.parametrize("through", ["nginx", "replica"])
@pytest.mark.parametrize("sent", ["A", "x" * 128, "abc-1.2:3_4"])
def test_a_valid_id_is_kept(nine: Nine, through: str, sent: str):
    with nine.http(nine.base_url if through == "nginx" else nine.replica_urls[0]) as client:
        answer = client.get("/health/live", headers={"X-Request-ID": sent})
    assert answer.headers.get_list("X-Request-ID") == [sent]


@pytest.mark.parametrize("through", ["nginx", "replica"])
@pytest.mark.parametrize("sent", HOSTILE)
def test_any_other_id_is_replaced_and_forges_no_log_line(nine: Nine, through: str, sent: str, wait_until: Wait):
    with nine.http(nine.base_url if through == "nginx" else nine.replica_urls[0]) as client:
        answer = client.get("/health/live", headers={b"X-Request-ID": sent.encode()})
    (made,) = answer.headers.get_list("X-Request-ID")
    assert len(made) == 32
    assert set(made) <= set("0123456789abcdef")

    writer = "nginx" if through == "nginx" else "fastapi-1"
    wait_until(lambda: _of(nine, writer, made), 20, "the request has its line")
    assert not any("forged" in line for line in nine.log_lines(writer))


def test_a_task_type_that_is_not_offered_is_refused_by_name(nine: Nine):
    with nine.http() as client:
        offered = {each["task_type"] for each in client.get("/api/v1/task-types").json()["task_types"]}
        answer = client.post("/api/v1/tasks", json=REQUEST | {"task_type": "crystal_ball"})
    assert "calculate_var" in offered
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "task_type"
    assert "calculate_var" in answer.json()["errors"][0]["message"]


def _of(nine: Nine, writer: str, correlation_id: str) -> list[dict[str, Any]]:
    return [line for line in nine.log_lines(writer) if line.get("correlation_id") == correlation_id]
