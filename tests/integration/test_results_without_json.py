"""A result that is no JSON is never stored, whoever wrote the task; one that another worker stored hides no task."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
from celery import Celery

from tests import plain_http
from tests.conftest import free_port, is_healthy
from tests.integration.ended_task import ended
from tests.integration.own_processes import OwnProcesses, own_processes
from tests.integration.stock_client import StockClient
from throughline import Client
from throughline.client.errors import UnreadableResult
from throughline.ledger import keys
from throughline.ledger.history import History

Wait = Callable[..., object]
NO_JSON = {
    '{"greeks": {"delta": {"value": NaN}}}': "result.greeks.delta.value is NaN: JSON has no such number",
    "[1.5, -Infinity]": "result[1] is infinite: JSON has no such number",
    "1e400": "result is infinite: JSON has no such number",
    '{"name": "\\ud800"}': "result.name is no valid text",
    "1" + "0" * 400: "result is too large a number",
    "[" * 300 + "]" * 300: "nested too deeply",
}
NAN = '{"price": NaN, "steps": 7}'
WHY = "result.price is NaN: JSON has no such number"
COMMAND = Path(sys.executable).with_name("throughline")


@pytest.fixture(scope="module")
def monitor_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def own(tmp_path_factory, redis_url, wait_until, monitor_port):
    with own_processes(tmp_path_factory.mktemp("own"), redis_url, MONITOR_PORT=str(monitor_port)) as running:
        wait_until(lambda: is_healthy(running.api), 90, "the replica sees a worker")
        yield running


@pytest.mark.parametrize("text", list(NO_JSON))
def test_a_task_that_returns_no_json_fails_with_the_place(own: OwnProcesses, text: str):
    task = own.finished("returns", {"text": text})
    assert (task["status"], task["error"]["type"], "result" in task) == ("FAILURE", "InvalidResult", False)
    assert NO_JSON[text] in task["error"]["message"]
    assert len(task["attempts"]) == 1


@pytest.mark.parametrize("text", ["NaN", '{"price": [1e400]}', '"\\udc00"', "[" * 300 + "]" * 300])
def test_a_task_that_was_declared_past_the_registry_fails_too(own: OwnProcesses, redis_url: str, text: str):
    task_id = sent_past_the_registry(own, redis_url, text)
    task = found(own, task_id)
    assert (task["status"], task["error"]["type"]) == ("FAILURE", "InvalidResult")
    assert task["error"]["message"].startswith("A task's result must be JSON: ")


def test_what_it_returns_otherwise_is_stored(own: OwnProcesses, redis_url: str):
    task_id = sent_past_the_registry(own, redis_url, '{"a": [1]}')
    assert found(own, task_id)["result"] == {"a": [1]}


def sent_past_the_registry(own: OwnProcesses, redis_url: str, text: str) -> str:
    with (
        redis.Redis.from_url(redis_url, decode_responses=True) as broker,
        closing(StockClient(redis_url, broker, own.folder)) as client,
    ):
        return client.send("past_the_registry", [text], queue="low")


def found(own: OwnProcesses, task_id: str) -> dict[str, Any]:
    """The task at its end. It is recorded when a worker takes it."""
    for _ in range(1_000):
        task = own.api.get(f"/api/v1/tasks/{task_id}", params={"wait": 1}).json()
        if task["status"] in {"SUCCESS", "FAILURE"}:
            return dict(task)
    pytest.fail(f"not at its end: {task}")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("NaN", "data.data.more is NaN"),
        ('{"a": [1e400]}', "data.data.more.a[0] is infinite"),
        ('"\\ud800"', "no valid text"),
    ],
)
def test_a_task_submits_no_other_with_such_data(own: OwnProcesses, text: str, why: str):
    task = own.finished("passes_on", {"text": text})
    assert (task["status"], task["error"]["type"]) == ("FAILURE", "InvalidTaskData")
    assert why in task["error"]["message"]


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("NaN", "data.data.more is NaN: JSON has no such number"),
        ("[0, -Infinity]", "data.data.more[1] is infinite"),
        ("1e400", "data.data.more is infinite"),
        ("1" + "0" * 400, "data.data.more is too large a number"),
        ('{"\\ud800": 1}', "data.data.more has the key"),
        ("[" * 300 + "]" * 300, "data is nested too deeply"),
    ],
)
@pytest.mark.parametrize("media_type", ["application/json", "application/vnd.desk+json"])
def test_data_that_are_no_json_are_refused_with_their_place(own: OwnProcesses, media_type: str, value: str, why: str):
    body = f'{{"task_type": "submits", "data": {{"text": "x", "data": {{"more": {value}}}}}}}'
    answer = own.api.post("/api/v1/tasks", content=body, headers={"Content-Type": media_type})
    assert (answer.status_code, answer.json()["code"]) == (400, "MALFORMED_JSON")
    assert why in answer.json()["detail"]


def in_redis(own: OwnProcesses) -> str:
    """The ID of a task whose result a stock worker stored."""
    task_id = str(own.finished("word_count", {"text": "a b"})["task_id"])
    with Celery(backend=own.redis_url) as stock, redis.Redis.from_url(own.redis_url) as broker:
        state = {"status": "SUCCESS", "result": json.loads(NAN), "traceback": None, "children": []}
        written = stock.backend.encode(state)
        assert "NaN" in written
        broker.set(keys.celery_result(task_id), written)
    return task_id


def in_the_history(own: OwnProcesses) -> str:
    """The ID of one that an older version has moved there."""
    beside = own.finished("word_count", {"text": "a b"})  # its journey has been written
    task = ended("moved", time.time(), correlation_id=beside["correlation_id"])
    history = History(f"sqlite:///{own.folder}/history.sqlite", writes=True)
    history.archive([replace(task, result=f'{{"status": "SUCCESS", "result": {NAN}}}')])
    history.close()
    return task.task_id


@pytest.mark.parametrize("planted", [in_redis, in_the_history])
def test_every_route_tells_a_task_whose_stored_result_is_no_json(
    own: OwnProcesses, planted: Callable[[OwnProcesses], str], monitor_port: int, wait_until: Wait
):
    task_id = planted(own)
    answer = own.api.get(f"/api/v1/tasks/{task_id}")
    assert answer.status_code == 200, answer.text
    task = answer.json()
    assert (task["status"], task["task_type"], len(task["attempts"])) == ("SUCCESS", "word_count", 1)
    assert (task["error"]["type"], "result" in task) == ("UnreadableResult", False)
    assert WHY in task["error"]["message"]

    assert own.api.get(f"/api/v1/tasks/{task_id}", params={"wait": 1}).json() == task
    for query in ({"correlation_id": task["correlation_id"]}, {"status": "SUCCESS"}, {"slower_than_ms": 0}):
        listed = own.api.get("/api/v1/tasks", params=query)
        assert task in listed.json()["tasks"], listed.text
    assert own.api.get(f"/api/v1/tasks/{task_id}/timeline").json()["changes"][-1]["status"] == "SUCCESS"
    events = own.api.get(f"/api/v1/tasks/{task_id}/events").text
    assert json.loads(events.partition("data: ")[2]) == task
    assert own.api.delete(f"/api/v1/tasks/{task_id}").status_code == 409
    assert own.api.get("/api/v1/dead-letters").status_code == 200

    with plain_http.client(f"http://127.0.0.1:{monitor_port}") as monitor:
        for kind in ("text/html", "application/json"):
            path = f"/journeys/{task['correlation_id']}"
            wait_until(partial(_answers, monitor, path, kind), 30, "the monitor has started and read the lines")
        assert "result unreadable" in monitor.get("/tasks", params={"correlation_id": task["correlation_id"]}).text
    with Client(str(own.api.base_url)) as client, pytest.raises(UnreadableResult, match="price is NaN"):
        client.handle(task_id).result(timeout=5)
    command = [str(COMMAND), "tasks", "--url", str(own.api.base_url), "--json"]
    printed = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    assert task in [json.loads(line) for line in printed.splitlines()]


def _answers(monitor: httpx.Client, path: str, kind: str) -> bool:
    with suppress(httpx.ConnectError):
        return monitor.get(path, headers={"Accept": kind}).status_code == 200
    return False


def test_the_history_keeps_such_a_result_as_it_is(history: History):
    stored = replace(ended("odd"), result=f'{{"status": "SUCCESS", "result": {NAN}}}')
    history.archive([stored])
    kept = history.find(["odd"])["odd"]
    assert kept == stored
    assert kept.unreadable == WHY
