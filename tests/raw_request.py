"""A request as its bytes: HTTP clients tidy up tabs, blanks and headers that come twice."""

import socket
from http.client import HTTPMessage, HTTPResponse
from typing import NamedTuple

TIMEOUT_SECONDS = 10


class Answer(NamedTuple):
    status: int
    headers: HTTPMessage
    body: bytes


def sent(port: int, request: bytes) -> Answer:
    """The first answer to these bytes."""
    with socket.create_connection(("127.0.0.1", port), TIMEOUT_SECONDS) as connection:
        connection.sendall(request)
        with HTTPResponse(connection) as answer:
            answer.begin()
            return Answer(answer.status, answer.headers, answer.read())


def send(port: int, path: str, headers: list[tuple[str, str]], body: bytes = b"") -> int:
    """A GET, or a POST of JSON when there is a body; gives the answer's status."""
    lines = [f"{'POST' if body else 'GET'} {path} HTTP/1.1", "Host: 127.0.0.1", "Connection: close"]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    lines += [f"{name}:{value}" for name, value in headers]
    with socket.create_connection(("127.0.0.1", port), TIMEOUT_SECONDS) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        with connection.makefile("rb") as answer:
            return int(answer.read().split(b" ", 2)[1])
