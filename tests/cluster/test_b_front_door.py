"""What somebody sees who has just installed the chart, and what NGINX answers while something behind it is away."""

import re
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from tests.cluster.release import Release
from tests.cluster.test_a_request import SEED
from throughline.client import Client

Wait = Callable[..., Any]


def test_helm_test_finds_the_journey_of_the_seeds_request(release: Release):
    command = ["helm", "--kube-context", release.cluster.context, "test", release.name, "-n", release.namespace]
    done = subprocess.run([*command, "--hide-notes"], capture_output=True, text=True, timeout=320, check=False)

    told = done.stderr  # what the pod printed; Helm's own words are on the other one
    assert done.returncode == 0, told
    assert "Phase:          Succeeded" in done.stdout
    assert "201: calculate_var is task" in told
    assert f"SUCCESS on {release.name}-worker-" in told
    assert "Its journey is complete:" in told
    assert "journey-test" not in release.kubectl("get", "pods", "-o", "name")


def test_the_commands_of_the_notes_do_what_they_say(release: Release):
    notes = release.cluster.helm("get", "notes", release.name, "-n", release.namespace)
    commands = re.findall(r"^  ((?:kubectl|curl|ADDRESS=).*)$", notes, re.MULTILINE)
    here = [line for line in commands if "port-forward" not in line]
    assert sum("curl" in line for line in here) >= 1

    script = "\n".join(["set -eu", *here])
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=120, check=False)

    assert done.returncode == 0, done.stderr
    assert '"status":"PENDING"' in done.stdout
    assert done.stdout.rstrip().endswith(release.secret("elastic-password"))


def test_no_pod_of_the_release_may_do_more_than_the_restricted_standard_allows(release: Release):
    namespaces = release.cluster.objects("namespaces")
    labels = next(it["metadata"]["labels"] for it in namespaces if it["metadata"]["name"] == release.namespace)
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"

    events = release.cluster.objects("events", "-n", release.namespace, "--field-selector", "reason=FailedCreate")
    assert [it["message"] for it in events if "violates PodSecurity" in it["message"]] == []


def test_while_redis_is_away_the_api_says_so_itself(release: Release, wait_until: Wait):
    release.kubectl("scale", f"statefulset/{release.name}-redis", "--replicas=0")
    try:
        wait_until(lambda: not any(pod.ready for pod in release.pods("api")), 90, "no replica is ready")
        with release.http() as client:
            answers = [client.post("/api/v1/tasks", json=SEED) for _ in range(10)]
        assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(503, "BROKER_UNAVAILABLE")}
        assert {answer.headers["content-type"] for answer in answers} == {"application/problem+json"}
    finally:
        release.kubectl("scale", f"statefulset/{release.name}-redis", "--replicas=1")
    wait_until(release.is_ready, 120, "all nine are ready again")
    with release.http() as client:
        wait_until(lambda: client.post("/api/v1/tasks", json=SEED).status_code == 201, 60, "tasks are taken again")


def test_a_pod_of_nginx_that_is_told_to_go_answers_what_it_holds(release: Release, wait_until: Wait):
    release.kubectl("scale", f"deployment/{release.name}-worker", "--replicas=0")
    try:
        wait_until(lambda: not release.pods("worker"), 90, "no worker is left")
        with release.http() as client:
            task_id = client.post("/api/v1/tasks", json=SEED).json()["task_id"]
        with ThreadPoolExecutor(8) as pool:  # through either pod of NGINX
            held = [pool.submit(_held, release, task_id) for _ in range(8)]
            time.sleep(1)  # until all of them are held
            release.kubectl("delete", "pod", release.pods("nginx")[0].name, "--wait=false")
            assert {each.result(60) for each in held} == {200}
    finally:
        release.kubectl("scale", f"deployment/{release.name}-worker", "--replicas=3")
    wait_until(release.is_ready, 120, "all nine are ready again")


def _held(release: Release, task_id: str) -> int:
    with release.http() as client:
        return client.get(f"/api/v1/tasks/{task_id}", params={"wait": 20}).status_code


def test_a_client_that_asks_again_does_not_notice_that_a_pod_of_nginx_is_killed(release: Release, wait_until: Wait):
    with release.http() as http:
        url = str(http.base_url)
    name = f"KILLED-NGINX-{time.time_ns()}"
    with Client(url, deadline=60) as client:
        for number in range(40):
            if number == 10:
                release.kubectl("delete", "pod", release.pods("nginx")[0].name, "--grace-period=0", "--force")
            client.submit("calculate_var", SEED["data"], correlation_id=name)
        assert len(client.tasks_of(name)) == 40
    wait_until(release.is_ready, 120, "all nine are ready again")


def test_the_page_is_there_while_one_monitor_is_not(release: Release, wait_until: Wait):
    release.kubectl("delete", "pod", release.pods("monitor")[0].name, "--wait=false")

    with release.http() as client:
        answers = {(path, _page(client, path)) for _ in range(20) for path in ("/", "/journeys/NO-SUCH-ID", "/tasks")}

    assert {status for _, status in answers} <= {200, 404}, answers
    wait_until(release.is_ready, 120, "all nine are ready again")


def _page(client: httpx.Client, path: str) -> int:
    time.sleep(0.1)
    return client.get(path, headers={"Accept": "text/html"}).status_code
