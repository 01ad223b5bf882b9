"""How far a host's clock is ahead of Redis's, from answers that hold Redis's time."""

import random

import pytest

from throughline.ledger.redis_clock import RedisClock


class Hosts:
    """Redis, and a host whose clock is `ahead`; the true time goes on as the test says."""

    def __init__(self, ahead: float) -> None:
        self.ahead = ahead
        self.redis_ahead = 0.0
        self.true = 1_764_000_000.0
        self.clock = RedisClock(lambda: self.true + self.ahead, lambda: self.true - 1_763_000_000)

    def ask(self, there: float, back: float) -> None:
        """A question that took so long, and its answer."""
        asked = self.true + self.ahead
        self.true += there
        at = self.true + self.redis_ahead
        self.true += back
        self.clock.heard(asked, at)


def test_nothing_is_known_before_redis_has_answered():
    hosts = Hosts(3)
    assert (hosts.clock.ahead, hosts.clock.is_off) == (0, False)
    hosts.clock.heard(1.0, None)
    assert hosts.clock.here(17.5) == 17.5


@pytest.mark.parametrize("ahead", [3, -3, 0.02, -0.4, 86_400, -40_000_000])
def test_a_moment_of_rediss_is_what_this_host_showed_then(ahead):
    hosts = Hosts(ahead)
    hosts.ask(0.001, 0.001)
    assert hosts.clock.ahead == pytest.approx(ahead, abs=1e-5)
    assert hosts.clock.here(hosts.true) == pytest.approx(hosts.true + ahead, abs=1e-5)
    assert hosts.clock.now() == pytest.approx(hosts.true, abs=1e-5)
    assert hosts.clock.is_off == (abs(ahead) > 0.1)


def test_clocks_that_may_be_the_same_are_the_same_to_the_last_digit():
    hosts = Hosts(0)
    for there, back in [(0.3, 0.001), (0.0001, 0.2), (0.00005, 0.00005)]:
        hosts.ask(there, back)
        assert hosts.clock.ahead == 0
        assert hosts.clock.here(1_764_000_000.123456) == 1_764_000_000.123456


def test_a_quick_answer_counts_for_more_than_the_slow_ones_around_it():
    hosts = Hosts(2)
    for there, back in [(0.5, 0.001), (0.0002, 0.0002), (0.001, 0.8), (0.6, 0.0)]:
        hosts.ask(there, back)
    assert hosts.clock.ahead == pytest.approx(2, abs=0.0007)


def test_a_slow_answer_alone_is_no_clock_that_is_off():
    hosts = Hosts(0.08)
    hosts.ask(0.0, 0.9)
    assert not hosts.clock.is_off


@pytest.mark.parametrize("whose", ["ahead", "redis_ahead"])
def test_a_clock_that_is_set_is_known_with_the_next_answer(whose):
    hosts = Hosts(1)
    hosts.ask(0.001, 0.001)
    setattr(hosts, whose, 7.0)
    hosts.ask(0.002, 0.002)
    assert hosts.clock.ahead == pytest.approx(hosts.ahead - hosts.redis_ahead, abs=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_a_clock_that_drifts_is_followed(seed):
    chance, hosts = random.Random(seed), Hosts(0.5)
    for _ in range(500):
        hosts.true += 2
        hosts.ahead += 2 * 0.0001
        hosts.ask(chance.expovariate(500), chance.expovariate(500))
    assert hosts.clock.ahead == pytest.approx(hosts.ahead, abs=0.002)


@pytest.mark.parametrize("seed", range(3))
def test_what_follows_an_answer_never_comes_before_the_moment_in_it(seed):
    chance, hosts = random.Random(seed), Hosts(-3)
    for _ in range(300):
        asked = hosts.true
        there = chance.expovariate(50)
        hosts.ask(there, chance.expovariate(50))
        assert asked + hosts.ahead - hosts.clock.ahead <= asked + there + 2e-6
        assert hosts.true + hosts.ahead - hosts.clock.ahead >= asked + there - 2e-6
