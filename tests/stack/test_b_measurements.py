"""What the replicas measure arrives in Prometheus: how long requests took, by route, method and status."""

import json
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from tests import plain_http
from tests.stack.stack import Stack

_BY = ("job", "instance", "service_version", "http_request_method", "http_route", "http_response_status_code")
_QUERY = f"sum by ({', '.join(_BY)}) (http_server_request_duration_seconds_count)"


def test_durations_of_requests_are_in_prometheus_by_route_method_and_status(
    stack: Stack, wait_until: Callable[..., Any]
):
    task = {"task_type": "calculate_var", "data": {"positions": [{"symbol": "AAPL", "quantity": 1, "price": 1}]}}
    with stack.http() as client:
        for number in range(9):
            task_id = client.post("/api/v1/tasks", json=task, headers={"Host": f"made-up-{number}"}).json()["task_id"]
            assert client.get(f"/api/v1/tasks/{task_id}").status_code == 200
            assert client.get(f"/api/v1/tasks/made-up-{number}").status_code == 404

    def counted() -> dict[tuple[str, str, str], int]:
        found: dict[tuple[str, str, str], int] = {}
        for labels, count in _asked(stack, _QUERY):
            assert (labels["job"], labels["service_version"]) == ("api", version("throughline"))
            name = (labels["http_request_method"], labels.get("http_route", ""), labels["http_response_status_code"])
            found[name] = found.get(name, 0) + count
        return found

    task_route = "/api/v1/tasks/{task_id}"
    expected = {("POST", "/api/v1/tasks", "201"), ("GET", task_route, "200"), ("GET", task_route, "404")}
    wait_until(lambda: all(counted().get(name, 0) >= 9 for name in expected), 60, f"{expected}, nine times each")
    replicas = {labels["instance"] for labels, _ in _asked(stack, _QUERY)}
    assert replicas >= {"fastapi-1", "fastapi-2", "fastapi-3"}  # another test has had five of them
    assert not _asked(stack, '{__name__=~"http_server_.*", __name__!~"http_server_request_duration_seconds_.*"}')


def test_they_answer_how_long_the_slowest_submissions_took(stack: Stack):
    rate = 'sum by (le) (http_server_request_duration_seconds_bucket{http_route="/api/v1/tasks"})'

    ((_, slowest),) = _asked(stack, f"histogram_quantile(0.99, {rate}) * 1e6")

    assert 0 < slowest < 10e6


def test_counters_are_there_before_the_first_event_of_their_kind_and_so_are_the_versions(
    stack: Stack, wait_until: Callable[..., Any]
):
    """rate() does not see what a series is born with."""
    declared = {"calculate_var", "monte_carlo_pricing", "portfolio_optimization", "stress_test", "other"}

    def told(query: str, label: str) -> set[str]:
        return {labels.get(label, "") for labels, _ in _asked(stack, query)}

    wait_until(lambda: told('throughline:runs:count{status="RETRY"}', "task_type") >= declared, 60, "runs of each type")
    assert told('throughline_tasks_total{status="REVOKED"}', "task_type") >= declared
    assert told('throughline_task_queue_wait_seconds_count{queue="low"}', "task_type") >= declared
    assert _asked(stack, "throughline:http_errors:count")
    wait_until(
        lambda: told("throughline_version_since_seconds", "service") >= {"api", "worker", "monitor"}, 60, "versions"
    )
    assert told('throughline_version_runs_total{status="FAILURE"}', "service_version") & told(
        'throughline_version_info{service="worker"}', "version"
    )


def _asked(stack: Stack, query: str) -> list[tuple[dict[str, str], int]]:
    url = f"{stack.url('PROMETHEUS')}/api/v1/query"
    answer = json.loads(plain_http.get(url, params={"query": query}).text)
    assert answer["status"] == "success", answer
    return [(each["metric"], int(float(each["value"][1]))) for each in answer["data"]["result"]]
