"""Cancelled, retried, given up and replayed on the real nine: terminal, JSON and page tell when, why and who asked."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.system.nine import Nine
from tests.system.viewer import Viewer, hidden, link

Wait = Callable[..., None]

TASKS = """
from pydantic import BaseModel
from throughline import Run, task
from throughline.errors import TemporaryError

class Data(BaseModel):
    failures: int = 0
    seconds: float = 0

@task("stumble", model=Data, summary="Fails a few times, then runs.", example={"failures": 1})
def stumble(data: Data, run: Run) -> dict:
    import time
    with run.phase("wait medium"):
        until = time.monotonic() + data.seconds
        while time.monotonic() < until:
            time.sleep(0.02)
            run.checkpoint(0.5)
    if run.attempt <= data.failures:
        raise TemporaryError("not now")
    return {"attempt": run.attempt}
"""


@pytest.fixture(scope="module")
def nine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nine]:
    folder = tmp_path_factory.mktemp("changes")
    (folder / "stumbling_tasks.py").write_text(TASKS)
    own = {"PYTHONPATH": str(folder), "TASK_MODULES": "stumbling_tasks"}
    retries = {"TASK_RETRY_SECONDS": "1", "TASK_MAX_RETRIES": "1"}
    with Nine(folder / "var", API_REPLICAS="1", WORKER_REPLICAS="1", **own, **retries) as running:
        yield running


def submit(client: httpx.Client, correlation_id: str, **data: Any) -> str:
    answer = client.post(
        "/api/v1/tasks", json={"task_type": "stumble", "data": data}, headers={"X-Request-ID": correlation_id}
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["task_id"])


def shown(nine: Nine, correlation_id: str) -> dict[str, Any]:
    """What the terminal's JSON has of the ID's only request."""
    printed = nine.run("journey", correlation_id, "--json")
    if printed.returncode:
        return {"steps": [], "effects": [], "status": None}
    (request,) = json.loads(printed.stdout)["requests"]
    return request  # type: ignore[no-any-return]


def words(request: dict[str, Any]) -> list[str]:
    return [step["what"] for step in request["steps"]]


def page(nine: Nine, correlation_id: str) -> str:
    with nine.http() as client:
        return client.get(f"/journeys/{correlation_id}", headers={"Accept": "text/html"}).text


def test_a_waiting_task_that_another_request_cancels_is_cancelled_under_both_ids(nine: Nine, wait_until: Wait):
    assert nine.run("stop", *nine.recorded.workers).returncode == 0
    with nine.http() as client:
        task = submit(client, "SUBMIT-1")
        assert client.delete(f"/api/v1/tasks/{task}", headers={"X-Request-ID": "CANCEL-1"}).status_code == 200
    assert nine.run("start", *nine.recorded.workers).returncode == 0

    wait_until(lambda: shown(nine, "SUBMIT-1")["status"] == "REVOKED", 20, "the line is written")
    wait_until(lambda: len(shown(nine, "CANCEL-1")["steps"]) == 2, 20, "the spans are written")
    submitted, cancelled = shown(nine, "SUBMIT-1"), shown(nine, "CANCEL-1")

    assert words(submitted)[-2:] == ["waited in medium", "cancelled by request CANCEL-1"]
    assert "by request CANCEL-1" in nine.run("journey", "SUBMIT-1").stdout
    assert cancelled["effects"] == [{"action": "cancelled", "task_id": task, "correlation_id": "SUBMIT-1"}]
    assert f"cancelled task {task} of SUBMIT-1" in nine.run("journey", "CANCEL-1").stdout
    assert 'cancelled by request <a href="/journeys/CANCEL-1">CANCEL-1</a>' in page(nine, "SUBMIT-1")
    assert f'href="/journeys/SUBMIT-1?task={task}"' in page(nine, "CANCEL-1")
    assert 'data-refresh="0"' in page(nine, "SUBMIT-1")


def test_a_running_task_that_another_request_cancels_names_it(nine: Nine, wait_until: Wait):
    with nine.http() as client:
        task = submit(client, "SUBMIT-2", seconds=30)
        wait_until(lambda: client.get(f"/api/v1/tasks/{task}").json()["status"] == "STARTED", 20, "it runs")
        client.delete(f"/api/v1/tasks/{task}", headers={"X-Request-ID": "CANCEL-2"})
        assert client.get(f"/api/v1/tasks/{task}", params={"wait": 10}).json()["status"] == "REVOKED"
    wait_until(lambda: "ran stumble → REVOKED" in words(shown(nine, "SUBMIT-2")), 20, "the run's span is written")

    assert "asked to stop by request CANCEL-2" in words(shown(nine, "SUBMIT-2"))
    assert "Cancelled while it ran" in shown(nine, "SUBMIT-2")["note"]
    assert [effect["task_id"] for effect in shown(nine, "CANCEL-2")["effects"]] == [task]


def test_a_retry_and_a_replayed_dead_letter_leave_no_time_without_a_name(nine: Nine, wait_until: Wait):
    with nine.http() as client:
        task = submit(client, "SUBMIT-3", failures=2)
        assert client.get(f"/api/v1/tasks/{task}", params={"wait": 30}).json()["status"] == "FAILURE"
        replayed = client.post(f"/api/v1/dead-letters/{task}/replay", headers={"X-Request-ID": "REPLAY-3"})
        assert replayed.status_code == 202, replayed.text
        assert client.get(f"/api/v1/tasks/{task}", params={"wait": 10}).json()["status"] == "SUCCESS"
    wait_until(
        lambda: words(shown(nine, "SUBMIT-3")).count("wait medium") == 3, 20, "the phases of all runs are written"
    )
    wait_until(lambda: "ran stumble → SUCCESS, attempt 3" in words(shown(nine, "SUBMIT-3")), 20, "all is written")
    request = shown(nine, "SUBMIT-3")

    told = [step for step in request["steps"] if step["task_id"] == task and step["depth"] == 0]
    seconds = [step["what"] for step in told if step["role"] == "pause"]
    assert [step["role"] for step in told] == [
        *("wait", "run"),
        *("pause", "mark", "wait", "run"),  # retry
        *("mark", "pause", "mark", "wait", "run"),  # dead letter, replayed
    ]
    assert seconds[0].startswith("waited ") and seconds[0].endswith(" for attempt 2")
    assert any("replayed by request REPLAY-3" in what for what in words(request))
    assert shown(nine, "REPLAY-3")["effects"] == [{"action": "replayed", "task_id": task, "correlation_id": "SUBMIT-3"}]
    # A phase may be named like a wait: it counts as run time.
    assert words(request).count("wait medium") == 3
    unnamed = request["total_ms"] - request["queue_wait_ms"] - request["run_ms"] - request["pause_ms"]
    assert unnamed < 100


def test_all_dead_letters_of_an_error_are_replayed_from_its_page_each_with_a_line(nine: Nine, wait_until: Wait):
    with nine.http() as client, Viewer(nine) as viewer:
        dead = [submit(client, "DEAD-1", failures=2) for _ in range(3)]
        for task in dead:
            assert client.get(f"/api/v1/tasks/{task}", params={"wait": 30}).json()["status"] == "FAILURE"
        wait_until(lambda: "Replay 3 dead letters…" in viewer.look("/errors"), 20, "the page lists them")
        form = hidden(viewer.look("/errors"))
        refused = [
            viewer.post(form, "/errors/actions", **{"Sec-Fetch-Site": "cross-site"}),
            viewer.post(form | {"token": "u" * 32}, "/errors/actions"),
        ]
        asked = viewer.post(form, "/errors/actions").text
        told = viewer.confirm(asked, why="the feed is back", **{"X-Request-ID": "REPLAY-ALL"}).text
        again = viewer.confirm(asked).text
        for task in dead:
            assert client.get(f"/api/v1/tasks/{task}", params={"wait": 20}).json()["status"] == "SUCCESS"
        change = client.get(f"/api/v1/tasks/{dead[0]}/timeline").json()["changes"]

    assert [answer.status_code for answer in refused] == [403, 403]
    assert "Replay all 3 dead letters of TemporaryError?" in asked
    assert "Replay: 3 of 3 tasks done" in told
    assert link(told, "Back to the errors").startswith("/errors?")
    assert "Replay: 0 of 3 tasks done" in again
    assert [(each["caller"], each["why"]) for each in change if each.get("reason") == "replayed"] == [
        ("anyone", "the feed is back")
    ]
    assert any("dead letter replayed by request REPLAY-ALL: the feed is back" in what for what in words_of(nine, dead))


def words_of(nine: Nine, tasks: list[str]) -> list[str]:
    printed = json.loads(nine.run("journey", "DEAD-1", "--json").stdout)
    return [step["what"] for request in printed["requests"] for step in request["steps"]]


def test_a_task_is_cancelled_and_submitted_again_from_its_journey(nine: Nine, wait_until: Wait):
    with nine.http() as client, Viewer(nine) as viewer:
        task = submit(client, "HERE-1", seconds=30)
        wait_until(lambda: 'value="cancel"' in viewer.look(f"/journeys/HERE-1?task={task}"), 20, "its journey is there")
        shown_now = viewer.look(f"/journeys/HERE-1?task={task}")
        asked = viewer.post(hidden(shown_now) | {"action": "cancel"}).text
        assert client.get(f"/api/v1/tasks/{task}").json()["status"] != "REVOKED"  # nothing was done before
        told = viewer.confirm(asked, why="wrong portfolio").text
        wait_until(lambda: client.get(f"/api/v1/tasks/{task}").json()["status"] == "REVOKED", 20, "it is cancelled")
        wait_until(
            lambda: "wrong portfolio" in viewer.look(f"/journeys/HERE-1?task={task}"), 20, "its journey says why"
        )
        ended = viewer.look(f"/journeys/HERE-1?task={task}")

    assert 'value="replay"' not in shown_now
    assert "Cancel: 1 of 1 task done" in told
    assert link(told, "Back to the journey") == f"/journeys/HERE-1?task={task}"
    assert ('value="cancel"' in ended, 'value="resubmit"' in ended) == (False, True)


def test_an_open_breaker_is_closed_from_the_home_page(nine: Nine, wait_until: Wait):
    with nine.redis() as redis:
        redis.hset("tl:breaker", mapping={"state": "open", "until": "9999999999", "wait": "60"})
    with nine.http() as client, Viewer(nine) as viewer:
        form = {"token": hidden(viewer.look("/"))["token"]}
        foreign = viewer.post(form, "/circuit/actions", **{"Sec-Fetch-Site": "", "Origin": "http://evil.example"})
        asked = viewer.post(form, "/circuit/actions").text
        still = client.get("/api/v1/queues").json()["circuit"]
        told = viewer.confirm(asked, why="the backlog is gone").text
        now = client.get("/api/v1/queues").json()["circuit"]
        wait_until(lambda: "/circuit/actions" not in viewer.look("/"), 20, "the page has seen it")

    assert (foreign.status_code, still, now) == (403, "open", "closed")
    assert "Close the circuit breaker?" in asked
    assert "The circuit breaker is closed" in told
