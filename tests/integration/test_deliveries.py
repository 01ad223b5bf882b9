"""Lost processes, temporary and permanent errors: how often a task is run, and what its record says of it."""

import json
import re
import time

import pytest
import redis
from celery import Celery

from tests import plain_http
from tests.conftest import free_port, is_healthy
from tests.integration import faulty_worker as faults
from tests.keys_at_rest import left_over
from throughline.journey import assemble, find
from throughline.journey.role import Role
from throughline.ledger import keys

WORKER = ["-A", "tests.integration.faulty_worker", "worker", "--without-gossip", "--without-mingle"]
QUICK = {"WORKER_CONCURRENCY": "1", "TASK_RETRY_SECONDS": "0.5", "SWEEP_INTERVAL_SECONDS": "0.5"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Of log lines and spans."""
    return tmp_path_factory.mktemp("deliveries")


@pytest.fixture(scope="module")
def broker(redis_url):
    """Left as it is between the tests: the processes are the same."""
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        yield client


@pytest.fixture(scope="module")
def api(start_for_module, wait_until, folder):
    """A replica, a monitor and a worker that goes wrong on demand."""
    port, spans = free_port(), {"SPANS_DIR": str(folder / "spans")}
    api = ("uvicorn", "api.main:app", "--port", str(port))
    start_for_module(*api, output=folder / "api.log", SERVICE_NODE_NAME="fastapi-1", **spans)
    worker = {"SERVICE_NODE_NAME": "worker-1"} | QUICK | spans
    start_for_module("celery", *WORKER, output=folder / "worker.log", **worker)
    start_for_module("monitor", output=folder / "monitor.log", MONITOR_PORT=str(free_port()), **QUICK)
    with plain_http.client(f"http://127.0.0.1:{port}") as client:
        wait_until(lambda: is_healthy(client), 90, "the replica sees a worker")
        yield client


def submit(api, fault, correlation_id="DELIVERED-1"):
    data = {"positions": [{"symbol": "A", "quantity": 1, "price": 1.0}], "seed": fault}
    task, headers = {"task_type": "calculate_var", "data": data}, {"X-Request-ID": correlation_id}
    answer = api.post("/api/v1/tasks", json=task, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.json()["task_id"]


def ended(api, task_id, seconds=60):
    deadline = time.monotonic() + seconds
    while True:
        task = api.get(f"/api/v1/tasks/{task_id}", params={"wait": 10}).json()
        if task["status"] in {"SUCCESS", "FAILURE", "REVOKED"} or time.monotonic() > deadline:
            return task


def is_a_dead_letter(api, task_id):
    """A history that is busy for longer than its second answers 503 at first: on a loaded machine, when it is new."""
    deadline = time.monotonic() + 20
    while (answer := api.get("/api/v1/dead-letters")).status_code == 503 and time.monotonic() < deadline:
        time.sleep(0.1)
    return task_id in [letter["task_id"] for letter in answer.json()["tasks"]]


def test_a_task_that_kills_its_process_is_a_dead_letter_after_three_deliveries_and_can_be_replayed(api, folder):
    task_id = submit(api, faults.KILLS_ITS_PROCESS)
    task = ended(api, task_id, 90)
    assert (task["status"], task["error"]["type"]) == ("FAILURE", "TooManyDeliveries")
    assert [attempt["number"] for attempt in task["attempts"]] == [1, 2, 3]
    for attempt in task["attempts"]:
        assert attempt["cause"] == f"lost with process {attempt['process']} of worker-1"
        assert attempt["worker"] == "worker-1"
        assert attempt["started_at"] < attempt["finished_at"]
    assert is_a_dead_letter(api, task_id)
    assert ended(api, submit(api, 0))["status"] == "SUCCESS"  # the worker goes on
    lines = map(json.loads, re.findall(r"^\{.*\}$", (folder / "worker.log").read_text(), re.MULTILINE))
    own = [line for line in lines if line.get("task_id") == task_id]
    (told,) = [line["error.message"] for line in own if line.get("event.action") == "task.dead_lettered"]
    assert told == task["error"]["message"] == "Delivered 3 times; each time the process that ran it was lost."

    assert api.post(f"/api/v1/dead-letters/{task_id}/replay").status_code == 202
    assert not is_a_dead_letter(api, task_id)
    again = ended(api, task_id, 90)
    assert (again["status"], len(again["attempts"])) == ("FAILURE", 6)


def test_each_attempt_that_was_lost_is_a_run_in_the_tasks_journey(api, folder, wait_until):
    task_id = submit(api, faults.KILLS_ITS_PROCESS, "ABC-1")
    attempts = ended(api, task_id, 90)["attempts"]

    def runs():
        (request,) = assemble("ABC-1", find(folder, "ABC-1")).submissions
        return [step.what for step in request.steps if step.role is Role.RUN]

    wait_until(lambda: len(runs()) == 4, 20, "the last span is written")
    assert runs() == [
        f"ran calculate_var: {attempts[0]['cause']}",
        f"ran calculate_var, attempt 2: {attempts[1]['cause']}",
        f"ran calculate_var, attempt 3: {attempts[2]['cause']}",
        "delivered once more and not run → FAILURE",
    ]

    api.post(f"/api/v1/dead-letters/{task_id}/replay")
    ended(api, task_id, 90)
    wait_until(lambda: len(runs()) == 8, 20, "the last span of the replay is written")
    assert runs()[4].startswith("ran calculate_var, attempt 4: lost with process")  # none is told twice
    (request,) = assemble("ABC-1", find(folder, "ABC-1")).submissions
    waits = [step.what for step in request.steps if step.role is Role.WAIT and step.span_id and not step.from_lines]
    assert [what.partition(" for ")[2] for what in waits] == [
        "",
        "attempt 2",
        "attempt 3",
        "",
        "attempt 4",
        "attempt 5",
        "attempt 6",
        "",
    ]


def test_a_temporary_error_is_retried_and_is_in_the_record(api):
    task_id = submit(api, faults.LOSES_CONNECTION_TWICE)
    task = ended(api, task_id)
    assert task["status"] == "SUCCESS", task
    assert [attempt.get("cause") for attempt in task["attempts"]] == ["retried: ConnectionError"] * 2 + [None]


def test_a_waiting_retry_shows_when_it_is_due_and_can_be_cancelled(api, broker, wait_until):
    task_id = submit(api, faults.LOSES_CONNECTION)
    url = f"/api/v1/tasks/{task_id}"

    def put_off() -> int:
        return int(broker.zadd(keys.DELAYED, {task_id: time.time() + 600}, xx=True, ch=True))

    # Whenever it waits, whichever attempt it waits for: from then on it waits for long.
    wait_until(put_off, 30, "it waits for its next attempt")
    task = api.get(url).json()
    assert task["status"] == "RETRY"
    assert task["next_attempt_at"] > task["submitted_at"]
    assert api.delete(url).json()["status"] == "REVOKED"
    assert broker.zcard(keys.OPEN) == broker.zcard(keys.DELAYED) == 0


def monitor_said(folder, action, task_id):
    lines = map(json.loads, (folder / "monitor.log").read_text().splitlines())
    return [line for line in lines if (line.get("event.action"), line.get("task_id")) == (action, task_id)]


def test_the_timeline_of_a_retried_and_replayed_task_has_every_change(api, broker, folder):
    task_id = submit(api, faults.LOSES_CONNECTION, "RETRIED-1")
    ended(api, task_id)
    replay = {"X-Request-ID": "REPLAY-1"}
    assert api.post(f"/api/v1/dead-letters/{task_id}/replay", headers=replay).status_code == 202
    ended(api, task_id)
    changes = api.get(f"/api/v1/tasks/{task_id}/timeline").json()["changes"]
    assert [change["at"] for change in changes] == sorted(change["at"] for change in changes)
    retried = [("STARTED", "claimed"), ("RETRY", "retried"), ("PENDING", "due")] * 3
    used_up = [*retried, ("STARTED", "claimed"), ("FAILURE", "retries_used_up")]
    told = [(change["status"], change.get("reason")) for change in changes]
    assert told == [("PENDING", None), *used_up, ("PENDING", "replayed"), *used_up]
    assert [change["requested_by"] for change in changes if "requested_by" in change] == ["REPLAY-1"]

    due = monitor_said(folder, "task.due", task_id)
    assert {(line["correlation_id"], line["task_type"], line["queue"]) for line in due} == {
        ("RETRIED-1", "calculate_var", "medium")
    }
    assert [line["attempt"] for line in due] == [1, 2, 3, 5, 6, 7]
    trace_id = api.get(f"/api/v1/tasks/{task_id}").json()["trace_id"]
    assert {line["trace.id"] for line in due} == {trace_id}
    assert left_over(broker, seconds=10) == []


def test_a_stock_clients_task_whose_attempts_meet_an_error_was_not_lost(api, redis_url, folder, wait_until):
    with Celery(broker=redis_url, backend=redis_url) as client:
        client.conf.broker_transport_options = {"priority_steps": [0]}
        data = {"positions": [{"symbol": "A", "quantity": 1, "price": 1.0}], "seed": faults.LOSES_CONNECTION_TWICE}
        headers = {"correlation_id": "STOCK-1"}
        sent = client.send_task("calculate_var", [data], queue="medium", headers=headers)
        sent.get(timeout=60)
    task = api.get(f"/api/v1/tasks/{sent.id}").json()
    assert [attempt["ended_by"] for attempt in task["attempts"]] == ["retried", "retried", "returned"]

    def runs():
        return [span.attributes for span in find(folder, "STOCK-1").spans if span.name == "run calculate_var"]

    wait_until(lambda: len(runs()) >= 3, 20, "the last span is written")
    assert sorted(run["attempt"] for run in runs()) == [1, 2, 3]
    assert not [run for run in runs() if "cause" in run]


def test_a_task_that_always_has_a_temporary_error_uses_up_three_retries(api):
    task = ended(api, submit(api, faults.LOSES_CONNECTION))
    assert (task["status"], task["error"]["type"]) == ("FAILURE", "ConnectionError")
    assert len(task["attempts"]) == 4
    assert task["attempts"][-1]["cause"] == "retries used up: ConnectionError"
    assert is_a_dead_letter(api, task["task_id"])


def test_a_permanent_error_is_not_retried_and_no_dead_letter(api):
    task = ended(api, submit(api, faults.IS_WRONG))
    assert (task["status"], task["error"]["type"], len(task["attempts"])) == ("FAILURE", "ValueError", 1)
    assert not is_a_dead_letter(api, task["task_id"])


def test_only_a_dead_letter_can_be_replayed(api):
    task_id = submit(api, 0)
    assert ended(api, task_id)["status"] == "SUCCESS"
    answer = api.post(f"/api/v1/dead-letters/{task_id}/replay")
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_A_DEAD_LETTER")
