"""What survives a restart: every accepted task, every result, every line and span."""

import time
from collections.abc import Callable

from observability.elasticsearch.client import Unanswered
from observability.journey import Found, elasticsearch
from tests.stack.load import send, sending
from tests.stack.searching import all_done
from tests.stack.stack import NINE, PLANE, Stack

Wait = Callable[..., object]
SPANS = 12  # of one request: five on its way, seven phases of its calculation


def test_each_container_restarted_in_turn_under_load_loses_no_accepted_task(stack: Stack, wait_until: Wait):
    with sending(stack, f"RESTARTED-{time.time_ns()}", 700, 10) as done:
        for name in (*NINE, *PLANE):
            stack.docker("restart", "--time", "35", stack.container(name))
    load = done[0]
    assert len(load.accepted) > 400
    wait_until(lambda: all_done(stack, load.accepted.values()), 120, "every accepted task is done")


def test_down_and_up_keep_queued_tasks_results_lines_and_traces(stack: Stack, wait_until: Wait):
    old = send(stack, f"OLD-{time.time_ns()}", 5, 10)
    wait_until(lambda: all_done(stack, old.accepted.values()), 30, "the first tasks are done")
    wait_until(lambda: _spans(stack, f"{old.prefix}-0") == SPANS, 60, "their spans are stored")
    stack.compose("stop", "worker")
    queued = send(stack, f"WAITING-{time.time_ns()}", 20, 20)
    assert queued.refused == []

    stack.compose("down")
    stack.up()

    wait_until(lambda: all_done(stack, queued.accepted.values()), 90, "the queued tasks are done")
    assert all_done(stack, old.accepted.values())
    assert _spans(stack, f"{old.prefix}-0") == SPANS
    # The last words before `down` are there too.
    wait_until(lambda: _lines(stack, f"{queued.prefix}-19") >= 5, 30, "lines from before and after")


def _spans(stack: Stack, correlation_id: str) -> int:
    return len(_found(stack, correlation_id).spans)


def _lines(stack: Stack, correlation_id: str) -> int:
    return len(_found(stack, correlation_id).log_lines)


def _found(stack: Stack, correlation_id: str) -> Found:
    """Nothing while Elasticsearch, restarted a moment ago, does not answer."""
    with stack.reader() as client:
        try:
            return elasticsearch.find(client, correlation_id)
        except Unanswered:
            return Found([], [])
