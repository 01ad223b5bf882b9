"""A request that cannot be a task gets a problem that names the field; nothing is enqueued, no traceback is logged."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.system.nine import Nine

GOOD: dict[str, Any] = {
    "task_type": "calculate_var",
    "data": {"portfolio_data": {"positions": [{"symbol": "AAPL", "quantity": 100, "price": 150.0}]}},
}
POSITION = GOOD["data"]["portfolio_data"]["positions"][0]


def with_position(**changes: Any) -> dict[str, Any]:
    return GOOD | {"data": {"portfolio_data": {"positions": [POSITION | changes]}}}


CASES: dict[str, tuple[Any, int, str, str | None]] = {
    "malformed JSON": (b'{"task_type": ', 400, "MALFORMED_JSON", None),
    "no body": (b"", 400, "MALFORMED_JSON", None),
    "a list": (b"[]", 422, "VALIDATION_FAILED", "(body)"),
    "unknown task type": (GOOD | {"task_type": "crystal_ball"}, 422, "VALIDATION_FAILED", "task_type"),
    "no task type": ({"data": GOOD["data"]}, 422, "VALIDATION_FAILED", "task_type"),
    "data is a text": (GOOD | {"data": "much"}, 422, "VALIDATION_FAILED", "data"),
    "no data": ({"task_type": "calculate_var"}, 422, "VALIDATION_FAILED", "data"),
    "unknown priority": (GOOD | {"priority": "urgent"}, 422, "VALIDATION_FAILED", "priority"),
    "unknown field": (GOOD | {"prioritty": "high"}, 422, "VALIDATION_FAILED", "prioritty"),
    "wrong type three levels down": (
        with_position(price="expensive"),
        422,
        "VALIDATION_FAILED",
        "data.portfolio_data.positions[0].price",
    ),
    "negative price": (with_position(price=-1), 422, "VALIDATION_FAILED", "data.portfolio_data.positions[0].price"),
    "infinite price": (json.dumps(with_position(price=float("inf"))).encode(), 400, "MALFORMED_JSON", None),
    "no positions": (
        GOOD | {"data": {"portfolio_data": {"positions": []}}},
        422,
        "VALIDATION_FAILED",
        "data.portfolio_data.positions",
    ),
    "over 1 MB": (b'{"task_type": "' + b"x" * 1_100_000 + b'"}', 413, "PAYLOAD_TOO_LARGE", None),
}


@pytest.fixture
def unchanged(nine: Nine):
    """Nothing is enqueued or recorded by the test, and no process logs a traceback."""

    def tasks_and_depth() -> tuple[int, int]:
        with nine.redis() as client:
            depth = sum(client.llen(name) for name in ("high", "medium", "low"))
            return len(list(client.scan_iter("tl:task:*"))), depth

    before = tasks_and_depth()
    yield
    assert tasks_and_depth() == before
    for name in nine.recorded.replicas:
        assert not [line for line in nine.log_lines(name) if "error.stack_trace" in line]
        assert (nine.var_dir / "log" / f"{name}.err").read_text() == ""


@pytest.mark.parametrize("through", ["nginx", "replica"])
@pytest.mark.parametrize("case", list(CASES))
def test_a_bad_submission_is_refused_with_the_field_it_is_about(nine: Nine, unchanged, through: str, case: str):
    sent, status, code, field = CASES[case]
    body = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
    with nine.http(nine.base_url if through == "nginx" else nine.replica_urls[0]) as client:
        headers = {"Content-Type": "application/json", "X-Request-ID": "BAD-1"}
        answer = client.post("/api/v1/tasks", content=body, headers=headers)

    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert (answer.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert problem["category"] == "CLIENT_ERROR"
    assert problem["correlation_id"] == answer.headers["X-Request-ID"] == "BAD-1"
    assert problem["instance"] == "/api/v1/tasks"
    assert problem["title"]
    assert problem["detail"]
    assert "Traceback" not in answer.text
    if field:
        assert [error["field"] for error in problem["errors"]] == [field]
        assert field in problem["detail"]
    else:
        assert "errors" not in problem


def test_the_log_line_of_a_refused_request_carries_the_problems_code_and_no_other_line_does(
    nine: Nine, wait_until: Callable[..., Any]
):
    with nine.http(nine.replica_urls[0]) as client:  # one connection: the code of one request must not reach the next
        client.post("/api/v1/tasks", json=GOOD | {"priority": "urgent"}, headers={"X-Request-ID": "CODE-1"})
        client.get("/api/v1/task-types", headers={"X-Request-ID": "CODE-2"})

    def codes() -> dict[str, str | None]:
        completed = (line for line in nine.log_lines("fastapi-1") if line.get("event.action") == "request.completed")
        return {line["correlation_id"]: line.get("code") for line in completed}

    wait_until(lambda: "CODE-2" in codes(), 20, "both lines are written")
    assert (codes()["CODE-1"], codes()["CODE-2"]) == ("VALIDATION_FAILED", None)


def test_a_refused_submission_is_an_event_and_no_other_refusal_is(nine: Nine, wait_until: Callable[..., Any]):
    with nine.http(nine.replica_urls[0]) as client:
        client.get("/api/v1/tasks/nothing", headers={"X-Request-ID": "REFUSED-1"})
        client.post("/api/v1/tasks", json=GOOD | {"priority": "urgent"}, headers={"X-Request-ID": "REFUSED-2"})

    def rejected() -> dict[str, str]:
        lines = (line for line in nine.log_lines("fastapi-1") if line.get("event.action") == "task.rejected")
        return {line["correlation_id"]: line["code"] for line in lines}

    wait_until(lambda: "REFUSED-2" in rejected(), 20, "the line is written")
    assert rejected()["REFUSED-2"] == "VALIDATION_FAILED"
    assert "REFUSED-1" not in rejected()


def test_a_body_that_is_not_declared_to_be_json_is_refused(nine: Nine, unchanged):
    with nine.http() as client:
        answer = client.post("/api/v1/tasks", content=json.dumps(GOOD), headers={"Content-Type": "text/plain"})
    assert (answer.status_code, answer.json()["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")


def test_an_unknown_path_or_method_is_a_problem_too(nine: Nine):
    with nine.http() as client:
        assert client.get("/api/v1/nothing").json()["code"] == "NOT_FOUND"
        assert client.put("/api/v1/tasks").json()["code"] == "METHOD_NOT_ALLOWED"


def test_nginx_answers_with_a_problem_when_no_replica_does(nine: Nine):
    replicas = nine.recorded.replicas
    assert nine.run("stop", *replicas).returncode == 0
    with nine.http() as client:
        answer = client.get("/health", headers={"X-Request-ID": "NOBODY-1"})
        client.post("/api/v1/tasks", json=GOOD, headers={"X-Request-ID": "NOBODY-2"})
    assert nine.run("start", *replicas, "nginx").returncode == 0

    assert answer.status_code == 502
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "REPLICAS_UNAVAILABLE"
    assert answer.json()["category"] == "SERVER_ERROR"
    assert answer.json()["correlation_id"] == answer.headers["X-Request-ID"] == "NOBODY-1"
    lines = {line.get("correlation_id"): line for line in nine.log_lines("nginx")}
    assert lines["NOBODY-2"]["http.request.method"] == "POST"
    assert lines["NOBODY-2"]["message"] == "POST /api/v1/tasks answered 502"
