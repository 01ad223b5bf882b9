"""NGINX's own limit: how many requests a second each caller may send."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests import lone_nginx, plain_http


def test_nginx_refuses_more_than_its_rate_with_429(tmp_path: Path, wait_until: Callable[..., Any]):
    small = {"RATE_LIMIT_PER_SECOND": "1", "RATE_LIMIT_BURST": "8"}
    with (
        lone_nginx.started(tmp_path, wait_until, **small) as slow,
        plain_http.client(f"http://127.0.0.1:{slow.port}") as client,
    ):
        answers = [client.get("/health/live", headers={"X-API-Key": "mine"}) for _ in range(20)]
        other = client.get("/health/live", headers={"X-API-Key": "another"})
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) >= 10
    assert refused[0].headers["Retry-After"] == "1"
    assert (refused[0].json()["code"], refused[0].json()["category"]) == ("RATE_LIMITED", "CLIENT_ERROR")
    assert other.status_code == 200
