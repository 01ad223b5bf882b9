"""What Redis and PostgreSQL hold, and under which passwords, outlives their pods and an upgrade."""

import json
from collections.abc import Callable
from typing import Any

import yaml

from tests.cluster.release import Release
from tests.cluster.test_a_request import SEED

Wait = Callable[..., Any]


def test_fifty_waiting_tasks_outlive_the_pod_of_redis(release: Release, wait_until: Wait):
    release.kubectl("scale", f"deployment/{release.name}-worker", "--replicas=0")
    wait_until(lambda: release.pods("worker") == [], 120, "no worker is left")
    task_ids = submitted(release, 50)
    before = uid(release, "redis")

    release.kubectl("delete", "pod", f"{release.name}-redis-0", seconds=120)
    wait_until(lambda: uid(release, "redis") not in ("", before), 120, "another pod of Redis is ready")
    release.kubectl("scale", f"deployment/{release.name}-worker", "--replicas=3")

    wait_until(release.is_ready, 120, "all nine are ready again")
    with release.http() as client:
        tasks = [client.get(f"/api/v1/tasks/{task_id}", params={"wait": 30}).json() for task_id in task_ids]
    assert {task["status"] for task in tasks} == {"SUCCESS"}
    assert {len(task["attempts"]) for task in tasks} == {1}


def test_an_upgrade_keeps_the_passwords_and_restarts_neither_store(release: Release):
    before = secret_of(release), uid(release, "redis"), uid(release, "postgres")

    release.upgrade("--set", "nginx.settings.RATE_LIMIT_BURST=3000")

    assert (secret_of(release), uid(release, "redis"), uid(release, "postgres")) == before
    release.restore()


def test_a_password_that_a_later_version_adds_comes_into_the_secret_beside_the_others(release: Release):
    before = secret_of(release)
    lacking = {key: value for key, value in before.items() if key != "jaeger-password"}
    patch_secret(release, {"op": "remove", "path": "/data/jaeger-password"})
    try:
        # Nothing is restarted for the try.
        printed = json.loads(release.upgrade("--dry-run=server", "--output", "json", wait=False))
    finally:
        patch_secret(release, {"op": "add", "path": "/data/jaeger-password", "value": before["jaeger-password"]})

    objects = [each for each in yaml.safe_load_all(printed["manifest"]) if each]
    after = next(each["data"] for each in objects if each["metadata"]["name"] == f"{release.name}-passwords")

    assert after.pop("jaeger-password") not in ("", before["jaeger-password"])
    assert after == lacking


def patch_secret(release: Release, change: dict[str, str]) -> None:
    release.kubectl("patch", "secret", f"{release.name}-passwords", "--type=json", "-p", json.dumps([change]))


def submitted(release: Release, count: int) -> list[str]:
    with release.http() as client:
        return [client.post("/api/v1/tasks", json=SEED).raise_for_status().json()["task_id"] for _ in range(count)]


def uid(release: Release, part: str) -> str:
    """Of its pod, once it is ready: it keeps its name."""
    return next((pod.found["metadata"]["uid"] for pod in release.pods(part) if pod.ready and not pod.ending), "")


def secret_of(release: Release) -> dict[str, str]:
    found = release.cluster.objects("secrets", "-n", release.namespace)
    return next(it["data"] for it in found if it["metadata"]["name"] == f"{release.name}-passwords")
