"""Rules hold on the real Prometheus, the dashboard's queries find something, and a real error rate pages somebody."""

import json
import re
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from dashboards.grafana import rows
from tests import plain_http
from tests.stack.alerting import ROUTING_KEY, alerting
from tests.stack.load import Load, send, sending_on
from tests.stack.stack import Stack

Wait = Callable[..., Any]
TARGETS = {"monitor", "spans", "otel-collector", "log-lag", "prometheus", "alertmanager"}
LIBRARY = ("python_", "process_", "target_", "otel_")  # metrics whose names are not ours
NO_HELP = "no help text"  # the collector's span metrics have none
QUERIES = sorted({query for row in rows.ROWS for panel in row.panels for query in panel.queries})


@pytest.mark.parametrize("arguments", ["check config prometheus.yml", "test rules rules_test.yml"])
def test_promtool_finds_nothing_wrong(stack: Stack, arguments: str):
    *command, name = arguments.split()
    said = stack.docker("exec", stack.container("prometheus"), "promtool", *command, f"/etc/prometheus/{name}")
    assert "SUCCESS" in said


@pytest.mark.parametrize(
    ("service", "ours"), [("MONITOR", "throughline_tasks_total"), ("METRICS", "throughline_span_")]
)
def test_promtool_finds_nothing_wrong_in_what_prometheus_is_given(stack: Stack, service: str, ours: str):
    given = plain_http.get(f"{stack.url(service)}/metrics").text
    assert f"\n{ours}" in given
    # It ends with an error for a metric of the libraries' whose name is not as it should be, too.
    check = "promtool check metrics 2>&1 || true"
    said = stack.docker("exec", "-i", stack.container("prometheus"), "sh", "-c", check, text=given)
    assert [line for line in said.splitlines() if not line.startswith(LIBRARY) and NO_HELP not in line] == []


def test_the_trace_of_a_slow_request_is_beside_the_durations_of_requests(stack: Stack, wait_until: Wait):
    trace_id, accept = f"{time.time_ns():032x}", {"Accept": "application/openmetrics-text; version=1.0.0"}
    positions = [{"symbol": "AAPL", "quantity": 100, "price": 150.0}]
    task = {"task_type": "calculate_var", "data": {"positions": positions, "simulations": 10_000_000}}
    with stack.http(timeout=60) as client:
        path = client.post("/api/v1/tasks", json=task).headers["Location"]
        client.get(path, params={"wait": 30}, headers={"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01"})

    def told() -> bool:
        text = plain_http.get(f"{stack.url('METRICS')}/metrics", headers=accept).text
        lines = [line for line in text.splitlines() if line.startswith("http_server_request_duration_seconds_bucket")]
        return any(f'trace_id="{trace_id}"' in line for line in lines)

    wait_until(told, 60, "the example is there")


@pytest.mark.parametrize("name", ["routes.yml", "sending-routes.yml"])
def test_amtool_finds_nothing_wrong(stack: Stack, name: str):
    said = stack.docker("exec", stack.container("alertmanager"), "amtool", "check-config", f"/etc/alertmanager/{name}")
    assert "SUCCESS" in said


@pytest.mark.parametrize(("severity", "receivers"), [("page", "pagerduty,webhook"), ("ticket", "webhook")])
def test_a_page_goes_to_pagerduty_and_everything_to_the_webhook(stack: Stack, severity: str, receivers: str):
    routes = ("amtool", "config", "routes", "test", "--config.file=/etc/alertmanager/sending-routes.yml")
    said = stack.docker("exec", stack.container("alertmanager"), *routes, f"severity={severity}", "alertname=Any")
    assert said.strip() == receivers


def test_every_part_that_is_asked_gives_its_metrics(stack: Stack, wait_until: Wait):
    wait_until(lambda: {job for job, up in _by(stack, "up", "job").items() if up == 1} == TARGETS, 60, "all are up")


def test_as_many_workers_are_alive_as_there_should_be(stack: Stack, wait_until: Wait):
    complete = "throughline_workers_alive == throughline_workers_expected"
    wait_until(lambda: [sample["value"][1] for sample in _found(stack, complete)] == ["3"], 60, "three of three")


