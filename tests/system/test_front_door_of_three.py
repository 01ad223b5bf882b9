"""The front door on three replicas: its promises under simultaneous requests, repetitions and failures of Redis."""

import asyncio
import json
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import plain_http
from tests.system.nine import Nine
from tests.system.simultaneous_posts import post_at_once
from throughline.ledger import keys

TASK = {"task_type": "calculate_var", "data": {"positions": [{"symbol": "A", "quantity": 1, "price": 1.0}]}}
SMALL = TASK | {"data": TASK["data"] | {"simulations": 1_000}}  # type: ignore[operator]
RECORDS = "tl:task:" + "-".join("?" * length for length in (8, 4, 4, 4, 12))
Wait = Callable[..., Any]


@pytest.fixture(scope="module")
def idle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nine]:
    """Three replicas and no worker: whatever is accepted waits."""
    with Nine(tmp_path_factory.mktemp("idle") / "var", WORKER_REPLICAS="0") as running:
        yield running


@pytest.fixture
def empty(idle: Nine) -> Nine:
    with idle.redis() as client:
        client.flushall()
    return idle


def depth(nine: Nine) -> int:
    with nine.redis() as client:
        return sum(client.llen(queue) for queue in ("high", "medium", "low"))


def records(nine: Nine) -> set[str]:
    with nine.redis() as client:
        return {key.removeprefix("tl:task:") for key in client.scan_iter(RECORDS, count=1000)}


@pytest.mark.parametrize("through", ["nginx", "replicas"])
def test_a_thousand_at_once_are_exactly_five_hundred_tasks_and_five_hundred_refusals(empty: Nine, through: str):
    answers = post_at_once([empty.base_url] if through == "nginx" else empty.replica_urls, 1000, SMALL)

    assert Counter(answer.status for answer in answers) == {201: 500, 503: 500}
    refused = [answer for answer in answers if answer.status == 503]
    assert {answer.body["code"] for answer in refused} == {"CIRCUIT_OPEN"}
    assert all("Please retry later" in answer.body["detail"] for answer in refused)
    assert all(50 <= int(answer.headers["retry-after"]) <= 60 for answer in refused)
    accepted = {answer.body["task_id"] for answer in answers if answer.status == 201}
    assert depth(empty) == 500
    assert records(empty) == accepted


def test_two_hundred_at_once_with_one_key_are_one_task(empty: Nine):
    answers = post_at_once(empty.replica_urls, 200, SMALL, Idempotency_Key='"only-once"')

    assert {answer.status for answer in answers} == {201}
    assert len({answer.body["task_id"] for answer in answers}) == 1
    assert depth(empty) == len(records(empty)) == 1
    replays = [answer for answer in answers if answer.headers.get("idempotent-replayed") == "true"]
    assert len(replays) == 199
    assert all(answer.body["from_cache"] is True for answer in replays)


@pytest.mark.parametrize(("waiting", "taken"), [(400, 100), (401, 0)])
def test_a_hundred_at_once_at_the_half_open_moment_are_one_probe(empty: Nine, waiting: int, taken: int):
    with empty.redis() as client:
        client.lpush("low", *("…" for _ in range(waiting)))
        client.hset(keys.BREAKER, mapping={"state": "open", "wait": 60, "until": 1})
    probes = len(_half_opened(empty))

    answers = post_at_once(empty.replica_urls, 100, SMALL)

    assert Counter(answer.status for answer in answers) == Counter({201: taken, 503: 100 - taken})
    assert len(_half_opened(empty)) == probes + 1
    with empty.redis() as client:
        assert client.hget(keys.BREAKER, "state") == ("closed" if taken else "open")
        assert client.hget(keys.BREAKER, "wait") == ("0" if taken else "120")


def _half_opened(nine: Nine) -> list[dict[str, Any]]:
    lines = [line for name in nine.recorded.replicas for line in nine.log_lines(name)]
    return [line for line in lines if line.get("event.action") == "circuit.half_opened"]


def test_a_key_is_answered_while_the_circuit_is_open_and_bound_to_its_payload(empty: Nine):
    with empty.http() as client:
        first = client.post("/api/v1/tasks", json=TASK, headers={"Idempotency-Key": "bare"})
        with empty.redis() as redis:
            redis.hset(keys.BREAKER, mapping={"state": "open", "wait": 60, "until": time.time() + 60})
        assert client.post("/api/v1/tasks", json=TASK).json()["code"] == "CIRCUIT_OPEN"

        again = client.post("/api/v1/tasks", json=TASK, headers={"Idempotency-Key": '"bare"'})
        other = client.post("/api/v1/tasks", json=SMALL, headers={"Idempotency-Key": "bare"})
        refused = client.post("/api/v1/tasks", json=TASK, headers={"Idempotency-Key": "refused"})
        with empty.redis() as redis:
            redis.delete(keys.BREAKER)
        taken = client.post("/api/v1/tasks", json=TASK, headers={"Idempotency-Key": "refused"})

    assert (again.status_code, again.json()["task_id"]) == (201, first.json()["task_id"])
    assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert refused.status_code == 503
    assert (taken.status_code, "from_cache" in taken.json()) == (201, False), "a refusal is not remembered"


@pytest.mark.parametrize("key", ["", "x" * 256, "a b", '"', "ü"])
def test_an_invalid_idempotency_key_is_refused(empty: Nine, key: str):
    with empty.http(empty.replica_urls[0]) as client:
        answer = client.post("/api/v1/tasks", json=TASK, headers={b"Idempotency-Key": key.encode()})
    assert (answer.status_code, answer.json()["code"]) == (400, "IDEMPOTENCY_KEY_INVALID")


