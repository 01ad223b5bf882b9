"""Two servers in a row agree where a request ends: nobody's request hides in another's, and each gets one answer."""

import re
import socket
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.suites.smuggling_cases import BODY, CASES, HIDDEN
from tests.system.nine import Nine

STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d{3}) ")


def answers(port: int, sent: bytes) -> list[int]:
    """The statuses of all that comes until the server closes the connection."""
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        connection.sendall(sent)
        received = b""
        try:
            while part := connection.recv(65_536):
                received += part
        except ConnectionResetError:
            pass  # closed before it has read all that was sent
        return [int(status) for status in STATUS_LINE.findall(received)]


def asked(nine: Nine, name: str) -> Counter[str]:
    """How often each correlation ID came there."""
    lines = (line for line in nine.log_lines(name) if line.get("event.action") == "request.completed")
    return Counter(line["correlation_id"] for line in lines)


@pytest.fixture(scope="module")
def seen(nine: Nine, wait_until: Callable[..., Any]) -> tuple[dict[str, list[int]], Counter[str]]:
    """The answers to each case, and how often each correlation ID reached the replica."""
    given, before = {}, asked(nine, "fastapi-1")
    for number, case in enumerate(CASES):
        sent = case.sent.replace(b"OUTER-000", b"OUTER-%03d" % number).replace(b"HIDDEN-000", b"HIDDEN-%03d" % number)
        given[case.name] = answers(nine.http_port, sent)
    last = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nX-Request-ID: THE-LAST\r\nConnection: close\r\n\r\n"
    assert answers(nine.http_port, last) == [200]
    wait_until(lambda: (asked(nine, "fastapi-1") - before)["THE-LAST"], 20, "all that reached the replica is logged")
    return given, asked(nine, "fastapi-1") - before


def test_each_connection_gets_one_answer_and_none_that_is_a_fault_of_ours(seen: Any):
    wrong = {
        name: statuses for name, statuses in seen[0].items() if len(statuses) != 1 or statuses[0] in {101, 500, 502}
    }
    assert wrong == {}


def test_what_does_not_say_where_it_ends_is_refused_and_reaches_no_replica(seen: Any):
    wrong = {}
    for number, case in enumerate(CASES):
        statuses, reached = seen[0][case.name], seen[1][f"OUTER-{number:03}"]
        if case.refused and (statuses[0] < 400 or reached):
            wrong[case.name] = statuses, reached
    assert wrong == {}


def test_what_says_it_in_an_unusual_way_is_one_request(seen: Any):
    wrong = {}
    for number, case in enumerate(CASES):
        reached = seen[1][f"OUTER-{number:03}"]
        if not case.refused and reached != 1:
            wrong[case.name] = seen[0][case.name], reached
    assert wrong == {}


def test_no_hidden_request_reaches_a_replica(seen: Any):
    assert [each for each in seen[1] if each.startswith("HIDDEN")] == []


def test_two_requests_that_say_where_they_end_are_two(nine: Nine):
    post = b"POST /api/v1/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    closing = HIDDEN.replace(b"HIDDEN-000\r\n", b"SECOND\r\nConnection: close\r\n")
    assert answers(nine.http_port, post + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY + closing) == [201, 200]
