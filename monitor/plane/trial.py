"""`python -m monitor.plane.trial [spans|lines|record]`: one request through NGINX and its journey, for `helm test`.

The word says where the journey can be seen: in spans and log lines, in log lines at least, or, where there is no
Elasticsearch, in the task's own record alone.
"""

import secrets
import sys
import time
from typing import Any, Final, Literal, cast

import httpx
from opentelemetry import context, trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from throughline.client import Client
from throughline.client.address import authorization, checked_url
from throughline.client.errors import Forbidden, InvalidRequest, ThroughlineError, Unauthorized
from throughline.settings.command import CommandSettings

Seen = Literal["spans", "lines", "record"]
_SEED: Final = "calculate_var"
_REACH_SECONDS: Final = 60
_TASK_SECONDS: Final = 60
_JOURNEY_SECONDS: Final = 90  # Filebeat and the collector may just have started
_POLL_SECONDS: Final = 0.5
_KEY_NEEDED: Final = (
    "The service asks for an API key. Put one of the scope admin, which the journey page asks for, under `test-key` "
    "into the Secret that `apiKeysSecret` names, and run `helm test` again."
)


class TrialFailed(Exception):
    """What went wrong, and what to look at."""


def main() -> int:
    """0 when the request was run and its journey is as complete as it can be seen."""
    seen = cast("Seen", sys.argv[1] if len(sys.argv) > 1 else "spans")
    url, key = _service()
    with (
        httpx.Client(base_url=url, headers=authorization(key), timeout=15, trust_env=False) as http,
        Client(url, api_key=key, deadline=_REACH_SECONDS) as client,
    ):
        try:
            _try(http, client, seen)
            return 0
        except TrialFailed as failed:
            _complain(failed)
        except (Unauthorized, Forbidden):
            _complain(_KEY_NEEDED)
        except (ThroughlineError, httpx.HTTPError) as error:
            _complain(f"{type(error).__name__}: {error}")
    return 1


def _service() -> tuple[str, str | None]:
    settings = CommandSettings.load()
    name = "THROUGHLINE_URL"
    try:
        url = checked_url(settings.throughline_url)
        name, key = "THROUGHLINE_API_KEY", settings.throughline_api_key or None
        authorization(key)
    except InvalidRequest as error:
        raise SystemExit(f"{name}: {error}") from None
    return url, key


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _complain(of: object) -> None:
    sys.stderr.write(f"{of}\n")


def _try(http: httpx.Client, client: Client, seen: Seen) -> None:
    correlation_id = f"HELM-TEST-{secrets.token_hex(4)}"
    task_type, data = _example(http)
    context.attach(trace.set_span_in_context(_sampled()))
    submitted = client.submit(task_type, data, priority="high", correlation_id=correlation_id)
    _say(f"201: {task_type} is task {submitted.task_id}, under the correlation ID {correlation_id}")
    task = submitted.wait(_TASK_SECONDS)
    if task["status"] != "SUCCESS":
        raise TrialFailed(f"The task ended as {task['status']}: {task.get('error')}")
    worker = task["attempts"][-1]["worker"]
    _say(f"SUCCESS on {worker}: waited {task['queue_wait_ms']} ms, ran {task['run_ms']} ms")
    if seen == "record":
        changes = ", ".join(change["status"] for change in submitted.timeline()["changes"])
        _say(f"Its timeline, from its record: {changes}")
        _say("Not checked: the journey. Log lines and spans go to no Elasticsearch that this release knows.")
    else:
        _tell(_journey(http, correlation_id, submitted.task_id, seen), http, correlation_id)


def _example(http: httpx.Client) -> tuple[str, Any]:
    """The seed's request, or the example of another type where the calculations are not installed."""
    types = _task_types(http)
    offered = [each for each in types if each.get("example")]
    if not offered:
        raise TrialFailed("No task type on offer has an example that could be sent: see GET /api/v1/task-types.")
    chosen = next((each for each in offered if each["task_type"] == _SEED), offered[0])
    return chosen["task_type"], chosen["example"]["data"]


def _task_types(http: httpx.Client) -> list[dict[str, Any]]:
    deadline = time.monotonic() + _REACH_SECONDS
    while True:
        try:
            answer = http.get("/api/v1/task-types")
        except httpx.TransportError as error:
            if time.monotonic() > deadline:
                raise TrialFailed(f"{http.base_url} does not answer: {type(error).__name__}: {error}") from None
        else:
            if answer.status_code in {401, 403}:
                raise TrialFailed(_KEY_NEEDED)
            if answer.status_code == 200:
                types: list[dict[str, Any]] = answer.json()["task_types"]
                return types
            if time.monotonic() > deadline:
                raise TrialFailed(f"{answer.url} answers {answer.status_code}: {answer.text[:300]}")
        time.sleep(_POLL_SECONDS)


def _sampled() -> NonRecordingSpan:
    """A caller's span, so that the request is sampled whatever share the release samples."""
    ids = secrets.randbits(127) + 1, secrets.randbits(63) + 1
    return NonRecordingSpan(SpanContext(*ids, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED)))


def _journey(http: httpx.Client, correlation_id: str, task_id: str, seen: Seen) -> dict[str, Any]:
    """The page's document, once the whole way is in it."""
    deadline = time.monotonic() + _JOURNEY_SECONDS
    while True:
        answer = http.get(f"/journeys/{correlation_id}", headers={"Accept": "application/json"})
        if answer.status_code in {401, 403}:
            raise TrialFailed(_KEY_NEEDED)
        found = answer.json()
        if answer.status_code == 200 and (found["complete"] or (seen == "lines" and _has_ended(found, task_id))):
            return cast("dict[str, Any]", found)
        if time.monotonic() > deadline:
            missing = found.get("detail") or f"Its steps so far: {', '.join(_steps(found))}."
            raise TrialFailed(f"Its journey is not complete after {_JOURNEY_SECONDS} s. {missing}")
        time.sleep(_POLL_SECONDS)


def _has_ended(found: dict[str, Any], task_id: str) -> bool:
    tasks = [task for request in found["requests"] for task in request["tasks"]]
    return any(task["task_id"] == task_id and task["status"] == "SUCCESS" for task in tasks)


def _steps(found: dict[str, Any]) -> list[str]:
    return [step["name"] for request in found["requests"] for step in request["steps"]]


def _tell(found: dict[str, Any], http: httpx.Client, correlation_id: str) -> None:
    how = "complete" if found["complete"] else "seen in log lines alone"
    _say(f"Its journey is {how}:")
    for request in found["requests"]:
        for step in request["steps"]:
            _say(f"  {'  ' * step['depth']}{step['name']} on {step['node']}: {step['duration_ms']} ms")
    _say(f"{http.base_url}/journeys/{correlation_id}")


if __name__ == "__main__":
    sys.exit(main())
