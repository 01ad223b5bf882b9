"""Where the time of many tasks went, on the nine: the command, the page, and why one request was slow."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from tests.system.nine import Nine

Wait = Callable[..., Any]
TASKS = 25
DATA = {"simulations": 1000, "positions": [{"symbol": "A", "quantity": 1, "price": 1.0}]}
MODULE = """
import time
from pydantic import BaseModel
from throughline import PermanentError, Run, task

class Nap(BaseModel):
    seconds: float = 0.0
    fails: bool = False

@task("nap", model=Nap, summary="Sleeps.", example={"seconds": 1})
def nap(data: Nap, run: Run) -> dict:
    with run.phase("run"):
        time.sleep(data.seconds)
    if data.fails:
        raise PermanentError(f"nothing to be had for {data.seconds}")
    return {}
"""
JSON = {"Accept": "application/json"}


@pytest.fixture(scope="module")
def began() -> str:
    return datetime.now(UTC).isoformat()


@pytest.fixture(scope="module")
def nine(tmp_path_factory: pytest.TempPathFactory, began: str) -> Iterator[Nine]:
    """Tasks of two types that have ended, one of them slow and two failed, and many requests that only read."""
    folder = tmp_path_factory.mktemp("profile")
    (folder / "naps.py").write_text(MODULE)
    own = {"TASK_MODULES": "risk,naps", "PYTHONPATH": str(folder)}
    with Nine(folder / "var", API_REPLICAS="1", WORKER_REPLICAS="1", **own) as running:
        yield running


def _submitted(client: httpx.Client, task_type: str, data: dict[str, Any], correlation_id: str) -> str:
    task = {"task_type": task_type, "data": data}
    answer = client.post("/api/v1/tasks", json=task, headers={"X-Request-ID": correlation_id})
    assert answer.status_code == 201, answer.text
    assert "x-task-type" not in answer.headers  # for NGINX alone
    return str(answer.json()["task_id"])


@pytest.fixture(scope="module")
def done(nine: Nine, wait_until: Wait) -> Nine:
    with nine.http() as client:
        ids = [_submitted(client, "calculate_var", DATA, f"VAR-{number}") for number in range(TASKS)]
        ids += [_submitted(client, "nap", {"seconds": 0.01}, f"NAP-{number}") for number in range(TASKS)]
        ids += [_submitted(client, "nap", {"fails": True, "seconds": number}, f"FAILS-{number}") for number in (0, 1)]
        for task_id in ids:
            assert client.get(f"/api/v1/tasks/{task_id}", params={"wait": 30}).json()["status"] != "PENDING"
        slow = _submitted(client, "nap", {"seconds": 1.5}, "SLOW-1")
        assert client.get(f"/api/v1/tasks/{slow}", params={"wait": 30}).json()["status"] == "SUCCESS"
    # The journey alone would tell of the run before its span is written, from log lines.
    wait_until(lambda: '"source": "spans"' in nine.run("journey", "SLOW-1", "--json").stdout, 20, "all its spans are")
    return nine


def test_the_command_counts_every_submission_and_no_read(done: Nine, began: str):
    told = json.loads(done.run("profile", "--since", began, "--json").stdout)
    types = {each["task_type"]: each for each in told["types"]}

    assert types.keys() == {"calculate_var", "nap"}
    counts = {step["name"]: step["count"] for step in types["calculate_var"]["steps"]}
    assert counts == {"nginx": TASKS, "api": TASKS, "publish": TASKS, "wait": TASKS, "run": TASKS}
    naps = {step["name"]: step for step in types["nap"]["steps"]}
    assert naps["run"]["count"] == TASKS + 3
    assert 10 <= naps["run"]["p50_ms"] < naps["run"]["p99_ms"] <= 1700
    assert types["nap"]["phases"][0]["name"] == "run"  # a phase may be called so
    for each in types.values():
        assert sum(step["share"] for step in each["steps"]) == pytest.approx(1, abs=1e-4)


def test_the_command_draws_it_and_the_page_shows_the_same(done: Nine, began: str, wait_until: Wait):
    drawn = done.run("profile", "--since", began, "--task-type", "nap")
    assert drawn.returncode == 0, drawn.stderr
    assert f"nap  {TASKS + 3} runs" in drawn.stdout

    with done.http() as client:

        def shown() -> httpx.Response:
            return client.get("/profile", params={"since": began, "task_type": "nap"})

        # All who ask within ten seconds share an answer: it may end ten seconds ago.
        wait_until(lambda: f"{TASKS + 3} runs" in shown().text, 20, "the page shows all runs")
        page = shown()
        told = client.get("/profile", params={"since": began}, headers=JSON).json()
        wrong = client.get("/profile", params={"since": "soon"}, headers=JSON)
    assert page.status_code == 200
    assert f"{TASKS + 3} runs" in page.text
    assert {each["task_type"] for each in told["types"]} == {"calculate_var", "nap"}
    assert (wrong.status_code, wrong.json()["code"]) == (422, "VALIDATION_FAILED")
    assert "since must be how long ago" in wrong.json()["detail"]


def test_a_slow_request_says_in_which_step(done: Nine):
    drawn = done.run("journey", "SLOW-1").stdout
    assert "Slow in run: 1.5" in drawn.splitlines()[-1]
    with done.http() as client:
        page = client.get("/journeys/SLOW-1").text
        (request,) = client.get("/journeys/SLOW-1", headers=JSON).json()["requests"]
    assert "Slow in <strong>run</strong>: 1.5" in page
    assert (request["comparison"]["slow"], request["comparison"]["step"]) == (True, "run")


def test_failures_are_grouped_by_class_and_shape_with_an_example(done: Nine, began: str, wait_until: Wait):
    def groups() -> list[dict[str, Any]]:
        return list(json.loads(done.run("errors", "--since", began, "--json").stdout)["errors"])

    (group,) = wait_until(lambda: [each for each in groups() if each["count"] == 2], 20, "both failures are one group")
    assert group["error_type"] == "PermanentError"
    assert group["message"].startswith("nothing to be had for <n>")
    assert group["correlation_id"] in {"FAILS-0", "FAILS-1"}
    assert "PermanentError  2 tasks" in done.run("errors", "--since", began).stdout
    with done.http() as client:
        page = client.get("/errors").text
    assert "nothing to be had for &lt;n&gt;" in page
    assert "/journeys/FAILS-" in page
