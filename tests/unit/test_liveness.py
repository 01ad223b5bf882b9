"""When a worker's main loop counts as hung: it stands still, and not for a reason."""

import time

import pytest

from worker.liveness import MainLoop


class Hub:
    """Keeps the timer that the loop was given."""

    def call_repeatedly(self, _seconds, call):
        self.turn = call


@pytest.fixture
def clock(monkeypatch):
    """`clock(seconds)` lets the time pass."""
    now = time.monotonic()

    def passes(seconds):
        nonlocal now
        now += seconds

    monkeypatch.setattr("worker.liveness.time.monotonic", lambda: now)
    return passes


@pytest.fixture
def hub():
    return Hub()


@pytest.fixture
def loop(hub):
    main_loop = MainLoop()
    main_loop.begins(hub)
    return main_loop


def test_a_loop_that_turns_lives(loop, hub, clock):
    for _ in range(1_000):
        clock(1)
        hub.turn()
        assert not loop.hangs()


def test_a_loop_that_has_not_turned_for_three_minutes_hangs(loop, clock):
    clock(179)
    assert not loop.hangs()
    clock(2)
    assert loop.hangs()


def test_one_that_turns_again_lives(loop, hub, clock):
    clock(1_000)
    hub.turn()
    assert not loop.hangs()


def test_one_that_waits_for_redis_may_do_so_for_a_day(loop, clock):
    loop.waits()
    clock(86_400)
    assert not loop.hangs()


def test_one_that_is_connected_again_is_watched_again(loop, hub, clock):
    loop.waits()
    loop.begins(hub)
    clock(181)
    assert loop.hangs()


def test_one_that_has_not_begun_may_import_for_as_long_as_it_takes(clock):
    loop = MainLoop()
    clock(3_600)
    assert not loop.hangs()
