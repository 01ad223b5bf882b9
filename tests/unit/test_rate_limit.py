"""A request beyond its budget is refused with a problem, and the application behind never hears of it."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from throughline.api_keys import ApiKeys, hash_of
from throughline.budgets import Budgets
from throughline.rate_limit import RateLimit


@pytest.fixture
def ask(tmp_path: Path):
    """`ask(*headers)`: the answers, of which the application gives those with 204."""
    (tmp_path / "keys").write_text(f"alice submit {hash_of('her key')}\n")

    async def behind(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    limited = RateLimit(behind, Budgets(ApiKeys(tmp_path / "keys"), per_second=1, burst=2))

    def answers(*headers: dict[str, str], method: str = "GET") -> list[httpx.Response]:
        async def asked() -> list[httpx.Response]:
            transport = httpx.ASGITransport(limited)
            async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
                return [await client.request(method, "/api/v1/queues", headers=each) for each in headers]

        return asyncio.run(asked())

    return answers


def test_a_refusal_is_a_problem_that_says_when_to_try_again(ask):
    *answered, refused = ask(*({"X-API-Key": f"wrong {number}"} for number in range(4)))
    assert [each.status_code for each in answered] == [204] * 3
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
    assert refused.headers["Content-Type"] == "application/problem+json"
    told = refused.json()
    assert (told["code"], told["category"], told["instance"]) == ("RATE_LIMITED", "CLIENT_ERROR", "/api/v1/queues")
    assert told["correlation_id"] == refused.headers["X-Request-ID"]
    assert "wrong" not in json.dumps(told)


def test_it_is_told_under_its_own_correlation_id_and_without_a_body_for_head(ask):
    *_, refused = ask(*[{"Authorization": "Bearer no", "X-Request-ID": "MINE-1"}] * 4, method="HEAD")
    assert (refused.status_code, refused.headers["X-Request-ID"], refused.content) == (429, "MINE-1", b"")


def test_a_known_key_is_answered_while_strangers_at_the_same_address_are_not(ask):
    ask(*[{"X-API-Key": "wrong"}] * 50)
    assert [each.status_code for each in ask(*[{"X-API-Key": "her key"}] * 4)] == [204, 204, 204, 429]
