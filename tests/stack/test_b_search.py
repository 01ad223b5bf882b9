"""One search finds what one request caused, in every layer, soon."""

import itertools
import json
import os
import subprocess
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from tests import plain_http
from tests.stack.load import percentile, send
from tests.stack.searching import unparsed
from tests.stack.stack import Stack
from tests.system.nine import COMMAND
from throughline.journey import Found, elasticsearch
from throughline.journey.role import Role

Wait = Callable[..., Any]
SPECIFIED = {
    "task_type": "calculate_var",
    "data": {"portfolio_data": {"positions": [{"symbol": "AAPL", "quantity": 100, "price": 150.0}]}},
    "priority": "high",
}
LAYERS = {Role.NGINX, Role.API, Role.PUBLISH, Role.WAIT, Role.TAKE, Role.RUN, Role.PHASE}


@pytest.fixture(scope="module")
def request_id(stack: Stack) -> str:
    """A request that was answered and whose task is done."""
    correlation_id = f"SPECIFIED-{time.time_ns()}"
    with stack.http() as client:
        answer = client.post("/api/v1/tasks", json=SPECIFIED, headers={"X-Request-ID": correlation_id})
        task = client.get(f"/api/v1/tasks/{answer.json()['task_id']}").json()
        while task["status"] in {"PENDING", "STARTED"}:
            task = client.get(f"/api/v1/tasks/{task['task_id']}").json()
    assert task["result"]["var_amount"] == pytest.approx(983, rel=0.03)
    return correlation_id


def test_one_search_finds_all_layers_within_ten_seconds(
    stack: Stack, request_id: str, wait_until: Wait, measured: dict[str, str]
):
    began = time.monotonic()
    found = wait_until(lambda: _whole(stack, request_id), 10, "lines and spans of all layers are found")
    measured["a request's end → lines and spans of all layers in one search"] = f"{time.monotonic() - began:.1f} s"

    actions = {(line["service.name"], line["event.action"]) for line in found.log_lines}
    assert {("nginx", "request.completed"), ("api", "task.submitted"), ("worker", "task.succeeded")} <= actions
    assert {span.name for span in found.spans} == {
        *("nginx", "api", "publish high", "wait high", "take high", "run calculate_var"),
        *("validate", "correlate", "simulate", "draw", "reprice", "quantile", "contributions"),
    }


def test_jaeger_has_the_whole_chain_with_the_right_durations(stack: Stack, request_id: str, wait_until: Wait):
    found = wait_until(lambda: _whole(stack, request_id), 20, "all layers")
    answer = plain_http.get(f"{stack.url('JAEGER')}/api/traces/{found.spans[0].trace_id}").json()
    spans = {span["operationName"]: span for span in answer["data"][0]["spans"]}

    chain = ["simulate", "run calculate_var", "wait high", "publish high", "api", "nginx"]
    for child, parent in itertools.pairwise(chain):
        assert spans[child]["references"][0]["spanID"] == spans[parent]["spanID"]
    assert spans["nginx"]["references"] == []
    logged = {(line["service.name"], line["event.action"]): line for line in found.log_lines}
    for name, line in {
        "nginx": ("nginx", "request.completed"),
        "run calculate_var": ("worker", "task.succeeded"),
    }.items():
        assert spans[name]["duration"] / 1000 == pytest.approx(logged[line]["duration_ms"], abs=5)
    assert spans["nginx"]["startTime"] <= spans["api"]["startTime"] + 2000  # NGINX measures in milliseconds


def test_the_journey_command_draws_it_from_elasticsearch(stack: Stack, request_id: str, wait_until: Wait):
    wait_until(lambda: _whole(stack, request_id), 20, "all layers")
    drawn = _journey(stack, stack.secret("READER_PASSWORD"), request_id, "--logs")

    assert drawn.returncode == 0, drawn.stderr
    for words in ("POST /api/v1/tasks → 201", "waited in high", "ran calculate_var → SUCCESS", "slowest step: "):
        assert words in drawn.stdout
    (request,) = json.loads(_journey(stack, stack.secret("READER_PASSWORD"), request_id, "--json").stdout)["requests"]
    assert [step["role"] for step in request["steps"]][:6] == ["nginx", "api", "publish", "wait", "take", "run"]


