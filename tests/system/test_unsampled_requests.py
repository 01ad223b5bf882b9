"""Requests that leave no spans, on the real nine: their journeys are whole, right, and say what they are made of."""

import json
import re
from collections.abc import Callable, Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.system.nine import Nine
from tests.system.test_journey_of_changes import TASKS
from throughline.journey import Found, assemble, find
from throughline.journey.journey import Journey, Source, Step
from throughline.journey.role import Role

Wait = Callable[..., Any]
UNSAMPLED = "Drawn from log lines: this request leaves no spans (it is not sampled)."
JSON = {"Accept": "application/json"}
TRACE = "4bf92f3577b34da6a3ce929d0e0e47"
STEPS = ["nginx", "api", "publish medium", "wait medium", "take medium", "run stumble"]
# A line is written when what it tells of has just ended: on a busy machine its process may stand still in between, and
# NGINX reads its clock, which has milliseconds, once a round of its event loop.
TOLERANCE_NS = 500 * 10**6


def nine_with(folder: Path, **environment: str) -> Nine:
    (folder / "stumbling_tasks.py").write_text(TASKS)
    own = {"PYTHONPATH": str(folder), "TASK_MODULES": "stumbling_tasks", "JAEGER_PUBLIC_URL": "http://jaeger.test"}
    retries = {"TASK_RETRY_SECONDS": "1", "TASK_MAX_RETRIES": "1"}
    return Nine(folder / "var", WORKER_REPLICAS="1", API_REPLICAS="2", **own, **retries, **environment)


@pytest.fixture(scope="module")
def nine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nine]:
    with nine_with(tmp_path_factory.mktemp("unsampled")) as running:
        yield running


def submit(client: httpx.Client, correlation_id: str, trace: str = "", **data: Any) -> str:
    headers = {"X-Request-ID": correlation_id} | ({"traceparent": trace} if trace else {})
    answer = client.post("/api/v1/tasks", json={"task_type": "stumble", "data": data}, headers=headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["task_id"])


def ended(client: httpx.Client, task_id: str) -> str:
    return str(client.get(f"/api/v1/tasks/{task_id}", params={"wait": 30}).json()["status"])


def shown(nine: Nine, correlation_id: str) -> dict[str, Any]:
    """What the terminal's JSON has of the ID's only request."""
    printed = nine.run("journey", correlation_id, "--json")
    if printed.returncode:
        return {"steps": [], "status": None}
    (request,) = json.loads(printed.stdout)["requests"]
    return dict(request)


def assert_drawn_from_lines(nine: Nine, correlation_id: str, steps: list[str], wait_until: Wait) -> None:
    """In the terminal, in the JSON and on the page."""
    wait_until(lambda: shown(nine, correlation_id)["status"] == "SUCCESS", 20, "its lines are written")
    wait_until(lambda: len(shown(nine, correlation_id)["steps"]) == len(steps), 20, "all of its lines are")
    request = shown(nine, correlation_id)
    assert [step["name"] for step in request["steps"]] == steps
    assert (request["source"], request["sampled"]) == ("log lines", False)
    assert request["queue_wait_ms"] > 0
    assert request["run_ms"] > 0
    assert request["tasks"][0]["attempt"] == 1
    assert UNSAMPLED in nine.run("journey", correlation_id).stdout
    with nine.http() as client:
        (as_json,) = client.get(f"/journeys/{correlation_id}", headers=JSON).json()["requests"]
        page = client.get(f"/journeys/{correlation_id}").text
        home = client.get("/").text
    assert ([step["name"] for step in as_json["steps"]], as_json["status"]) == (steps, "SUCCESS")
    assert UNSAMPLED in page
    assert "ran stumble → SUCCESS" in page
    assert "jaeger.test" not in page
    assert re.search(rf"{correlation_id}.*?SUCCESS", home, re.DOTALL)


def test_a_callers_flag_00_is_honoured_and_its_journey_is_drawn_from_lines(nine: Nine, wait_until: Wait):
    with nine.http() as client:
        task_id = submit(client, "FLAG-00", f"00-{TRACE}01-00f067aa0ba902b7-00")
        assert ended(client, task_id) == "SUCCESS"

    assert_drawn_from_lines(nine, "FLAG-00", STEPS, wait_until)


