"""Each request has one server span and one log line, which belong together, however it ends; neither tells secrets."""

import socket

import httpx
import pytest

from tests.integration.odd_api import SECRET
from tests.integration.replica import TASK
from throughline.telemetry.trace_context import OLD_NGINX

SERVER = 2
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
JSON = {"Content-Type": "application/json"}

# method, path, body, status, route
REQUESTS = [
    ("POST", "/api/v1/tasks", TASK, 201, "/api/v1/tasks"),
    ("POST", "/api/v1/tasks?token=hidden", {"task_type": "none"}, 422, "/api/v1/tasks"),
    ("GET", "/api/v1/tasks?status=FAILURE&correlation_id=hidden", None, 200, "/api/v1/tasks"),
    ("GET", "/api/v1/tasks/nobody?wait=0.1", None, 404, "/api/v1/tasks/{task_id}"),
    ("GET", "/api/v1/tasks/nobody/events", None, 404, "/api/v1/tasks/{task_id}/events"),
    ("HEAD", "/health/live?token=hidden", None, 200, "/health/live"),
    ("GET", "/nowhere/hidden-not", None, 404, None),
    ("PUT", "/api/v1/queues", None, 405, "/api/v1/queues"),
    ("POST", "/api/v1/tasks", {"task_type": "x" * 1_100_000}, 413, "/api/v1/tasks"),
    ("GET", "/fails", None, 500, "/fails"),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "route"), REQUESTS)
def test_a_request_has_one_server_span_and_one_log_line_of_the_same_trace(
    replica_with, method, path, body, status, route
):
    replica = replica_with()
    name = f"{method}-{status}-{REQUESTS.index((method, path, body, status, route))}"

    answer = replica.http.request(method, path, json=body, headers={"X-Request-ID": name, "traceparent": PARENT})

    assert answer.status_code == status
    span, line = replica.server_span(name), replica.line(name)
    assert (span.kind, span.parent_id) == (SERVER, PARENT.split("-")[2])
    assert (span.trace_id, span.span_id) == (line["trace.id"], line["span.id"]) == (PARENT.split("-")[1], span.span_id)
    assert span.attributes["http.response.status_code"] == line["http.response.status_code"] == status
    assert span.attributes["http.request.method"] == line["http.request.method"] == method
    assert span.attributes["url.path"] == line["url.path"] == path.partition("?")[0]
    assert span.attributes.get("http.route") == route
    assert span.attributes.get("url.query") == ("REDACTED" if "?" in path else None)
    assert span.failed == (status >= 500)
    assert "hidden&" not in replica.all_text()
    assert "=hidden" not in replica.all_text()


def test_the_span_of_a_submission_names_its_task_and_the_type(replica_with):
    answer = replica_with().submit(**{"X-Request-ID": "NAMED"})

    attributes = replica_with().server_span("NAMED").attributes
    assert (attributes["task_id"], attributes["task_type"]) == (answer.json()["task_id"], "calculate_var")


def test_an_unhandled_error_is_told_by_its_class_and_never_by_its_message(replica_with):
    replica = replica_with()
    replica.http.get("/fails", headers={"X-Request-ID": "FAILS"})

    span = replica.server_span("FAILS")
    assert (span.failed, span.attributes["error.type"], span.events) == (True, "RuntimeError", [])
    assert SECRET not in "".join(file.read_text() for file in (replica.folder / "spans").iterdir())


def test_an_error_after_the_first_bytes_is_a_failed_span_with_the_status_that_was_sent(replica_with):
    replica = replica_with()
    with pytest.raises(httpx.RemoteProtocolError):
        replica.http.get("/fails-half-way", headers={"X-Request-ID": "HALF"})

    span = replica.server_span("HALF")
    assert (span.failed, span.attributes["error.type"], span.events) == (True, "RuntimeError", [])
    assert span.attributes["http.response.status_code"] == replica.line("HALF")["http.response.status_code"] == 200


def test_a_client_that_leaves_a_stream_ends_its_span_and_its_line(replica_with):
    replica = replica_with()
    with replica.http.stream("GET", "/never-ends", headers={"X-Request-ID": "LEFT"}) as answer:
        next(answer.iter_bytes())

    assert replica.server_span("LEFT").attributes["http.response.status_code"] == 499
    assert replica.line("LEFT")["http.response.status_code"] == 499


@pytest.mark.parametrize("callers", [{}, {"traceparent": PARENT}])
def test_the_server_span_is_below_that_of_an_old_nginx(replica_with, callers):
    own = {"X-Request-ID": f"OLD-NGINX-{len(callers)}", OLD_NGINX: PARENT.replace("b7ad", "b7ae")}
    replica_with().http.get("/health/live", headers=own | callers)

    span = replica_with().server_span(own["X-Request-ID"])
    assert f"00-{span.trace_id}-{span.parent_id}-01" == own[OLD_NGINX]


@pytest.mark.parametrize("header", ["User-Agent", "Host", "traceparent", "tracestate", "baggage", "X-Request-ID"])
def test_a_header_that_is_no_text_at_all_does_no_harm(replica_with, header):
    replica = replica_with()
    host = b"" if header == "Host" else b"Host: localhost\r\n"
    with socket.create_connection(("127.0.0.1", replica.port), timeout=10) as connection:
        connection.sendall(
            b"GET /health/live HTTP/1.1\r\nConnection: close\r\n%s%s: \xff\\x\r\n\r\n" % (host, header.encode())
        )
        answer = connection.makefile("rb").read()

    assert answer.startswith(b"HTTP/1.1 421 " if header == "Host" else b"HTTP/1.1 200 ")
    name = next(line for line in answer.split(b"\r\n") if line.lower().startswith(b"x-request-id: ")).split()[1]
    assert replica.server_span(name.decode()).trace_id == replica.line(name.decode())["trace.id"]


def test_a_websocket_is_not_offered_so_the_request_is_answered_as_it_stands(replica_with):
    replica = replica_with()
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    key = {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "X-Request-ID": "SOCKET"}

    assert replica.http.get("/health/live", headers=upgrade | key).status_code == 200

    assert replica.server_span("SOCKET").attributes["url.scheme"] == "http"
