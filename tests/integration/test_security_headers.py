"""Whatever layer of a process makes an answer, it has the security headers, each once: replica and monitor alike."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests import plain_http
from tests.conftest import free_port
from tests.integration.replica import Replica
from throughline.api_keys import hash_of

KEYS: Final = {"reader": "r" * 40, "submitter": "s" * 40, "admin": "a" * 40}
WANTED: Final = ("Content-Security-Policy", "Referrer-Policy", "X-Content-Type-Options")
TASK: Final = b'{"task_type":"calculate_var","data":{"positions":[{"symbol":"A","quantity":1,"price":1}]}}'
AS_JSON: Final = {"Content-Type": "application/json"}

Asked = tuple[str, str, dict[str, str], bytes]


@pytest.fixture(scope="module")
def without_redis(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a process that asks for keys, and whose Redis is away."""
    file = tmp_path_factory.mktemp("keys") / "keys"
    scopes = {"reader": "read", "submitter": "submit", "admin": "admin"}
    file.write_text("".join(f"{name} {scopes[name]} {hash_of(key)}\n" for name, key in KEYS.items()))
    limits = {"RATE_LIMIT_PER_SECOND": "1", "RATE_LIMIT_BURST": "20"}
    return {"API_KEYS_FILE": str(file), "REDIS_URL": "redis://127.0.0.1:1/0"} | limits


def by(owner: str, **more: str) -> dict[str, str]:
    return {"X-API-Key": KEYS[owner]} | more


def answers(http: httpx.Client, kinds: list[Asked]) -> list[httpx.Response]:
    return [http.request(method, path, headers=headers, content=body) for method, path, headers, body in kinds]


def assert_secured(found: list[httpx.Response]) -> None:
    for answer in found:
        each_once = Counter(name for name, _ in answer.headers.multi_items())
        lacks = [name for name in WANTED if each_once[name.lower()] != 1]
        assert not lacks, (answer.request.method, answer.request.url.path, answer.status_code)


def test_each_answer_of_a_replica_has_them(replica_with: Callable[..., Replica], without_redis: dict[str, str]):
    kinds: dict[int, Asked] = {
        200: ("GET", "/health/live", {}, b""),
        204: ("OPTIONS", "/api/v1/tasks", {}, b""),
        400: ("POST", "/api/v1/tasks", by("submitter", **AS_JSON), b"{"),
        401: ("GET", "/api/v1/queues", {}, b""),
        403: ("POST", "/api/v1/tasks", by("reader", **AS_JSON), TASK),
        404: ("GET", "/nowhere", {}, b""),
        405: ("PUT", "/health", {}, b""),
        413: ("POST", "/api/v1/tasks", by("submitter", **AS_JSON), b"x" * 1_100_000),
        415: ("POST", "/api/v1/tasks", by("submitter") | {"Content-Type": "text/css"}, TASK),
        421: ("GET", "/health/live", {"Host": "made-up.example"}, b""),
        422: ("POST", "/api/v1/tasks", by("submitter", **AS_JSON), b"{}"),
        500: ("GET", "/fails", {}, b""),
        503: ("POST", "/api/v1/tasks", by("submitter", **AS_JSON), TASK),
    }
    others: list[Asked] = [("HEAD", "/docs", {}, b""), ("POST", "/api/v1/tasks", {"Origin": "null"}, b"")]
    http = replica_with(**without_redis).http

    found = answers(http, list(kinds.values()))
    refused = answers(http, [("GET", "/api/v1/queues", {"X-API-Key": "made up"}, b"")] * 30)

    assert [each.status_code for each in found] == list(kinds)
    assert 429 in {each.status_code for each in refused}
    assert_secured([*found, *refused, *answers(http, others)])


def test_each_answer_of_the_monitor_has_them(
    start_for_module: Callable[..., Any],
    without_redis: dict[str, str],
    tmp_path: Path,
    wait_until: Callable[..., Any],
):
    kinds: list[Asked] = [
        ("GET", "/metrics", {}, b""),
        ("GET", "/assets/page.css", {}, b""),
        ("GET", "/", {"Accept": "text/html"}, b""),
        ("GET", "/tasks", by("reader"), b""),
        ("GET", "/nowhere", {"Accept": "text/html"}, b""),
        ("GET", "/health/live", {"Host": "made-up.example"}, b""),
        ("POST", "/circuit/actions", by("reader"), b""),
        ("POST", "/circuit/actions", by("admin", Origin="https://made-up.example"), b""),
        ("PUT", "/metrics", {}, b""),
        ("OPTIONS", "/metrics", {}, b""),
        ("HEAD", "/metrics", {}, b""),
    ]
    port = free_port()
    start_for_module("monitor", output=tmp_path / "monitor.jsonl", MONITOR_PORT=str(port), **without_redis)
    with plain_http.client(f"http://127.0.0.1:{port}", timeout=10) as http:
        wait_until(lambda: _is_up(http), 60, "the monitor answers")

        found = answers(http, kinds)
        refused = answers(http, [("GET", "/metrics", {"X-API-Key": "made up"}, b"")] * 30)

    assert {200, 204, 401, 404, 405, 421} <= {each.status_code for each in found}
    assert 429 in {each.status_code for each in refused}
    assert_secured([*found, *refused])


def _is_up(http: httpx.Client) -> bool:
    try:
        return http.get("/health/live").is_success
    except httpx.TransportError:
        return False
