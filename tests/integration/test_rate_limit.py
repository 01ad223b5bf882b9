"""NGINX's limit goes by the address; where keys are asked for, what carries one is for those who know the keys."""

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests import plain_http
from tests.integration.replica import Replica
from tests.lone_nginx import Nginx, started
from throughline.api_keys import hash_of

SMALL = {"RATE_LIMIT_PER_SECOND": "1", "RATE_LIMIT_BURST": "8"}
FORGED = {"X-Real-IP": "192.0.2.1", "X-Nginx-Secret": "guess"}


@pytest.fixture
def open_to_all(tmp_path: Path, wait_until):
    with started(tmp_path, wait_until, **SMALL) as nginx:
        yield nginx


@pytest.fixture
def asking_for_keys(tmp_path: Path, wait_until):
    with started(tmp_path, wait_until, API_KEYS_FILE=str(tmp_path / "keys"), **SMALL) as nginx:
        yield nginx


def refused(nginx: Nginx, *headers: dict[str, str]) -> list[httpx.Response]:
    with plain_http.client(f"http://127.0.0.1:{nginx.port}") as client:
        answers = [client.get("/health/live", headers=each) for each in headers]
    return [answer for answer in answers if answer.status_code == 429]


def test_without_keys_an_address_is_limited_whatever_it_sends(open_to_all: Nginx):
    made_up = [{"X-API-Key": f"made-up-{number}"} for number in range(15)]
    made_up += [{"Authorization": f"Bearer made-up-{number}"} for number in range(15)]
    first, *others = refused(open_to_all, *made_up, {}, {"X-Forwarded-For": "192.0.2.1"})
    assert len(others) >= 12
    assert first.headers["Retry-After"] == "1"
    assert (first.json()["code"], first.json()["category"]) == ("RATE_LIMITED", "CLIENT_ERROR")


def test_with_keys_it_limits_what_carries_none(asking_for_keys: Nginx):
    assert len(refused(asking_for_keys, *[{}] * 25)) >= 10
    assert not refused(asking_for_keys, *[{"X-API-Key": "x"}] * 15, *[{"Authorization": "Basic eDp5"}] * 15)


def test_a_replica_learns_the_clients_address_from_nginx_alone(asking_for_keys: Nginx):
    assert not refused(asking_for_keys, FORGED | {"X-API-Key": "x"})
    sent = asking_for_keys.replica.headers[-1]
    assert sent.get_all("X-Real-IP") == ["127.0.0.1"]
    assert sent.get_all("X-Nginx-Secret", []) == []  # this run has none


def test_where_keys_are_asked_for_a_replica_counts_each_owner_and_each_address(
    replica_with: Callable[..., Replica], tmp_path: Path
):
    key = "known" * 8
    (tmp_path / "keys").write_text(f"alice read {hash_of(key)}\n")
    http = replica_with(API_KEYS_FILE=str(tmp_path / "keys"), **SMALL).http
    made_up = ({"X-API-Key": f"made-up-{n}", "X-Real-IP": f"192.0.2.{n}", "X-Nginx-Secret": "x"} for n in range(40))
    strangers = [http.get("/api/v1/queues", headers=each) for each in made_up]
    known = [http.get("/api/v1/queues", headers={"Authorization": f"Bearer {key}"}).status_code for _ in range(8)]
    used_up = [http.get("/api/v1/queues", headers={"X-API-Key": key}).status_code for _ in range(20)]
    statuses = [each.status_code for each in strangers]
    assert statuses[:9] == [401] * 9  # the burst, and one
    assert statuses.count(429) >= 20
    assert (strangers[-1].json()["code"], strangers[-1].headers["Retry-After"]) == ("RATE_LIMITED", "1")
    assert known == [200] * 8
    assert used_up.count(429) >= 10
