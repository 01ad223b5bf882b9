"""Which calls are on their way to Redis, which go next, and which are sent again."""

import asyncio

import pytest

from api.waiting_calls import LARGE, MOST_LARGE_SENT, MOST_SENT, WaitingCall, WaitingCalls
from throughline.ledger.script import Script

SCRIPT = Script("any", "return 1", (), ("now",))


@pytest.fixture
def loop():
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture
def calls(loop):
    """`calls(number, size, since)` are so many that have just come."""

    def some(number, size=100, since=0.0):
        return [WaitingCall(SCRIPT, b"x" * size, loop.create_future(), since) for _ in range(number)]

    return some


def waiting(*some):
    found = WaitingCalls()
    for call in some:
        found.add(call)
    return found


def send_all(line):
    """Those that may be on their way now, in the order in which they go."""
    sent = []
    while (call := line.next()) is not None:
        line.sent(call)
        sent.append(call)
    return sent


def test_no_more_than_so_many_are_on_their_way_and_each_answer_lets_the_next_go(calls):
    some = calls(MOST_SENT + 2)
    line = waiting(*some)
    assert send_all(line) == some[:MOST_SENT]
    assert line.answered() is some[0]
    assert send_all(line) == [some[MOST_SENT]]


def test_a_small_one_passes_the_large_ones_that_wait(calls):
    large, small = calls(5, size=MOST_LARGE_SENT), calls(3)
    line = waiting(*large, *small)
    assert send_all(line) == [large[0], *small]


def test_large_ones_are_on_their_way_up_to_so_many_bytes(calls):
    large = calls(100, size=LARGE + 1)
    line = waiting(*large)
    sent = send_all(line)
    assert sent == large[: MOST_LARGE_SENT // (LARGE + 1)]
    assert line.answered() is large[0]
    assert send_all(line) == [large[len(sent)]]


def test_a_large_one_waits_for_no_small_ones(calls):
    small, large = calls(MOST_SENT + 5), calls(1, size=10 * MOST_LARGE_SENT)
    assert large[0] in send_all(waiting(*small, *large))


def test_what_was_sent_on_a_lost_connection_goes_first_in_its_order_without_what_nobody_waits_for(calls):
    some, later = calls(3), calls(2)
    line = waiting(*some)
    send_all(line)
    for call in later:
        line.add(call)
    some[1].answer.cancel()
    line.put_back_sent()
    assert send_all(line) == [some[0], some[2], *later]


def test_large_ones_of_a_lost_connection_are_counted_anew(calls):
    large = calls(2, size=MOST_LARGE_SENT)
    line = waiting(*large)
    send_all(line)
    line.put_back_sent()
    assert send_all(line) == large[:1]


def test_only_those_that_have_waited_long_enough_are_overdue(calls):
    early, late, large = calls(2, since=1.0), calls(2, since=2.0), calls(1, size=LARGE + 1, since=1.5)
    line = waiting(*early, *late, *large)
    assert line.oldest() == 1.0
    assert line.overdue(1.5) == [*early, *large]
    assert line.oldest() == 2.0
    assert line.overdue(9) == late
    assert line.oldest() is None


def test_what_is_overdue_on_its_way_keeps_its_place_among_the_answers(calls):
    some = calls(2, since=1.0)
    line = waiting(*some)
    send_all(line)
    assert line.overdue(1.0) == some
    for call in some:
        call.answer.cancel()
    assert line.oldest() is None
    assert [line.answered(), line.answered()] == some