def test_every_call_is_answered_within_a_second_while_redis_hangs_and_goes_on_when_it_is_back(
    empty: Nine, wait_until: Wait
):
    pid = empty.pids()["redis"]
    assert pid is not None
    calls = [
        ("POST", "/api/v1/tasks"),
        ("GET", "/api/v1/tasks/x"),
        ("GET", "/api/v1/tasks/x/timeline"),
        ("DELETE", "/api/v1/tasks/x"),
        ("GET", "/api/v1/tasks?correlation_id=x"),
        ("GET", "/api/v1/queues"),
        ("GET", "/api/v1/tasks/x?wait=30"),
    ] * 20

    async def send() -> list[tuple[int, str, float]]:
        at_once = httpx.Limits(max_connections=None)  # with a hundred, the others would wait in the client
        async with plain_http.async_client(limits=at_once) as client:

            async def one(method: str, path: str) -> tuple[int, str, float]:
                began = time.monotonic()
                body = {"json": SMALL} if method == "POST" else {}
                answer = await client.request(method, empty.base_url + path, **body)  # type: ignore[arg-type]
                return answer.status_code, answer.json().get("code", ""), time.monotonic() - began

            return list(await asyncio.gather(*(one(*call) for call in calls)))

    def slowest(answers: list[tuple[int, str, float]]) -> float:
        return max(seconds for _, _, seconds in answers)

    unhindered = asyncio.run(send())
    os.kill(pid, signal.SIGSTOP)
    try:
        answers = asyncio.run(send())
        with empty.http() as client:
            assert client.get("/health/live").status_code == 200
    finally:
        os.kill(pid, signal.SIGCONT)

    assert {(status, code) for status, code, _ in answers} == {(503, "BROKER_UNAVAILABLE")}
    # A second for one call, and the time that 140 simultaneous calls need on this machine when Redis does answer.
    assert slowest(answers) < 1 + 3 * slowest(unhindered)

    def all_take_tasks() -> bool:
        return all(answer.status == 201 for answer in post_at_once(empty.replica_urls, 3, SMALL))

    wait_until(all_take_tasks, 20, "tasks are taken again")


def test_a_call_is_answered_within_a_second_while_redis_hangs(empty: Nine):
    pid = empty.pids()["redis"]
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        with empty.http() as client:
            client.get("/health/live")
            answers = [client.post("/api/v1/tasks", json=TASK) for _ in range(3)]
    finally:
        os.kill(pid, signal.SIGCONT)
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (503, "BROKER_UNAVAILABLE")
        assert answer.headers["Retry-After"] == "1"
    assert min(answer.elapsed.total_seconds() for answer in answers) < 1  # one of three: the machine may be busy


@pytest.mark.timeout(300)
def test_of_two_thousand_mixed_requests_every_201_has_its_task_though_redis_is_killed_once(tmp_path: Path):
    """Repeated keys, refused payloads and plain submissions. Redis is back in less time than a replica waits for it, so
    503 is rare; a client that got one may or may not have a task."""
    with Nine(tmp_path / "var", WORKER_REPLICAS="0", CIRCUIT_MAX_DEPTH="100000") as roomy:
        statuses, accepted = asyncio.run(_two_thousand(roomy.base_url, roomy.pids()["redis"]))

        assert sum(statuses.values()) == 2_000
        assert {201, 422} <= set(statuses) <= {201, 422, 503}
        assert statuses[201] > 1_000
        with roomy.redis() as client:
            messages = [message for queue in ("high", "medium", "low") for message in client.lrange(queue, 0, -1)]
        enqueued = [json.loads(message)["headers"]["id"] for message in messages]
        assert len(set(enqueued)) == len(enqueued)
        assert set(accepted) <= set(enqueued)
        assert set(enqueued) == records(roomy)


async def _two_thousand(url: str, redis_pid: int | None) -> tuple[Counter[int], list[str]]:
    accepted: list[str] = []
    statuses: Counter[int] = Counter()
    kinds: list[dict[str, Any]] = [
        {"json": SMALL},
        {"json": SMALL, "headers": {"Idempotency-Key": "again-and-again"}},
        {"json": SMALL | {"priority": "urgent"}},
        {"json": SMALL | {"priority": "low"}},
    ]
    assert redis_pid is not None
    async with plain_http.async_client(url) as client:
        numbers = iter(range(2_000))

        async def one_after_the_other() -> None:
            for number in numbers:
                if number == 1_000:
                    os.kill(redis_pid, signal.SIGKILL)
                answer = await client.post("/api/v1/tasks", **kinds[number % len(kinds)])
                statuses[answer.status_code] += 1
                if answer.status_code == 201:
                    accepted.append(answer.json()["task_id"])

        await asyncio.gather(*(one_after_the_other() for _ in range(16)))
    return statuses, accepted


def test_answers_have_security_headers_and_name_no_version(empty: Nine):
    with empty.http() as client:
        too_large = client.post("/api/v1/tasks", content=b"x" * 2_000_000)
        answers = [client.get("/health"), client.get("/api/v1/nothing"), too_large]
    for answer in answers:
        assert answer.headers["Server"] == "nginx"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    with empty.http(empty.replica_urls[0]) as client:
        assert "Server" not in client.get("/health/live").headers