def test_the_journey_command_says_what_is_wrong(stack: Stack, request_id: str):
    answer = _journey(stack, "wrong", request_id)
    assert answer.returncode == 1
    assert "wrong user or password" in answer.stderr


def test_a_line_is_searchable_soon_after_it_was_written(stack: Stack, measured: dict[str, str]):
    prefix = f"SOON-{time.time_ns()}"
    sending = threading.Thread(target=send, args=(stack, prefix, 200, 10))
    sending.start()
    late = _latencies(stack, prefix, lines=200 * 5, deadline=time.monotonic() + 40)
    sending.join()

    p50, p95 = percentile(late, 50), percentile(late, 95)
    measured["log line written → searchable, 200 requests"] = f"p50 {p50:.2f} s, p95 {p95:.2f} s"
    assert p95 < 10


def test_a_line_outside_the_vocabulary_is_kept_apart_with_the_reason(stack: Stack, wait_until: Wait):
    word = f"word{time.time_ns()}"
    odd = json.dumps({"log.level": "info", "service.name": "monitor", "service.node.name": "x", "stray": word})
    ours = {"log.level": "info", "service.name": "monitor", "service.node.name": "x", "message": word + "b"}
    wrong = json.dumps(ours | {"duration_ms": "long"})
    program = f"printf '%s\\n' 'plain {word}' '{odd}' '{wrong}' > /proc/1/fd/1"
    stack.docker("exec", stack.container("monitor"), "sh", "-c", program)

    (plain,) = wait_until(lambda: unparsed(stack, f"plain {word}"), 20, "the plain line is kept")
    assert plain["reason"] == "not a JSON line of the vocabulary"
    assert plain["container"] == stack.container("monitor")
    (refused,) = wait_until(lambda: unparsed(stack, word), 20, "the odd line is kept")[:1]
    assert "reason" in refused or "error.message" in refused
    (badly_typed,) = wait_until(lambda: unparsed(stack, f"{word}b"), 20, "the badly typed line is kept")
    assert "duration_ms" in badly_typed["error.message"]


def test_messages_of_redis_and_nginx_are_kept_too(stack: Stack, wait_until: Wait):
    wait_until(lambda: unparsed(stack, "Ready to accept connections"), 20, "Redis's first words")


def test_span_metrics_are_there_for_prometheus(stack: Stack, request_id: str, wait_until: Wait):
    def series() -> list[str]:
        text = plain_http.get(f"{stack.url('METRICS')}/metrics").text
        return [line for line in text.splitlines() if "run calculate_var" in line and "_bucket" in line]

    assert wait_until(series, 20, "the run span's histogram")


def _whole(stack: Stack, correlation_id: str) -> Found | None:
    with stack.reader() as client:
        found = elasticsearch.find(client, correlation_id)
    services = {line["service.name"] for line in found.log_lines}
    done = any(line.get("event.action") == "task.succeeded" for line in found.log_lines)
    whole = done and {span.role for span in found.spans} == LAYERS and services == {"nginx", "api", "worker"}
    return found if whole else None


def _journey(stack: Stack, password: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    own = {"ELASTICSEARCH_URL": stack.url("ELASTICSEARCH"), "ELASTICSEARCH_PASSWORD": password}
    command = [str(COMMAND), "journey", *arguments]
    return subprocess.run(command, env=os.environ | own, capture_output=True, text=True, timeout=30, check=False)


def _latencies(stack: Stack, prefix: str, lines: int, deadline: float) -> list[float]:
    seen: dict[str, float] = {}
    query = {"size": 2000, "query": {"prefix": {"correlation_id": prefix}}, "_source": ["@timestamp"]}
    with stack.reader() as client:
        while len(seen) < lines and time.monotonic() < deadline:
            answer = client.ask("POST", "/logs-throughline-default/_search", query)
            now = time.time()
            for hit in answer["hits"]["hits"]:
                written = datetime.fromisoformat(hit["_source"]["@timestamp"]).timestamp()
                seen.setdefault(hit["_id"], now - written)
            time.sleep(0.1)
    assert len(seen) >= lines
    return list(seen.values())
