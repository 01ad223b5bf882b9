"""A release as it is installed: every pod is ready, and a request leaves a whole journey."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.cluster.release import NINE, Release
from throughline.journey import Found, assemble, elasticsearch
from throughline.journey.elasticsearch_client import Unanswered
from throughline.journey.role import Role

Wait = Callable[..., Any]
LAYERS = {Role.NGINX, Role.API, Role.PUBLISH, Role.WAIT, Role.TAKE, Role.RUN, Role.PHASE}
SEED = {
    "task_type": "calculate_var",
    "data": {"portfolio_data": {"positions": [{"symbol": "AAPL", "quantity": 100, "price": 150.0}]}},
    "priority": "high",
}


def test_all_nine_are_ready_and_none_was_started_twice(release: Release):
    pods = {part: release.pods(part) for part in NINE}
    assert {part: len(found) for part, found in pods.items()} == NINE
    assert [pod.name for found in pods.values() for pod in found if not pod.ready] == []
    assert [pod.name for found in pods.values() for pod in found if pod.restarts] == []


def test_the_seeds_request_succeeds_through_the_service_and_leaves_a_whole_journey(
    release: Release, wait_until: Wait, measured: dict[str, str]
):
    correlation_id = f"SEED-{time.time_ns()}"
    with release.http() as client:
        answer = client.post("/api/v1/tasks", json=SEED, headers={"X-Request-ID": correlation_id})
        task = client.get(f"/api/v1/tasks/{answer.json()['task_id']}", params={"wait": 30}).json()
    assert answer.status_code == 201
    assert task["status"] == "SUCCESS"
    assert task["result"]["var_amount"] == pytest.approx(983, rel=0.03)

    began = time.monotonic()
    found = wait_until(
        lambda: _whole(release, correlation_id), 60, "lines and spans of all layers are in Elasticsearch"
    )
    measured["a request's end → lines and spans of all layers in one search"] = f"{time.monotonic() - began:.1f} s"
    pods = {part: {pod.name for pod in release.pods(part)} for part in ("nginx", "api", "worker")}
    for line in found.log_lines:
        assert line["service.node.name"] in pods[line["service.name"]]
        assert line["service.version"] == release.tag
    (request,) = assemble(correlation_id, found).requests
    roles = {Role.NGINX: "nginx", Role.API: "api", Role.PUBLISH: "api", Role.WAIT: "worker", Role.RUN: "worker"}
    nodes = {step.role: step.node for step in request.steps if step.role in roles}
    assert nodes.keys() == roles.keys()
    assert {role: node for role, node in nodes.items() if node not in pods[roles[role]]} == {}


def _whole(release: Release, correlation_id: str) -> Found | None:
    with release.reader() as client:
        try:
            found = elasticsearch.find(client, correlation_id)
        except Unanswered:  # it has just become ready
            return None
    services = {line["service.name"] for line in found.log_lines}
    done = any(line.get("event.action") == "task.succeeded" for line in found.log_lines)
    whole = done and {span.role for span in found.spans} == LAYERS and services == {"nginx", "api", "worker"}
    return found if whole else None
