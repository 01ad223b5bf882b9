"""A user's own tasks, in a module that TASK_MODULES names, through a real replica, Redis and worker."""

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.conftest import free_port, is_healthy

ROOT = Path(__file__).resolve().parents[2]
MODULE = "tests.integration.own_tasks"
SECRET = "Lohengrin-90210"
WORKER = ["-A", "worker.app", "worker", "--without-gossip", "--without-mingle"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Log lines and spans of the module's processes."""
    return tmp_path_factory.mktemp("own")


@pytest.fixture(scope="module")
def api(redis_url, folder, wait_until):
    """A replica, a worker and a monitor that know the module's tasks and no others."""
    port = free_port()
    environment = os.environ | {
        "REDIS_URL": redis_url,
        "TASK_MODULES": f" {MODULE}, ",
        "WORKER_CONCURRENCY": "2",
        "SPANS_DIR": str(folder / "spans"),
        "SWEEP_INTERVAL_SECONDS": "0.5",
        "MONITOR_PORT": str(free_port()),
        "VAR_DIR": str(folder),
    }
    commands = {
        "api": ["uvicorn", "api.main:app", "--port", str(port)],
        "worker": ["celery", *WORKER],
        "monitor": ["monitor"],
    }
    processes = []
    try:
        for name, command in commands.items():
            with (folder / f"{name}.jsonl").open("w") as output:
                processes.append(
                    subprocess.Popen([sys.executable, "-m", *command], env=environment, stdout=output, stderr=output)
                )
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            wait_until(lambda: is_healthy(client), 90, "the replica sees a worker")
            yield client
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(timeout=30)


def finished(api, task_type, data, **envelope):
    """The task at its end, submitted under an ID of its own."""
    body = {"task_type": task_type, "data": data} | envelope
    answer = api.post("/api/v1/tasks", json=body, headers={"X-Request-ID": f"OWN-{task_type}"})
    assert answer.status_code == 201, answer.text
    for _ in range(4):
        task = api.get(f"/api/v1/tasks/{answer.json()['task_id']}", params={"wait": 20}).json()
        if task["status"] in {"SUCCESS", "FAILURE", "REVOKED"}:
            return task
    pytest.fail(f"not at its end: {task}")


def lines(folder, task, action=None):
    text = (folder / "worker.jsonl").read_text(encoding="utf-8")
    found = [json.loads(line) for line in text.splitlines() if task["task_id"] in line]
    return [line for line in found if action is None or line.get("event.action") == action]


def spans(folder, task):
    found = []
    for path in (folder / "spans").glob("*.jsonl"):
        for line in path.read_text().splitlines():
            for resource in json.loads(line)["resourceSpans"]:
                found += [span for scope in resource["scopeSpans"] for span in scope["spans"]]
    return [span for span in found if attributes(span).get("task_id") == task["task_id"]]


def attributes(span):
    return {each["key"]: next(iter(each["value"].values())) for each in span["attributes"]}


def test_a_task_runs_from_one_function_in_its_own_queue_with_its_phase_as_a_span(api, folder, wait_until):
    task = finished(api, "word_count", {"text": "to be or not to be"})
    assert (task["status"], task["result"]) == ("SUCCESS", {"words": 6})
    assert (task["queue"], task["priority"]) == ("low", "low")
    names = {"run word_count", "validate", "split"}
    wait_until(lambda: names <= {span["name"] for span in spans(folder, task)}, 10, "its spans are written")
    by_name = {span["name"]: span for span in spans(folder, task)}
    assert by_name["split"]["parentSpanId"] == by_name["run word_count"]["spanId"]
    assert attributes(by_name["split"]) == {
        "correlation_id": "OWN-word_count",
        "task_id": task["task_id"],
        "phase": True,
        "words": "6",
    }


@pytest.mark.parametrize(
    ("envelope", "queue"), [({"priority": "high"}, "high"), ({"queue": "medium"}, "medium"), ({}, "low")]
)
def test_its_own_queue_is_for_submissions_that_name_none(api, envelope, queue):
    assert finished(api, "word_count", {"text": "a"}, **envelope)["queue"] == queue


def test_the_types_on_offer_are_the_modules_and_nothing_of_risk_is_left(api):
    offered = {each["task_type"]: each for each in api.get("/api/v1/task-types").json()["task_types"]}
    assert {"word_count", "take_order"} <= offered.keys()
    assert "calculate_var" not in offered
    assert offered["word_count"]["example"] == {"task_type": "word_count", "data": {"text": "to be or not to be"}}
    assert offered["word_count"]["data_schema"]["required"] == ["text"]
    description = api.get("/openapi.json").text
    assert "WordCountSubmission" in description
    assert "calculate_var" not in description
    answer = api.post("/api/v1/tasks", json={"task_type": "calculate_var", "data": {}})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "task_type")


