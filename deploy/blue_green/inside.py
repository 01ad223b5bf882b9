"""Runs in the cluster, in the new version's image: asks its replicas, sends a task and looks for its journey.

`check` prints what it looked at as JSON, `[[what, what is wrong], …]`. `probe` sends a request every two seconds.
"""

import json
import os
import secrets
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import httpx

_REACH_SECONDS: Final = 20  # a NetworkPolicy lets a new pod through after a moment
_TASK_SECONDS: Final = 60
_JOURNEY_SECONDS: Final = 60
_PROBE_SECONDS: Final = 2.0
_SEED: Final = "calculate_var"
_SEEN_OF_A_TASK: Final = {"publish", "wait", "run"}

Check = tuple[str, str]


def main() -> int:
    plan: dict[str, Any] = json.loads(os.environ["PLAN"])
    key = os.environ.get("THROUGHLINE_API_KEY", "")
    with httpx.Client(headers={"Authorization": f"Bearer {key}"} if key else {}, timeout=35, trust_env=False) as client:
        if sys.argv[1] == "probe":
            probe(client, plan)
        else:
            sys.stdout.write(json.dumps(checks(client, plan)) + "\n")
    return 0


def checks(client: httpx.Client, plan: dict[str, Any]) -> list[Check]:
    """A check that fails ends them: what follows stands on it."""
    done: list[Check] = []
    task: dict[str, Any] = {}
    for name, url in plan["replicas"].items():
        done.append((f"{name}: /health/ready", _until(_REACH_SECONDS, partial(_ready, client, url))))
    if not any(wrong for _, wrong in done):
        what, wrong, task = _run_task(client, plan)
        done.append((what, wrong))
    if task and plan["journey"]:
        wrong = _until(_JOURNEY_SECONDS, lambda: _journey(client, plan, task["task_id"]))
        done.append((f"journey of {plan['correlation_id']}", wrong))
    return done


def probe(client: httpx.Client, plan: dict[str, Any]) -> None:
    """Until the pod is deleted, or for the time given. What came of it is told by NGINX's lines, not here."""
    body, number, deadline = _body(client, plan["url"]), 0, time.monotonic() + plan["seconds"]
    while time.monotonic() < deadline:
        try:
            client.post(plan["url"] + "/api/v1/tasks", json=body, headers=_named(f"{plan['correlation_id']}-{number}"))
        except httpx.HTTPError as error:
            sys.stderr.write(f"{number}: {error!r}\n")
        number += 1
        time.sleep(_PROBE_SECONDS)


def _ready(client: httpx.Client, url: str) -> str:
    answer = client.get(url + "/health/ready")
    return "" if answer.status_code == 200 else f"answered {answer.status_code}: {answer.text[:200]}"


def _run_task(client: httpx.Client, plan: dict[str, Any]) -> tuple[str, str, dict[str, Any]]:
    """What was done, what is wrong with it, and the task's record where nothing is."""
    body = _body(client, plan["url"])
    what = f"{body['task_type']} as {plan['correlation_id']}"
    answer = client.post(plan["url"] + "/api/v1/tasks", json=body, headers=_named(plan["correlation_id"]))
    if answer.status_code != 201:
        return what, f"answered {answer.status_code}: {answer.text[:300]}", {}
    url = f"{plan['url']}/api/v1/tasks/{answer.json()['task_id']}"
    task: dict[str, Any] = {}

    def ended() -> str:
        task.update(client.get(url, params={"wait": 10}).json())
        return "" if task.get("finished_at") else f"has not ended: {task.get('status')}"

    wrong = _until(_TASK_SECONDS, ended)
    if not wrong and task["status"] != "SUCCESS":
        wrong = f"ended as {task['status']}: {task.get('error')}"
    if not wrong and task["correlation_id"] != plan["correlation_id"]:
        wrong = f"has the correlation ID {task['correlation_id']}"
    return what, wrong, {} if wrong else task


def _body(client: httpx.Client, url: str) -> dict[str, Any]:
    """The seed's request, or the example of another type where the calculations are not installed."""
    types: list[dict[str, Any]] = []

    def read() -> str:
        answer = client.get(url + "/api/v1/task-types")
        answer.raise_for_status()
        types.extend(answer.json()["task_types"])
        return ""

    if wrong := _until(_REACH_SECONDS, read):
        raise SystemExit(f"{url}/api/v1/task-types: {wrong}")
    with_example = [each for each in types if each.get("example") is not None]
    chosen = next((each for each in with_example if each["task_type"] == _SEED), (with_example or types)[0])
    example: dict[str, Any] = chosen.get("example") or {"task_type": chosen["task_type"], "data": {}}
    return example | {"priority": "high"}


def _journey(client: httpx.Client, plan: dict[str, Any], task_id: str) -> str:
    """Complete from the api on: the request does not come through NGINX, which knows the active colour only."""
    url = f"{plan['monitor']}/journeys/{plan['correlation_id']}"
    answer = client.get(url, headers={"Accept": "application/json"})
    if answer.status_code != 200:
        return f"answered {answer.status_code}: {answer.text[:200]}"
    requests = [each for each in answer.json()["requests"] if each["task_id"] == task_id]
    roles = {step["role"] for request in requests for step in request["steps"]}
    if missing := _SEEN_OF_A_TASK - roles:
        return f"incomplete, without {', '.join(sorted(missing))}"
    return "" if requests[0]["status"] == "SUCCESS" else f"shows the task as {requests[0]['status']}"


def _named(correlation_id: str) -> dict[str, str]:
    """Sampled, whatever the release samples: its journey is looked at."""
    trace = f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
    return {"X-Request-ID": correlation_id, "Idempotency-Key": correlation_id, "traceparent": trace}


def _until(seconds: float, look: Callable[[], str]) -> str:
    """What is still wrong after the time; empty once nothing is."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            wrong = look()
        except (httpx.HTTPError, ValueError, KeyError) as error:
            wrong = f"{type(error).__name__}: {error}"
        if not wrong or time.monotonic() > deadline:
            return wrong
        time.sleep(0.5)


if __name__ == "__main__":
    sys.exit(main())
