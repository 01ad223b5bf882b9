"""What is lost when a part of the plane dies, stops or comes back: nothing of a request, and no line."""

import time
from collections import Counter
from collections.abc import Callable

from tests.stack.load import Load, percentile, send, sending
from tests.stack.searching import all_done, lines_by_node, printed_by_node, spans_by_name
from tests.stack.stack import Stack

Wait = Callable[..., object]
SPANS = ("nginx", "api", "publish medium", "wait medium", "take medium", "run calculate_var")
PHASES = ("validate", "correlate", "simulate", "draw", "reprice", "quantile", "contributions")


def test_filebeat_killed_in_the_middle_of_600_requests_ships_every_line_once(stack: Stack, wait_until: Wait):
    since = _now()
    with sending(stack, f"KILLED-{time.time_ns()}", 600, 40) as done:
        time.sleep(6)
        stack.docker("kill", "--signal", "KILL", stack.container("filebeat"))
        time.sleep(3)
        stack.docker("start", stack.container("filebeat"))
    assert done[0].refused == []
    wait_until(lambda: all_done(stack, done[0].accepted.values()), 90, "the tasks are done")

    _every_line_once(stack, wait_until, since, at_least=600 * 5)


def test_elasticsearch_away_for_half_a_minute_costs_no_request_no_line_and_no_span(
    stack: Stack, wait_until: Wait, measured: dict[str, str]
):
    before = send(stack, f"BEFORE-{time.time_ns()}", 100, 20)
    since, prefix = _now(), f"AWAY-{time.time_ns()}"
    with sending(stack, prefix, 700, 20) as done:
        stack.compose("stop", "elasticsearch")
        time.sleep(30)
        stack.compose("start", "elasticsearch")
    during = done[0]
    assert during.refused == []
    measured["answer's p99 at 20 requests a second → with Elasticsearch away"] = _p99s(before, during)
    wait_until(lambda: all_done(stack, during.accepted.values()), 90, "the tasks are done")

    _every_line_once(stack, wait_until, since, at_least=700 * 5)
    expected = Counter(dict.fromkeys((*SPANS, *PHASES), 700))
    _eventually(wait_until, lambda: (spans_by_name(stack, prefix), expected), 90)
    assert percentile(during.seconds, 99) < max(0.1, 2 * before.p99)


def test_collector_and_jaeger_away_slow_no_request_and_come_back_by_themselves(
    stack: Stack, wait_until: Wait, measured: dict[str, str]
):
    before = send(stack, f"BEFORE-{time.time_ns()}", 100, 20)
    memory = {name: _megabytes(stack, name) for name in ("fastapi-1", "worker-1")}
    stack.compose("stop", "otel-collector", "jaeger")
    during = send(stack, f"BLIND-{time.time_ns()}", 300, 20)
    grown = {name: _megabytes(stack, name) - megabytes for name, megabytes in memory.items()}
    stack.compose("start", "otel-collector", "jaeger")

    measured["answer's p99 at 20 requests a second → without collector and Jaeger"] = _p99s(before, during)
    measured["memory grown meanwhile"] = ", ".join(f"{name} {mb:+.0f} MB" for name, mb in grown.items())
    assert during.refused == []
    assert during.p99 < max(0.1, 2 * before.p99)
    assert max(grown.values()) < 40
    after = send(stack, f"AFTER-{time.time_ns()}", 20, 20)
    expected = Counter(dict.fromkeys((*SPANS, *PHASES), 20))
    _eventually(wait_until, lambda: (spans_by_name(stack, after.prefix), expected), 60)


def test_jaeger_alone_away_loses_no_span(stack: Stack, wait_until: Wait):
    stack.compose("stop", "jaeger")
    during = send(stack, f"QUEUED-{time.time_ns()}", 100, 20)
    stack.docker("restart", stack.container("otel-collector"))  # what it holds is on disk
    stack.compose("start", "jaeger")

    expected = Counter(dict.fromkeys((*SPANS, *PHASES), 100))
    _eventually(wait_until, lambda: (spans_by_name(stack, during.prefix), expected), 60)


def _every_line_once(stack: Stack, wait_until: Wait, since: int, at_least: int) -> None:
    until = _now()
    time.sleep(3)  # a line may bear an earlier time than the moment at which a busy machine prints it
    printed = printed_by_node(stack, since, until)
    assert printed.total() >= at_least
    _eventually(wait_until, lambda: (lines_by_node(stack, since, until), printed), 90)


def _eventually(wait_until: Wait, pair: Callable[[], tuple[Counter[str], Counter[str]]], seconds: float) -> None:
    """Fails with the difference, not only with the wish."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            found, expected = pair()
        except Exception:
            if time.monotonic() > deadline:
                raise
        else:
            if found == expected or time.monotonic() > deadline:
                assert found == expected
                return
        time.sleep(1)


def _p99s(before: Load, during: Load) -> str:
    slowest = f"slowest {max(before.seconds) * 1000:.0f} ms → {max(during.seconds) * 1000:.0f} ms"
    return f"{before.p99 * 1000:.0f} ms → {during.p99 * 1000:.0f} ms, {slowest}"


def _megabytes(stack: Stack, name: str) -> float:
    used = stack.docker("stats", "--no-stream", "--format", "{{.MemUsage}}", stack.container(name)).split("iB")[0]
    return float(used[:-1]) * {"K": 1 / 1024, "M": 1, "G": 1024}[used[-1]]


def _now() -> int:
    return int(time.time() * 1000)
