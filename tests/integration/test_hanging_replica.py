"""NGINX before a replica that takes connections and never answers: what it sends to another one, and what it says."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from tests import lone_nginx, plain_http
from tests.integration.replica import TASK
from tests.odd_server import OddServer, close, reply, silent

ASKED = {
    "look": ("GET", "/api/v1/tasks/task-1", {}),
    "zero-wait": ("GET", "/api/v1/tasks/task-1?wait=0.0", {}),
    "head": ("HEAD", "/health", {}),
    "list": ("GET", "/api/v1/tasks?status=FAILURE", {}),
    "cancel": ("DELETE", "/api/v1/tasks/task-1", {}),
    "keyed": ("POST", "/api/v1/tasks", {"Idempotency-Key": "key-1"}),
    "keyed-again": ("POST", "/api/v1/tasks/task-1/resubmit", {"Idempotency-Key": "key-2"}),
    "bare": ("POST", "/api/v1/tasks", {}),
    "replay": ("POST", "/api/v1/dead-letters/task-1/replay", {"Idempotency-Key": "no such thing"}),
    "breaker": ("POST", "/api/v1/queues/circuit/close", {}),
}
ONCE = ("bare", "replay", "breaker")


class Hanging(NamedTuple):
    nginx: lone_nginx.Nginx
    first: OddServer
    answers: dict[str, httpx.Response]


@pytest.fixture(scope="module")
def hanging(tmp_path_factory: pytest.TempPathFactory, wait_until: Callable[..., Any]) -> Iterator[Hanging]:
    """All of them at once: the first replica hangs, the second answers."""
    folder = tmp_path_factory.mktemp("nginx")
    with OddServer([silent]) as first:
        address = first.url.removeprefix("http://")
        with lone_nginx.started(folder, wait_until, first=address) as nginx:
            with ThreadPoolExecutor(len(ASKED)) as pool:
                names = dict(zip(ASKED, pool.map(lambda name: ask(nginx, name), ASKED), strict=True))
            yield Hanging(nginx, first, names)


def ask(nginx: lone_nginx.Nginx, name: str) -> httpx.Response:
    method, path, headers = ASKED[name]
    with plain_http.client(f"http://127.0.0.1:{nginx.port}", timeout=25) as client:
        task = TASK if method == "POST" else None
        return client.request(method, path, headers=headers | {"X-Request-ID": name}, json=task)


def test_the_hanging_replica_got_all_of_them(hanging: Hanging):
    assert {asked.headers["x-request-id"] for asked in hanging.first.asked} == set(ASKED)


@pytest.mark.parametrize("name", [name for name in ASKED if name not in ONCE])
def test_what_may_be_sent_twice_is_answered_by_another_replica(hanging: Hanging, name: str):
    assert hanging.answers[name].status_code == 200
    assert hanging.answers[name].elapsed.total_seconds() < 9
    method, path, _ = ASKED[name]
    assert [asked for asked, _ in hanging.nginx.replica.asked].count(f"{method} {path}") == 1


@pytest.mark.parametrize("name", ONCE)
def test_any_other_change_is_sent_to_nobody_else_and_its_504_says_what_may_be(hanging: Hanging, name: str):
    answer, (method, path, _) = hanging.answers[name], ASKED[name]
    body = answer.json()
    assert (answer.status_code, body["code"], body["correlation_id"]) == (504, "REPLICA_TIMEOUT", name)
    assert "may have been carried out" in body["detail"]
    assert f"correlation_id={name} " in body["detail"]
    assert "Idempotency-Key" in body["detail"]
    seen = [headers["X-Request-ID"] for headers in hanging.nginx.replica.headers]
    assert name not in seen
    assert f"{method} {path}" in {asked.line.rpartition(" ")[0] for asked in hanging.first.asked}


def test_after_that_nobody_waits_for_it(hanging: Hanging):
    for name in ("look", "bare", "replay"):
        answer = ask(hanging.nginx, name)
        assert (answer.status_code, answer.elapsed.total_seconds() < 3) == (200, True)


def test_a_path_of_nginx_s_own_is_nobody_s_to_ask_for(hanging: Hanging):
    with plain_http.client(f"http://127.0.0.1:{hanging.nginx.port}") as client:
        for path in ("/.keyed", "/.once", "/.patient"):
            answer = client.get(path)
            assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")


def test_when_all_have_failed_they_are_asked_all_the_same(tmp_path: Path, wait_until: Callable[..., Any]):
    failing = [close] * 2 + [reply(200)]
    with OddServer(failing) as one, OddServer(failing) as other:
        addresses = [each.url.removeprefix("http://") for each in (one, other)]
        with lone_nginx.started(tmp_path, wait_until, replicas=addresses) as nginx:
            statuses = [ask(nginx, "bare").status_code for _ in range(6)]
    assert statuses == [502, 502, 502, 502, 200, 200]
