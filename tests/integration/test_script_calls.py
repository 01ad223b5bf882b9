"""The calls of one client share a connection: each has its own answer, whatever happened to the one before."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis.exceptions import ResponseError

from throughline.ledger.script_calls import ScriptCalls

ECHO = "return ARGV[1]"
BUSY = "for i = 1, 2e8 do end return ARGV[1]"


class Interrupted(Exception):
    pass


@pytest.fixture
def calls(broker):
    return ScriptCalls(broker)


def test_threads_have_their_own_answers(calls, broker):
    words = [f"word {number}" for number in range(400)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda word: _echoed(calls, broker, word), words)) == words


def test_what_was_interrupted_leaves_its_answer_to_nobody(calls, broker):
    def interrupt(*_):
        raise Interrupted

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        _echoed(calls, broker, "first")
        broker.script_load(BUSY)
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(Interrupted):
            calls(BUSY, broker.register_script(BUSY).sha, [], ["interrupted"])
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert _echoed(calls, broker, "second") == "second"


def test_an_error_of_the_script_keeps_the_connection(calls, broker):
    wrong = "return redis.error_reply('REFUSED')"
    _echoed(calls, broker, "first")
    before = _connections_ever(broker)
    for _ in range(5):
        with pytest.raises(ResponseError, match="REFUSED"):
            calls(wrong, broker.register_script(wrong).sha, [], [])
    assert _echoed(calls, broker, "last") == "last"
    assert _connections_ever(broker) == before


def test_many_for_one_client_share_what_is_at_hand(calls, broker):
    _echoed(calls, broker, "first")
    before = _connections_ever(broker)
    many = [ScriptCalls(broker) for _ in range(150)]
    assert [_echoed(each, broker, "second") for each in many] == ["second"] * 150
    assert _connections_ever(broker) == before


def test_a_connection_that_redis_has_closed_is_made_anew(calls, broker):
    _echoed(calls, broker, "first")
    broker.client_kill_filter(_type="normal", skipme=True)
    assert _echoed(calls, broker, "second") == "second"


def test_a_forked_process_has_a_connection_of_its_own(calls, broker):
    _echoed(calls, broker, "first")
    before = _connections_ever(broker)
    child = os.fork()
    if not child:
        try:
            os._exit(0 if _echoed(calls, broker, "child") == "child" else 1)
        finally:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    assert _connections_ever(broker) == before + 1
    assert _echoed(calls, broker, "second") == "second"


def _echoed(calls, broker, word):
    return calls(ECHO, broker.register_script(ECHO).sha, [], [word])


def _connections_ever(broker):
    return broker.info("stats")["total_connections_received"]
