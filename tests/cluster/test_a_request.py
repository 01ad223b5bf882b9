"""A release as it is installed: every pod is ready, and a request leaves a whole journey."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.cluster.release import NINE, Release

Wait = Callable[..., Any]
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


def test_the_seeds_request_succeeds_through_the_service(release: Release):
    with release.http() as client:
        answer = client.post("/api/v1/tasks", json=SEED)
        task = client.get(f"/api/v1/tasks/{answer.json()['task_id']}", params={"wait": 30}).json()
    assert answer.status_code == 201
    assert task["status"] == "SUCCESS"
    assert task["result"]["var_amount"] == pytest.approx(983, rel=0.03)