def test_a_mistake_in_the_data_is_told_by_its_path(api):
    answer = api.post("/api/v1/tasks", json={"task_type": "word_count", "data": {"text": 5}})
    assert [error["field"] for error in answer.json()["errors"]] == ["data.text"]


def test_a_model_may_have_aliases_and_values_that_json_does_not_know(api):
    task = finished(api, "take_order", {"due": "2026-11-25T12:00:00Z", "class": "express"})
    assert task["result"] == {"order": {"due": "2026-11-25T12:00:00Z", "class": "express"}, "weekday": 3}


def test_phases_may_be_named_like_the_steps_of_a_journey(api, folder, wait_until):
    task = finished(api, "named_like_steps", {"text": "x"})
    named = {"nginx", "api", "publish low", "wait medium", "run fast"}
    wait_until(lambda: named <= {span["name"] for span in spans(folder, task)}, 10, "its spans are written")
    phases = [span for span in spans(folder, task) if attributes(span).get("phase")]
    assert {span["name"] for span in phases} == named | {"validate"}
    own = [line for line in lines(folder, task) if line.get("log.logger") == "throughline.task.named_like_steps"]
    assert len(own) == 5
    assert {line["correlation_id"] for line in own} == {"OWN-named_like_steps"}


@pytest.mark.parametrize(
    ("task_type", "error"),
    [
        ("look_up", {"type": "KeyError", "message": "'…'"}),
        ("refuse_by_value", {"type": "ValueError", "message": "there is no order '…'"}),
        ("leave", {"type": "SystemExit", "message": "3"}),
    ],
)
def test_an_unhandled_error_is_permanent_and_neither_record_nor_log_holds_the_data(
    api, folder, wait_until, task_type, error
):
    task = finished(api, task_type, {"text": SECRET})
    assert (task["status"], task["error"], len(task["attempts"])) == ("FAILURE", error, 1)
    (line,) = wait_until(lambda: lines(folder, task, "task.failed"), 10, "its end is logged")
    assert line["correlation_id"] == f"OWN-{task_type}"
    assert line["error.type"] == error["type"]
    assert 'own_tasks.py", line ' in line["error.stack_trace"]
    assert f"in {task_type}" in line["error.stack_trace"]
    written = list(folder.rglob("*.jsonl"))
    assert len(written) >= 4
    for path in written:
        assert "Lohengrin" not in path.read_text(encoding="utf-8"), path


def test_an_error_that_is_meant_for_the_client_is_told_as_it_is(api, folder, wait_until):
    task = finished(api, "refuse", {"text": SECRET})
    assert task["error"] == {"type": "PermanentError", "message": "Orders are closed."}
    (line,) = wait_until(lambda: lines(folder, task, "task.failed"), 10, "its end is logged")
    assert (line["error.message"], "error.stack_trace" in line) == ("Orders are closed.", False)


@pytest.mark.parametrize(
    ("task_type", "message"),
    [
        ("not_a_number", "A task's result must be JSON: result['price'] is NaN."),
        ("not_json", "A task's result must be JSON: result['seen'][0] is a set."),
    ],
)
def test_a_result_that_is_not_json_is_an_error_of_the_task(api, task_type, message):
    task = finished(api, task_type, {"text": "x"})
    assert (task["status"], task["error"]) == ("FAILURE", {"type": "InvalidResult", "message": message})
    assert "result" not in task


def test_a_temporary_error_is_retried_after_the_tasks_own_wait(api):
    task = finished(api, "come_back", {"text": "once"})
    assert (task["status"], task["result"], len(task["attempts"])) == ("SUCCESS", 2, 2)


def test_a_task_has_as_many_retries_as_it_says(api):
    task = finished(api, "come_back", {"text": "never"})
    assert (task["status"], task["error"]["type"], len(task["attempts"])) == ("FAILURE", "TemporaryError", 2)


def test_a_tasks_own_time_limit_ends_it(api):
    task = finished(api, "slow", {"text": "x"})
    assert (task["status"], task["error"]["type"]) == ("FAILURE", "SoftTimeLimitExceeded")
    assert task["run_ms"] < 10_000


def test_a_running_task_is_cancelled_at_its_checkpoint(api, wait_until):
    body = {"task_type": "slow", "data": {"text": "x"}}
    task_id = api.post("/api/v1/tasks", json=body).json()["task_id"]
    wait_until(lambda: api.get(f"/api/v1/tasks/{task_id}").json()["status"] == "STARTED", 20, "it runs")
    api.delete(f"/api/v1/tasks/{task_id}")
    assert api.get(f"/api/v1/tasks/{task_id}", params={"wait": 20}).json()["status"] == "REVOKED"
