"""The journey page of the stack: the same pages, read from Elasticsearch by a user who can do no more than read."""

import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.stack.stack import Stack
from throughline.journey import elasticsearch

Wait = Callable[..., Any]
TASK = {
    "task_type": "calculate_var",
    "data": {"positions": [{"symbol": "AAPL", "quantity": 100, "price": 150.0}]},
    "priority": "high",
}
HTML = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def request_id(stack: Stack) -> str:
    correlation_id = f"PAGE-{time.time_ns()}"
    with stack.http() as client:
        answer = client.post("/api/v1/tasks", json=TASK, headers={"X-Request-ID": correlation_id})
        client.get(f"/api/v1/tasks/{answer.json()['task_id']}", params={"wait": 30})
    return correlation_id


def test_a_request_has_its_waterfall_attempt_and_links_within_seconds(stack: Stack, request_id: str, wait_until: Wait):
    def page() -> str:
        answer = client.get(f"/journeys/{request_id}", headers=HTML)
        return (
            answer.text if "simulate 100,000 scenarios" in answer.text and "accepted into high" in answer.text else ""
        )

    with stack.http() as client:
        shown = wait_until(page, 20, "the page shows all layers")
        document = client.get(f"/journeys/{request_id}", headers={"Accept": "application/json"}).json()

    assert "ran calculate_var → SUCCESS" in shown
    assert re.search(r"Attempt</h2>", shown)
    assert f"http://localhost:{stack.ports['KIBANA']}/app/discover#/" in shown
    (request,) = (request for request in document["requests"] if request["submitted"])
    assert f"http://localhost:{stack.ports['JAEGER']}/trace/{request['trace_id']}" in shown


def test_a_page_that_nobody_has_looked_at_is_made_from_one_search(
    stack: Stack, wait_until: Wait, measured: dict[str, str]
):
    correlation_id = f"FRESH-{time.time_ns()}"
    with stack.http() as client, stack.reader() as reader:
        client.post("/api/v1/tasks", json=TASK, headers={"X-Request-ID": correlation_id})
        wait_until(lambda: len(elasticsearch.find(reader, correlation_id).spans) >= 13, 20, "its spans are searchable")
        began = time.monotonic()
        page = client.get(f"/journeys/{correlation_id}", headers=HTML)
        measured["the journey page of a request, from Elasticsearch"] = f"{(time.monotonic() - began) * 1000:.0f} ms"

    assert "ran calculate_var → SUCCESS" in page.text


def test_the_home_page_lists_it_and_counts_the_requests(stack: Stack, request_id: str, wait_until: Wait):
    with stack.http() as client:
        shown = wait_until(
            lambda: text if request_id in (text := client.get("/", headers=HTML).text) else "", 20, "it is listed"
        )
    assert "calculate_var in high" in shown
    assert re.search(r"0 of [\d,]+ requests? answered in the last", shown)


def test_an_unknown_id_is_not_found_and_a_wrong_one_refused(stack: Stack):
    with stack.http() as client:
        assert client.get("/journeys/NOWHERE", headers=HTML).status_code == 404
        assert client.get('/journeys/a"b', headers=HTML).status_code == 400
