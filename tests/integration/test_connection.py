"""A process called directly is as hard to harm as one behind NGINX: a real uvicorn, a client that writes bytes."""

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI, Request
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tests.raw_request import Answer, sent
from throughline.web import connection, slow_body
from throughline.web.connection import Connection

Wait = Callable[..., Any]


def application() -> FastAPI:
    app = FastAPI()

    @app.post("/read")
    async def read(request: Request) -> dict[str, Any]:
        body = await request.body()
        return {"bytes": len(body), "id": request.headers.get("x-request-id"), "names": sorted(request.headers)}

    @app.post("/refused", status_code=403)
    async def refused() -> dict[str, str]:
        return {"why": "x" * 200_000}

    app.add_middleware(InTime)
    return app


class InTime:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("path") == "/broken":
            raise RuntimeError("outside of everything")
        await self._app(scope, slow_body.in_time(receive) if scope["type"] == "http" else receive, send)


@contextmanager
def served(wait_until: Wait) -> Iterator[int]:
    server = uvicorn.Server(uvicorn.Config(application(), port=0, http=Connection, log_config=None, access_log=False))
    thread = threading.Thread(target=asyncio.run, args=[server.serve()])
    thread.start()
    try:
        wait_until(lambda: server.started, 30, "the server has started")
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def port(wait_until: Wait) -> Iterator[int]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection, "HEAD_SECONDS", 1)
        patch.setattr(slow_body, "SECONDS", 1)
        with served(wait_until) as port:
            yield port


def post(path: str, *headers: str) -> bytes:
    return "\r\n".join([f"POST {path} HTTP/1.1", "Host: a", *headers, "", ""]).encode()


CLOSE, CHUNKED = "Connection: close", "Transfer-Encoding: chunked"


@pytest.mark.parametrize("keeps", [(CLOSE,), ()])
@pytest.mark.parametrize("megabytes", [2, 30])
def test_whoever_sends_a_large_body_at_once_can_read_why_it_is_refused(port: int, keeps: tuple[str], megabytes: int):
    length = megabytes * 1_000_000
    answer = sent(port, post("/refused", f"Content-Length: {length}", *keeps) + b"x" * length)

    assert (answer.status, len(json.loads(answer.body)["why"])) == (403, 200_000)


def test_a_body_that_nobody_reads_has_an_end(port: int):
    with socket.create_connection(("127.0.0.1", port), 10) as client, pytest.raises(OSError):
        client.sendall(post("/refused", CHUNKED))
        for _ in range(20_000):
            client.sendall(b"10000\r\n" + b"x" * 65_536 + b"\r\n")


@pytest.mark.parametrize("name", ["X-Request-ID", "Host", "Authorization", "Idempotency-Key"])
def test_what_follows_a_chunked_body_is_no_header(port: int, name: str):
    answer = sent(port, post("/read", CLOSE, CHUNKED) + f"3\r\nabc\r\n0\r\n{name}: EVIL\r\n\r\n".encode())

    assert json.loads(answer.body) == {"bytes": 3, "id": None, "names": ["connection", "host", "transfer-encoding"]}


def test_trailers_have_an_end(port: int):
    answer = sent(port, post("/read", CHUNKED, "X-Request-ID: OURS") + b"0\r\n" + b"X-Request-ID: EVIL\r\n" * 1_000)

    assert (answer.status, answer.headers["X-Request-ID"]) == (431, "OURS")


def test_two_requests_at_once_are_answered_one_after_the_other(port: int):
    one = post("/read", CHUNKED) + b"1\r\na\r\n0\r\nX-Request-ID: EVIL\r\n\r\n"
    other = post("/read", CLOSE, "Content-Length: 2", "X-Request-ID: B") + b"ab"

    with socket.create_connection(("127.0.0.1", port), 10) as client:
        client.sendall(one + other)
        answers = client.makefile("rb").read()

    first, second = answers.index(b'"bytes":1,"id":null'), answers.index(b'"bytes":2,"id":"B"')
    assert (first < second, answers.count(b"HTTP/1.1 200 OK")) == (True, 2)


def test_a_request_that_is_none_after_one_that_is_good_leaves_the_first_its_answer(port: int):
    answer = sent(port, post("/read", "Content-Length: 2") + b"ab" + b"NONSENSE\r\n\r\n")

    assert (answer.status, json.loads(answer.body)["bytes"]) == (200, 2)


@pytest.mark.parametrize(
    "begun",
    [b"G", b"GET / HTTP/1.1\r\nHost: a\r\nX-Request-ID: SLOW\r\n", post("/read", "Content-Length: 9") + b"ab"],
    ids=["line", "headers", "body"],
)
def test_a_request_that_does_not_come_in_time_is_answered_and_over(port: int, begun: bytes):
    answer = sent(port, begun)

    assert (answer.status, answer.headers["Connection"]) == (408, "close")
    assert b"did not arrive in time" in answer.body
    assert_secured(answer)


def test_what_uvicorn_itself_answers_has_the_security_headers_too(port: int):
    answer = sent(port, post("/broken", CLOSE))

    assert answer.status == 500
    assert_secured(answer)


def assert_secured(answer: Answer) -> None:
    for name in ("Content-Security-Policy", "Referrer-Policy", "X-Content-Type-Options"):
        assert len(answer.headers.get_all(name, [])) == 1, name


def test_blank_lines_before_a_request_are_none(port: int):
    with socket.create_connection(("127.0.0.1", port), 10) as client:
        client.sendall(b"\r\n")
        client.sendall(b"\r\n" + post("/read", CLOSE, "Content-Length: 2") + b"ab")
        assert client.makefile("rb").readline().split(b" ")[1] == b"200"


def test_a_connection_without_a_request_is_closed(port: int):
    with socket.create_connection(("127.0.0.1", port), 20) as client:
        assert client.recv(1) == b""


def test_a_head_has_a_size_however_slowly_it_comes(port: int):
    with socket.create_connection(("127.0.0.1", port), 10) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n")
        for _ in range(40):
            client.sendall(b"X-More: " + b"x" * 1_000 + b"\r\n")
        assert client.makefile("rb").readline().split(b" ")[1] == b"431"


def test_whoever_starts_uvicorn_its_connections_are_ours():
    async def made() -> object:
        config = uvicorn.Config(application(), log_config=None)
        config.load()
        state = uvicorn.Server(config).server_state
        return config.http_protocol_class(config=config, server_state=state, app_state={})  # type: ignore[call-arg]

    new = HttpToolsProtocol.__new__
    try:
        connection.install()
        assert type(asyncio.run(made())) is Connection
    finally:
        HttpToolsProtocol.__new__ = new  # type: ignore[method-assign]
