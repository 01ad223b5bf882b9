"""/health is right at once, whatever is broken; NGINX leaves out a replica that is down, and uses it again later."""

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests.system.nine import Nine

Wait = Callable[..., Any]


@contextmanager
def stopped(nine: Nine, *names: str) -> Iterator[None]:
    """The named processes are down inside the block, healthy after it."""
    assert nine.run("stop", *names).returncode == 0
    try:
        yield
    finally:
        assert nine.run("start", *names).returncode == 0


@contextmanager
def frozen(pid: int | None) -> Iterator[None]:
    """The process hangs inside the block: it holds its connections and answers nothing."""
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def health(nine: Nine) -> tuple[int, dict[str, Any], float]:
    with nine.http() as client:
        began = time.monotonic()
        answer = client.get("/health")
        return answer.status_code, answer.json(), time.monotonic() - began


def test_all_nine_are_healthy(nine: Nine):
    status, body, _ = health(nine)

    assert status == 200
    assert body.keys() >= {"status", "timestamp", "version", "dependencies"}
    assert body["status"] == "healthy"
    assert body["dependencies"] == {"redis": "healthy", "celery": "healthy", "history": "healthy"}
    assert body["workers"] == nine.recorded.workers


def test_without_workers_it_is_degraded_but_takes_tasks(nine: Nine):
    with stopped(nine, *nine.recorded.workers):
        status, body, _ = health(nine)
        assert (status, body["status"]) == (200, "degraded")
        assert body["dependencies"] == {"redis": "healthy", "celery": "unavailable", "history": "healthy"}
        with nine.http() as client:
            assert client.get("/health/ready").status_code == 200


@pytest.mark.parametrize("fault", ["stopped", "frozen"])
def test_without_redis_it_is_unhealthy_within_a_second_and_the_process_still_answers(nine: Nine, fault: str):
    broken = stopped(nine, "redis") if fault == "stopped" else frozen(nine.pids()["redis"])
    with broken:
        answers = [health(nine) for _ in range(3)]
        status, body, _ = answers[0]
        assert (status, body["status"]) == (503, "unhealthy")
        assert body["dependencies"] == {"redis": "unavailable", "celery": "unavailable", "history": "healthy"}
        assert min(seconds for *_, seconds in answers) < 1.5  # the setting's 0.5 s, a connection's and an answer's
        with nine.http() as client:
            assert client.get("/health/live").status_code == 200


def test_a_health_check_that_waits_for_redis_holds_up_no_other_request(nine: Nine, wait_until: Wait):
    replica, answered = nine.replica_urls[0], 0
    with frozen(nine.pids()["redis"]), ThreadPoolExecutor() as pool, nine.http(replica) as quick:
        waiting = pool.submit(httpx.get, f"{replica}/health", timeout=30, trust_env=False)
        while not waiting.done():
            assert quick.get("/health/live").status_code == 200
            answered += 1
    assert waiting.result().status_code == 503
    assert answered >= 10  # a blocked event loop would answer the first one only after the wait
    wait_until(lambda: nine.run("status").returncode == 0, 20, "all nine are healthy again")


def test_requests_go_round_the_three_replicas(nine: Nine, wait_until: Wait):
    ids = [f"ROUND-{number}" for number in range(30)]
    with nine.http() as client:
        for correlation_id in ids:
            client.get("/health/live", headers={"X-Request-ID": correlation_id})

    wait_until(lambda: len(_lines(nine, ids)) == len(ids), 20, "every request has its line")
    lines = _lines(nine, ids)
    replicas = {url.removeprefix("http://") for url in nine.replica_urls}
    assert Counter(line["upstream.address"] for line in lines) == dict.fromkeys(replicas, 10)
    for line in lines:
        assert line["http.response.status_code"] == 200
        # NGINX reads two clocks, both in whole milliseconds.
        assert line["duration_ms"] + 1 >= line["upstream.duration_ms"] >= 0


def test_a_replica_that_is_down_costs_no_request_and_is_taken_back_within_five_seconds(nine: Nine, wait_until: Wait):
    address = nine.replica_urls[1].removeprefix("http://")
    with stopped(nine, "fastapi-2"), nine.http() as client:
        assert [client.get("/health/live").status_code for _ in range(30)] == [200] * 30

    def asked() -> bool:
        with nine.http() as client:
            client.get("/health/live", headers={"X-Request-ID": "TAKEN-BACK"})
        return any(line["upstream.address"] == address for line in _lines(nine, ["TAKEN-BACK"]))

    wait_until(asked, 8, "fastapi-2 is asked again")  # five seconds, and room for a busy machine


def _lines(nine: Nine, ids: list[str]) -> list[dict[str, Any]]:
    return [line for line in nine.log_lines("nginx") if line.get("correlation_id") in ids]