def test_so_is_that_of_a_request_past_nginx(nine: Nine, wait_until: Wait):
    with nine.http(nine.replica_urls[0]) as client:
        assert ended(client, submit(client, "DIRECT-00", f"00-{TRACE}02-00f067aa0ba902b7-00")) == "SUCCESS"

    wait_until(lambda: len(shown(nine, "DIRECT-00")["steps"]) == len(STEPS) - 1, 20, "all lines are written")
    request = shown(nine, "DIRECT-00")
    assert [step["name"] for step in request["steps"]] == STEPS[1:]
    assert (request["status"], request["source"], request["sampled"]) == ("SUCCESS", "log lines", False)


@pytest.mark.parametrize("data", [{}, {"failures": 1}, {"failures": 2}, {"seconds": 2}])
def test_the_lines_of_a_sampled_request_tell_what_its_spans_tell(nine: Nine, wait_until: Wait, data: dict[str, Any]):
    correlation_id = f"BOTH-{len(data)}-{data.get('failures', 0)}"
    with nine.http() as client:
        status = ended(client, submit(client, correlation_id, **data))
    wait_until(lambda: of_spans(nine, correlation_id) is not None, 20, "all spans are written")

    by_spans = of_spans(nine, correlation_id)
    found = find(nine.var_dir, correlation_id)
    by_lines = assemble(correlation_id, Found(found.log_lines, []))
    assert by_spans
    assert_same(by_spans, by_lines)
    assert by_lines.requests[0].status == status


def test_a_task_that_is_cancelled_while_it_runs_is_the_same_from_lines(nine: Nine, wait_until: Wait):
    with nine.http() as client:
        task_id = submit(client, "BOTH-CANCELLED", seconds=20)
        wait_until(lambda: client.get(f"/api/v1/tasks/{task_id}").json()["status"] == "STARTED", 20, "it runs")
        client.delete(f"/api/v1/tasks/{task_id}", headers={"X-Request-ID": "BOTH-DELETE"})
        assert ended(client, task_id) == "REVOKED"
    for correlation_id in ("BOTH-CANCELLED", "BOTH-DELETE"):
        wait_until(lambda one=correlation_id: of_spans(nine, one) is not None, 20, "all spans are written")
        by_spans = of_spans(nine, correlation_id)
        lines = find(nine.var_dir, correlation_id).log_lines
        assert by_spans
        assert_same(by_spans, assemble(correlation_id, Found(lines, [])))


def of_spans(nine: Nine, correlation_id: str) -> Journey | None:
    """The journey once each of its steps has its span; None before."""
    journey = assemble(correlation_id, find(nine.var_dir, correlation_id))
    whole = [request.source is Source.SPANS and request.has_ended for request in journey.requests]
    return journey if whole and all(whole) else None


def assert_same(by_spans: Journey, by_lines: Journey) -> None:
    """Every step but the phases, in the same order, with its state and, within the tolerance, its times."""
    for one, other in zip_longest(by_spans.requests, by_lines.requests):
        assert (one.status, one.http_status, one.note) == (other.status, other.http_status, other.note)
        assert [task.attempt for task in one.tasks] == [task.attempt for task in other.tasks]
        told = [step for step in one.steps if step.role is not Role.PHASE]
        assert [summed_up(step) for step in told] == [summed_up(step) for step in other.steps]
        for mine, theirs in zip(told, other.steps, strict=True):
            assert abs(mine.offset_ns - theirs.offset_ns) < TOLERANCE_NS, mine.name
            assert abs(mine.duration_ns - theirs.duration_ns) < TOLERANCE_NS, mine.name
        for name in ("total_ns", "queue_wait_ns", "run_ns", "pause_ns"):
            assert abs(getattr(one, name) - getattr(other, name)) < TOLERANCE_NS, name


def summed_up(step: Step) -> tuple[str, Role, str, str, bool, int]:
    # No line says at which position a task was enqueued, and no span of a retry names the error. What a step says of
    # its duration is rounded: `assert_same` compares the durations themselves.
    what = re.sub(r" at position \d+|(?<=RETRY): \w+|[\d.]+ m?s\b", "", step.what)
    return step.name, step.role, step.node, what, step.failed, step.depth


