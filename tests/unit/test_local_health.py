"""A worker is as healthy as the heartbeat that Redis holds of it, if that is its own; and what a replica warns of."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import redis

from tests.json_server import Server
from throughline.ledger import keys
from throughline.local.health import check, warnings
from throughline.local.run import Run
from throughline.local.supervisor import Process


@pytest.fixture
def run(redis_url: str) -> Run:
    return Run("/var", 8080, redis_url, 0, 1, "/socket")


def word(run: Run, state: str, started: int) -> str:
    (row,) = check(run, {"worker-1": Process("workers", state, 7, started)}, ["worker-1"])
    return row.word


def beat(broker: redis.Redis, ago: int) -> int:
    at = int(broker.time()[0]) - ago
    broker.zadd(keys.WORKERS, {"worker-1": at})
    return at


def test_a_recent_heartbeat_is_health(run: Run, broker: redis.Redis):
    at = beat(broker, ago=1)

    assert word(run, "RUNNING", started=at - 5) == "healthy"


def test_the_heartbeat_of_a_predecessor_is_not_health(run: Run, broker: redis.Redis):
    at = beat(broker, ago=1)

    assert word(run, "RUNNING", started=at) == "no heartbeat"


def test_an_old_heartbeat_is_not_health(run: Run, broker: redis.Redis):
    at = beat(broker, ago=keys.WORKER_ALIVE_SECONDS + 1)

    assert word(run, "RUNNING", started=at - 5) == "no heartbeat"


def test_a_stopped_process_is_stopped_whatever_its_heartbeat_says(run: Run, broker: redis.Redis):
    at = beat(broker, ago=1)

    assert word(run, "STOPPED", started=at - 5) == "stopped"


@pytest.fixture
def replica() -> Iterator[Server]:
    with Server() as server:
        yield server


WEAK = "appendonly is no: accepted tasks are not on Redis's disk, and lost when Redis ends"
LOST = "Redis has lost data: tasks that were accepted before 2026-11-26 23:05:11 UTC may be gone with them."


@pytest.mark.parametrize(
    ("health", "told"),
    [
        ({"status": "healthy"}, []),
        ({"warnings": [WEAK]}, [f"A 201 promises less than it should: {WEAK}."]),
        ({"code": "REDIS_DATA_LOST", "reason": LOST}, [LOST]),
        ({"reason": LOST, "warnings": [WEAK]}, [LOST, f"A 201 promises less than it should: {WEAK}."]),
    ],
)
def test_what_a_replica_warns_of_is_told_in_sentences(
    run: Run, replica: Server, health: dict[str, Any], told: list[str]
):
    replica.answer = health
    one = replace(run, http_port=replica.http.server_port - 1, api_replicas=1)
    assert warnings(one) == told
    assert warnings(run) == [], "of no replica"