def test_every_query_of_the_dashboard_finds_something(stack: Stack, wait_until: Wait):
    send(stack, f"DASHBOARD-{time.time_ns()}", 100, 20)
    last: list[str] = []

    def all_find() -> bool:
        last[:] = [
            query
            for query in QUERIES
            if not _found(stack, query.replace("$__rate_interval_ms", "120000").replace("$__rate_interval", "2m"))
        ]
        return not last

    try:
        wait_until(all_find, 90, "every query has a number")
    finally:
        assert last == []


def test_log_lines_that_elasticsearch_does_not_find_are_measured(stack: Stack, wait_until: Wait):
    lag = "throughline_logs_lag_seconds"
    wait_until(lambda: _value(stack, lag) < 30, 60, "lines are found")
    stack.compose("stop", "filebeat")
    wait_until(lambda: _value(stack, lag) > 30, 90, "the lag grows without Filebeat")
    stack.compose("start", "filebeat")
    wait_until(lambda: _value(stack, lag) < 30, 90, "it has caught up")


def test_a_real_error_rate_pages_somebody_and_the_page_ends_when_the_errors_do(
    stack: Stack, wait_until: Wait, tmp_path: Path, measured: dict[str, str]
):
    with alerting(stack, tmp_path) as told, _clients(stack):
        healthy = "throughline:http_requests:rate5m > 5 and throughline:http_errors:ratio5m == 0"
        wait_until(lambda: _found(stack, healthy), 40, "its requests are seen, and no errors")
        assert told.pages("ErrorRateHigh", "trigger") == []

        stopped = time.monotonic()
        stack.compose("stop", "redis")
        (trigger, *_) = wait_until(lambda: told.pages("ErrorRateHigh", "trigger"), 60, "PagerDuty is told")
        measured["Redis stopped → page (windows 20 times shorter)"] = f"{time.monotonic() - stopped:.0f} s"
        assert told.pages("ErrorRateHigh", "resolve") == []

        started = time.monotonic()
        stack.compose("start", "redis")
        (resolve, *_) = wait_until(lambda: told.pages("ErrorRateHigh", "resolve"), 90, "PagerDuty is told of the end")
        measured["Redis started → page resolved (windows 20 times shorter)"] = f"{time.monotonic() - started:.0f} s"
        wait_until(lambda: told.webhook("ErrorRateHigh", "resolved"), 20, "the webhook is told of the end")
        firing, refused = told.webhook("ErrorRateHigh", "firing"), told.refused()

    assert trigger["routing_key"] == ROUTING_KEY
    assert re.fullmatch(r"[\d.]+% of the requests of the last five minutes failed", trigger["payload"]["summary"])
    assert trigger["payload"]["severity"] == "critical"
    assert trigger["payload"]["custom_details"]["runbook"] == "docs/operations.md#errorratehigh"
    assert resolve["dedup_key"] == trigger["dedup_key"]
    assert firing[0]["alerts"][0]["labels"] == {"alertname": "ErrorRateHigh", "severity": "page"}
    assert refused == []


def _clients(stack: Stack) -> AbstractContextManager[Load]:
    return sending_on(stack, f"ALERT-{time.time_ns()}", per_second=10, submit_every=1)


def _by(stack: Stack, query: str, label: str) -> dict[str, float]:
    return {sample["metric"].get(label, ""): float(sample["value"][1]) for sample in _found(stack, query)}


def _value(stack: Stack, query: str) -> float:
    (sample,) = _found(stack, query)
    return float(sample["value"][1])


def _found(stack: Stack, query: str) -> list[Any]:
    """What the query has now that is a number."""
    url = f"{stack.url('PROMETHEUS')}/api/v1/query"
    answer = json.loads(plain_http.get(url, params={"query": query}).text)
    assert answer["status"] == "success", f"{query}: {answer}"
    return [sample for sample in answer["data"]["result"] if sample["value"][1] != "NaN"]