@pytest.mark.parametrize(
    "environment",
    [{"OTEL_TRACES_SAMPLER": "always_off"}, {"OTEL_SDK_DISABLED": "true"}],
    ids=["always off", "SDK disabled"],
)
def test_without_any_spans_every_journey_is_whole(tmp_path: Path, environment: dict[str, str], wait_until: Wait):
    with nine_with(tmp_path, **environment) as nine:
        with nine.http() as client:
            assert ended(client, submit(client, "NO-SPANS")) == "SUCCESS"
            retried = submit(client, "NO-SPANS-RETRY", failures=1)
            refused = client.post("/api/v1/tasks", json={"task_type": "stumble"}, headers={"X-Request-ID": "REFUSED"})
            assert ended(client, retried) == "SUCCESS"
        assert_drawn_from_lines(nine, "NO-SPANS", STEPS, wait_until)
        wait_until(lambda: shown(nine, "NO-SPANS-RETRY")["status"] == "SUCCESS", 20, "its lines are written")
        request = shown(nine, "NO-SPANS-RETRY")
        assert [step["name"] for step in request["steps"] if step["role"] == "run"] == ["run stumble"] * 2
        assert (request["tasks"][0]["attempt"], request["pause_ms"] > 900) == (2, True)
        assert refused.status_code == 422
        refusal = shown(nine, "REFUSED")
        assert (refusal["http_status"], refusal["code"]) == (422, "VALIDATION_FAILED")
        assert [step["name"] for step in refusal["steps"]] == ["nginx", "api"]
        assert not any(path.stat().st_size for path in (nine.var_dir / "spans").glob("*.jsonl"))
        assert "0 of " in nine.run("profile", "--since", "1h").stderr


def test_with_a_ratio_every_journey_is_whole_and_the_profile_says_of_how_many_it_is(tmp_path: Path, wait_until: Wait):
    names = [f"RATIO-{number}" for number in range(40)]
    with nine_with(tmp_path, OTEL_TRACES_SAMPLER="traceidratio", OTEL_TRACES_SAMPLER_ARG="0.5") as nine:
        with nine.http() as client:
            tasks = [submit(client, name) for name in names]
            assert {ended(client, task_id) for task_id in tasks} == {"SUCCESS"}
        wait_until(lambda: all(map(of_one_kind, whole(nine, names))), 20, "all spans and lines are written")
        requests = [journey.requests[0] for journey in whole(nine, names)]
        sampled = sum(request.source is Source.SPANS for request in requests)

        assert 0 < sampled < len(names)
        for request in requests:
            assert [step.name for step in request.steps if step.role is not Role.PHASE] == STEPS
            assert (request.status, request.unsampled) == ("SUCCESS", request.source is Source.LINES)
        assert f"{sampled} of 40 tasks" in " ".join(nine.run("profile", "--since", "1h").stdout.split())


def whole(nine: Nine, names: list[str]) -> list[Journey]:
    return [assemble(name, find(nine.var_dir, name)) for name in names]


def of_one_kind(journey: Journey) -> bool:
    """Of spans, or not sampled; neither in part."""
    if len(journey.requests) != 1:  # what its parts have in common is not written yet
        return False
    (request,) = journey.requests
    kinds = {Source.LINES} if request.unsampled else {Source.SPANS}
    return request.source in kinds and len(request.steps) >= len(STEPS)


def test_a_url_that_is_excluded_has_its_replicas_step_from_its_line(tmp_path: Path, wait_until: Wait):
    excluded = "/api/v1/tasks$"
    with nine_with(tmp_path, OTEL_PYTHON_FASTAPI_EXCLUDED_URLS=excluded) as nine:
        with nine.http() as client:
            assert ended(client, submit(client, "EXCLUDED")) == "SUCCESS"
        expected = ["span", "log lines", "span", "span", "span", "span"]
        wait_until(
            lambda: [s["source"] for s in shown(nine, "EXCLUDED")["steps"]][:6] == expected, 10, "all is written"
        )
        request = shown(nine, "EXCLUDED")

    assert [step["name"] for step in request["steps"] if step["role"] != "phase"] == STEPS
    assert [step["depth"] for step in request["steps"]][:3] == [0, 1, 2]
    assert request["source"] == "spans and log lines"
    assert request["source_note"].endswith(": api.")
