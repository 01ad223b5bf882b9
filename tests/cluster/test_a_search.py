"""What a release prints is found: each line once and each span once, under the names of its pods."""

import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests import plain_http
from tests.cluster.release import Release

Wait = Callable[..., Any]
TASK = {
    "task_type": "calculate_var",
    "data": {
        "portfolio_data": {"positions": [{"symbol": "AAPL", "quantity": 100, "price": 150.0}]},
        "simulations": 1000,
    },
}
STEPS = ("nginx", "api", "publish", "wait", "run")


@pytest.fixture
def run() -> str:
    """What the correlation IDs of one test begin with."""
    return f"search-{uuid.uuid4().hex[:12]}"


def test_every_line_of_a_request_is_found_once(release: Release, run: str, wait_until: Wait):
    submit(release, run, 20)

    wait_until(lambda: found(release, run) == printed(release, run) != Counter(), 60, "each line is found once")


def test_its_journey_is_complete_and_names_the_pods(release: Release, run: str, wait_until: Wait):
    submit(release, run, 1)
    pods = {pod.name for part in ("nginx", "api", "worker") for pod in release.pods(part)}

    def whole() -> list[dict[str, Any]] | None:
        with release.http(headers={"Accept": "application/json"}) as client:
            answer = client.get(f"/journeys/{run}-0")
        (request,) = answer.json()["requests"] if answer.status_code == 200 else (None,)
        if request is None or request["source"] != "spans":
            return None
        steps: list[dict[str, Any]] = request["steps"]
        return steps if {step["role"] for step in steps} >= set(STEPS) else None

    steps = wait_until(whole, 60, "the journey is made of spans and has every step")

    assert {step["node"] for step in steps} <= pods
    assert [step["name"] for step in steps].count("nginx") == 1


def test_no_line_is_lost_or_doubled_when_filebeats_pod_goes(release: Release, run: str, wait_until: Wait):
    for number in range(60):
        submit(release, f"{run}-{number}", 1)
        if number in (20, 40):  # once without any notice
            force = ["--grace-period=0", "--force"] if number == 20 else ["--wait=false"]
            (pod, *_) = [pod for pod in release.pods("filebeat") if not pod.ending]
            release.kubectl("delete", "pod", pod.name, "-n", release.filebeat_namespace, *force)

    wait_until(lambda: found(release, run) == printed(release, run) != Counter(), 120, "each line is found once")


def test_prometheus_reaches_every_target_and_its_rules_are_sound(release: Release, wait_until: Wait):
    def asked(path: str) -> Any:
        return plain_http.get(f"{release.url('prometheus', 9090)}/api/v1/{path}", timeout=20).json()["data"]

    def targets() -> Counter[str]:
        return Counter(
            target["labels"]["job"] for target in asked("targets")["activeTargets"] if target["health"] == "up"
        )

    everything = Counter({"monitor": 2, "spans": 1, "otel-collector": 1, "log-lag": 1, "prometheus": 1})
    wait_until(lambda: targets() == everything, 60, "every target is up")
    rules = [rule for group in asked("rules")["groups"] for rule in group["rules"]]
    wait_until(lambda: all(rule["health"] != "unknown" for rule in rules), 60, "every rule was evaluated")
    assert [rule["name"] for rule in rules if rule["health"] == "err"] == []


def submit(release: Release, run: str, how_many: int) -> None:
    with release.http() as client:
        for number in range(how_many):
            answer = client.post("/api/v1/tasks", json=TASK, headers={"X-Request-ID": f"{run}-{number}"})
            assert answer.status_code == 201, answer.text


def printed(release: Release, run: str) -> Counter[str]:
    """Pod → how many lines of the run it printed."""
    count: Counter[str] = Counter()
    for part in ("nginx", "api", "worker"):
        for pod in release.pods(part):
            lines = [line for line in release.printed(pod.name) if str(line.get("correlation_id")).startswith(run)]
            count[pod.name] += len(lines)
    return +count


def found(release: Release, run: str) -> Counter[str]:
    """Pod → how many documents Elasticsearch has of them."""
    query = {"prefix": {"correlation_id": run}}
    body = {"size": 0, "query": query, "aggs": {"pods": {"terms": {"field": "service.node.name", "size": 50}}}}
    with release.reader() as reader:
        answer = reader.ask("POST", "/logs-throughline-default/_search", body)
    return Counter({each["key"]: each["doc_count"] for each in answer["aggregations"]["pods"]["buckets"]})
