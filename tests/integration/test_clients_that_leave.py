"""A client that leaves before it is answered, at a replica itself: its request ends at once, and says so."""

import json
import signal
import socket
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from tests.integration.replica import TASK, Replica

UNSENT = 2.0  # seconds that a replica stands still: longer than a busy one ever does
Wait = Callable[..., Any]


@pytest.fixture
def replica(replica_with: Callable[..., Replica]) -> Replica:
    return replica_with()


@pytest.fixture
def waiting(replica: Replica) -> str:
    """The ID of a task that never starts: there is no worker."""
    return str(replica.submit().json()["task_id"])


def connect(replica: Replica) -> socket.socket:
    return socket.create_connection(("127.0.0.1", replica.port), 10)


def request(line: str, correlation_id: str, body: object = None) -> bytes:
    content = b"" if body is None else json.dumps(body).encode()
    lines = [f"{line} HTTP/1.1", "Host: localhost", f"X-Request-ID: {correlation_id}"]
    lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"] if content else []
    return "\r\n".join([*lines, "", ""]).encode() + content


def assert_given_up(replica: Replica, correlation_id: str) -> dict[str, Any]:
    """Its line, span and metric's status say that the client left, and that this is no error."""
    line = replica.line(correlation_id)
    assert (line["http.response.status_code"], line["code"], line["log.level"]) == (499, "CLIENT_CLOSED", "info")
    assert line["duration_ms"] < 10_000, "the wait was for 25 s"
    span = replica.server_span(correlation_id)
    assert span.attributes["http.response.status_code"] == 499
    assert not span.failed
    return line


@pytest.mark.parametrize("query", ["?wait=25", "?wait=025.0", "/events"])
def test_a_look_that_nobody_waits_for_any_more_ends(replica: Replica, waiting: str, query: str):
    left = f"left{query.strip('?/')}".replace("=", "-")
    with closing(connect(replica)) as client:
        client.sendall(request(f"GET /api/v1/tasks/{waiting}{query}", left))
        if query == "/events":
            assert b"event: state" in client.recv(65_536) + client.recv(65_536)
    assert_given_up(replica, left)


def test_a_client_that_stays_gets_its_answer_after_the_same_time(replica: Replica, waiting: str):
    answer = replica.http.get(f"/api/v1/tasks/{waiting}", params={"wait": 0.5}, headers={"X-Request-ID": "stays"})
    assert (answer.status_code, answer.json()["status"]) == (200, "PENDING")
    assert replica.line("stays")["http.response.status_code"] == 200
    with replica.http.stream("GET", f"/api/v1/tasks/{waiting}/events") as stream:
        assert next(stream.iter_lines()) == "event: state"


def test_a_body_that_arrives_slowly_is_read_whole(replica: Replica):
    whole = request("POST /api/v1/tasks", "slow-body", TASK)
    with closing(connect(replica)) as client:
        for part in (whole[:-60], whole[-60:-30], whole[-30:]):
            client.sendall(part)
            until = time.monotonic() + 0.2  # each later than the one before is looked at
            while time.monotonic() < until:
                time.sleep(0.01)
        assert client.recv(65_536).startswith(b"HTTP/1.1 201 ")


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_a_frozen_replica_carries_out_nothing_for_clients_that_have_left(
    replica: Replica, waiting: str, wait_until: Wait, method: str
):
    asked = request("POST /api/v1/tasks", f"left-{method}", TASK)
    if method == "DELETE":
        asked = request(f"DELETE /api/v1/tasks/{waiting}", f"left-{method}")
    known = connect(replica)
    known.sendall(request("GET /health/live", "known"))
    assert known.recv(65_536).startswith(b"HTTP/1.1 200 ")
    replica.process.send_signal(signal.SIGSTOP)
    try:
        frozen_until = time.monotonic() + UNSENT
        strange = connect(replica)  # its kernel takes it all the same
        for client in (known, strange):
            client.sendall(asked)
            client.close()
        staying = connect(replica)
        staying.sendall(request("POST /api/v1/tasks", f"stays-{method}", TASK))
        wait_until(lambda: time.monotonic() > frozen_until, 20, "it has stood still for long")
    finally:
        replica.process.send_signal(signal.SIGCONT)

    with staying:
        assert staying.recv(65_536).startswith(b"HTTP/1.1 201 ")
    wait_until(lambda: len(replica.lines(f"left-{method}")) == 2, 20, "both have their line")
    assert {line["http.response.status_code"] for line in replica.lines(f"left-{method}")} == {499}
    assert not replica.lines(f"left-{method}", "task.submitted")
    found = replica.http.get("/api/v1/tasks", params={"correlation_id": f"left-{method}"}).json()
    assert found["tasks"] == []
    assert replica.http.get(f"/api/v1/tasks/{waiting}").json()["status"] == "PENDING"
