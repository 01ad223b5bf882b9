"""An HTTP server on a bare socket, for answers that no proper server gives: resets, drops, half an answer."""

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

Behaviour = Callable[[socket.socket], None]


@dataclass(frozen=True)
class Asked:
    """A request as it came; header names in lower case."""

    line: str
    headers: dict[str, str]
    body: bytes


class OddServer:
    """Treats one request after the other as the list of behaviours says, the last one for ever."""

    def __init__(self, behaviours: Sequence[Behaviour]) -> None:
        self.asked: list[Asked] = []
        self._behaviours = list(behaviours)
        self._lock = threading.Lock()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # Without the shutdown, Linux keeps a thread that waits in accept() waiting, and the port open.
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            connection.settimeout(10)
            asked = _read(connection)
            if asked is None:
                return
            with self._lock:
                self.asked.append(asked)
                behaviour = self._behaviours.pop(0) if len(self._behaviours) > 1 else self._behaviours[0]
            try:
                behaviour(connection)
            except OSError:
                return  # the client went first


def reply(status: int, body: bytes | dict[str, Any] = b"", **headers: str) -> Behaviour:
    """A proper answer; a keyword is a header (`Retry_After`), a dictionary is sent as JSON."""
    content = json.dumps(body).encode() if isinstance(body, dict) else body
    kind = {"Content-Type": "application/json"} if isinstance(body, dict) else {}
    lines = (kind | {name.replace("_", "-"): value for name, value in headers.items()}).items()
    head = [f"HTTP/1.1 {status} So", *(f"{name}: {value}" for name, value in lines), "Connection: close"]
    whole = "\r\n".join([*head, f"Content-Length: {len(content)}", "", ""]).encode() + content
    return lambda connection: connection.sendall(whole)


def problem(status: int, code: str, **headers: str) -> Behaviour:
    body = {"status": status, "code": code, "detail": f"The detail of {code}.", "correlation_id": "of-the-problem"}
    return reply(status, body, **headers)


def reset(connection: socket.socket) -> None:
    """The connection is reset though the request has arrived."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def close(_: socket.socket) -> None:
    """The connection ends without an answer."""


def half(connection: socket.socket) -> None:
    """The connection ends in the middle of the answer."""
    connection.sendall(b'HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{"task_id": "task')


def silent(connection: socket.socket) -> None:
    """No answer, until the client goes."""
    connection.recv(1)


def dripping(connection: socket.socket) -> None:
    """An answer of which one byte comes every tenth of a second."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(1000):
        connection.sendall(b" ")
        time.sleep(0.1)


def stream(*chunks: bytes) -> Behaviour:
    """Server-sent events in these pieces; then the connection ends."""

    def send(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        for chunk in chunks:
            connection.sendall(chunk)

    return send


def _read(connection: socket.socket) -> Asked | None:
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = connection.recv(65_536)
        if not chunk:
            return None
        received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    line, *rest = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (each.partition(": ") for each in rest)}
    while len(body) < int(headers.get("content-length", 0)):
        body += connection.recv(65_536)
    return Asked(line, headers, body)
