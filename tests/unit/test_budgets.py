"""How many requests are answered: a known key's owner has a budget of their own, all else is its address's."""

import sys
from pathlib import Path

import pytest

from throughline import budgets
from throughline.api_keys import ApiKeys, hash_of
from throughline.budgets import Budgets, site

KEYS = {"alice": "a" * 43, "bob": "b" * 43}


@pytest.fixture
def made(tmp_path: Path):
    """`made(per_second, burst)`: budgets of these callers."""
    file = tmp_path / "keys"
    file.write_text("".join(f"{name} submit {hash_of(key)}\n" for name, key in KEYS.items()))

    def make(per_second: int = 10, burst: int = 5, **options: object) -> Budgets:
        return Budgets(ApiKeys(file), per_second, burst, **options)  # type: ignore[arg-type]

    return make


def answered(made: Budgets, requests: int, headers: dict[str, str], peer: str = "10.0.0.1", now: float = 0.0) -> int:
    return sum(made.seconds_to_wait(headers, peer, now) == 0 for _ in range(requests))


def key(name: str) -> dict[str, str]:
    return {"x-api-key": KEYS.get(name, name)}


def test_an_address_is_limited_however_many_keys_it_makes_up(made):
    ours = made()
    assert sum(answered(ours, 1, key(f"made-up-{number}")) for number in range(500)) == 6  # the burst, and one
    for headers in ({"authorization": "Bearer x"}, {"authorization": "Basic eDp5"}, {"authorization": "Digest x"}):
        assert answered(ours, 3, headers | key("other")) == 0
    assert answered(ours, 20, key("other"), now=0.25) == 2  # ten a second


def test_strangers_leave_a_callers_budget_alone_even_behind_the_same_address(made):
    ours = made()
    answered(ours, 1000, key("made-up"))
    assert answered(ours, 100, key("alice")) == 6
    assert answered(ours, 100, {"authorization": f"Bearer {KEYS['alice']}"}, peer="10.0.0.9") == 0  # one budget
    assert answered(ours, 100, key("bob")) == 6


def test_a_refusal_says_how_long_to_wait_and_costs_nothing(made):
    ours = made()
    answered(ours, 100, key("alice"))
    wait = ours.seconds_to_wait(key("alice"), "", 0.0)
    assert wait == pytest.approx(0.1)
    assert ours.seconds_to_wait(key("alice"), "", wait + 1e-6) == 0


def test_replicas_share_a_budget(made):
    shares = [made(shares=lambda: 3, burst=30) for _ in range(3)]
    assert sum(answered(each, 100, key("alice")) for each in shares) == 33


def test_behind_nginx_it_is_its_clients_address_and_nobody_else_may_name_one(made):
    ours = made(nginx_secret="s" * 32)
    for number in range(100):
        said = {"x-real-ip": f"192.0.2.{number}", "x-forwarded-for": f"192.0.2.{number}"}
        ours.seconds_to_wait(key("x") | said, "10.0.0.1", 0.0)
        ours.seconds_to_wait(key("x") | said | {"x-nginx-secret": "guess"}, "10.0.0.1", 0.0)
    assert answered(ours, 10, key("x")) == 0
    proved = {"x-nginx-secret": "s" * 32, "x-real-ip": "192.0.2.1"}
    assert answered(ours, 10, key("x") | proved) == 6
    assert answered(made(nginx_secret=""), 10, key("x") | {"x-nginx-secret": "", "x-real-ip": "192.0.2.1"}) == 6


def test_what_carries_no_key_was_counted_by_nginx(made):
    assert answered(made(), 100, {}) == 100


def test_memory_is_bounded_whatever_is_sent(made):
    ours = made()
    for number in range(budgets.MOST_ADDRESSES + 500):
        ours.seconds_to_wait(key(f"made-up-{number}"), f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", 0.0)
    assert len(ours._addresses) == budgets.MOST_ADDRESSES
    assert len(ours._callers) == 0
    assert max(map(sys.getsizeof, ours._addresses)) < 100


@pytest.mark.parametrize(
    ("address", "counted_as"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::ffff", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_of_an_ipv6_address_the_first_half_counts(address: str, counted_as: str):
    assert site(address) == counted_as
