"""What an older version wrote into Redis is run, told, replayed and answered by this one, and nothing of it is missing.

`recorded.json` is what the api and the worker of commit a1865eb (tests/stack/previous_version, then) wrote: two tasks
that waited, and the same two when they had ended.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis

from tests import plain_http
from tests.conftest import free_port
from throughline.ledger import keys
from throughline.ledger.envelope import Origin, celery_message
from throughline.ledger.history.rows import rows_of
from throughline.ledger.message import Queue
from throughline.ledger.record import FIELDS, TaskRecord
from throughline.ledger.stored_task import StoredTask

HERE = Path(__file__).parent
RECORDED: dict[str, Any] = json.loads((HERE / "recorded.json").read_text(encoding="utf-8"))
SUCCEEDED, DEAD = RECORDED["tasks"]["var"], RECORDED["tasks"]["dead"]
VAR = {
    "task_type": "calculate_var",
    "data": {"positions": [{"symbol": "AAPL", "quantity": 100, "price": 150.0}], "simulations": 20_000, "seed": 7},
    "priority": "high",
}
TASKS = {"TASK_MODULES": "risk,contract_tasks", "PYTHONPATH": str(HERE.parent / "stack")}


def restore(broker: redis.Redis, moment: str) -> None:
    for key, kept in RECORDED[moment].items():
        value = kept["value"]
        match kept["type"]:
            case "string":
                broker.set(key, value)
            case "hash":
                broker.hset(key, mapping=value)
            case "list":
                broker.rpush(key, *value)
            case "zset":
                broker.zadd(key, dict(value))
            case other:
                raise AssertionError(f"{key} is a {other}")
    broker.delete(keys.BREAKER)  # it was open


@pytest.fixture
def api(start: Callable[..., object], broker: redis.Redis, wait_until: Callable[..., object]) -> Iterator[httpx.Client]:
    port = free_port()
    start("uvicorn", "api.main:app", "--port", str(port), **TASKS)
    with plain_http.client(f"http://127.0.0.1:{port}", timeout=35) as client:

        def is_ready() -> bool:
            try:
                return client.get("/health/ready").status_code == 200
            except httpx.TransportError:
                return False

        wait_until(is_ready, 60, "the api is ready")
        yield client


def worker(start: Callable[..., object]) -> None:
    command = ("celery", "-A", "worker.app", "worker", "--without-gossip", "--without-mingle")
    start(*command, WORKER_CONCURRENCY="1", SERVICE_NODE_NAME="worker-1", **TASKS)


def record_of(broker: Any, task_id: str) -> TaskRecord:
    return TaskRecord.parse(task_id, broker.hgetall(keys.task(task_id)), broker.lrange(keys.attempts(task_id), 0, -1))


def test_what_the_older_version_accepted_is_run(start, broker, wait_until):
    restore(broker, "waiting")
    worker(start)

    wait_until(lambda: record_of(broker, SUCCEEDED).status == "SUCCESS", 90, "the calculation has ended")
    wait_until(lambda: record_of(broker, DEAD).is_dead_letter, 60, "the one that stumbles is a dead letter")
    result = json.loads(broker.get(keys.celery_result(SUCCEEDED)))["result"]
    assert result["var_amount"] == pytest.approx(RECORDED["told"]["var"]["result"]["var_amount"])
    assert record_of(broker, SUCCEEDED).correlation_id == "RECORDED-1"


def test_what_the_older_version_ended_is_told_replayed_and_answered_again(start, broker, api, wait_until):
    restore(broker, "ended")

    for name, task_id in RECORDED["tasks"].items():
        told, before = api.get(f"/api/v1/tasks/{task_id}").json(), dict(RECORDED["told"][name])
        for attempt, then in zip(told.pop("attempts"), before.pop("attempts"), strict=True):
            assert attempt.items() >= then.items()
        assert told.items() >= before.items()
    listed = api.get("/api/v1/tasks", params={"correlation_id": "RECORDED-1"}).json()["tasks"]
    assert [task["task_id"] for task in listed] == [SUCCEEDED]
    again = api.post("/api/v1/tasks", json=VAR, headers={"Idempotency-Key": "recorded"})
    assert (again.status_code, again.json()["task_id"], again.json()["from_cache"]) == (201, SUCCEEDED, True)

    assert [task["task_id"] for task in api.get("/api/v1/dead-letters").json()["tasks"]] == [DEAD]
    assert api.post(f"/api/v1/dead-letters/{DEAD}/replay").status_code == 202
    worker(start)
    wait_until(lambda: record_of(broker, DEAD).status == "SUCCESS", 90, "its second attempt has ended")


def test_a_waiting_task_of_the_older_version_is_cancelled(broker, api):
    restore(broker, "waiting")

    assert api.delete(f"/api/v1/tasks/{SUCCEEDED}").is_success
    assert api.get(f"/api/v1/tasks/{SUCCEEDED}").json()["status"] == "REVOKED"
    assert broker.llen("high") == 0


def test_a_message_lacks_nothing_that_an_older_worker_reads():
    (old,) = (json.loads(message) for message in RECORDED["waiting"]["high"]["value"])
    origin = Origin("RECORDED-1", old["headers"]["traceparent"])
    new = json.loads(celery_message(SUCCEEDED, "calculate_var", VAR["data"], Queue.HIGH, origin, published_at=1.5))

    assert kinds(new).items() >= kinds(old).items()
    assert new["headers"]["envelope"] == old["headers"]["envelope"]
    assert new["body"] == old["body"]


def kinds(message: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """Each name in it, with the type of its value."""
    found = {}
    for name, value in message.items():
        found[prefix + name] = type(value).__name__
        if isinstance(value, dict):
            found |= kinds(value, f"{prefix}{name}.")
    return found


@pytest.mark.parametrize("task_id", RECORDED["tasks"].values(), ids=RECORDED["tasks"])
def test_a_record_of_the_older_version_has_fields_that_are_still_known_and_becomes_the_same_row(task_id: str):
    ended = RECORDED["ended"]
    fields = ended[keys.task(task_id)]["value"]
    assert fields.keys() <= set(FIELDS)

    attempts, result = ended[keys.attempts(task_id)]["value"], ended[keys.celery_result(task_id)]["value"]
    task = StoredTask(task_id, fields, tuple(attempts), (), result, ended[keys.message(task_id)]["value"])
    row = rows_of(task).task
    assert (row["task_id"], row["status"], row["worker"]) == (task_id, fields["status"], "recorded-1")
    assert (row["dead_letter"] is not None) == (task_id == DEAD)
