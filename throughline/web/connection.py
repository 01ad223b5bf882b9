"""A client's connection: uvicorn's own, with what NGINX would do for whoever calls a process directly.

What cannot be read as HTTP/1.1 is answered with a problem, a request needs its one Host, what follows a chunked body is
no header, a request's head has a size and a time, and a connection ends so that its last answer can be read. Whatever
layer made an answer, it has the security headers.
"""

import asyncio
import logging
import re
from typing import Any, Final, NamedTuple

import httptools
from uvicorn.protocols.http import httptools_impl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from throughline.problem import MEDIA_TYPE, problem_of
from throughline.telemetry import correlation
from throughline.web.lingering import LingeringTransport
from throughline.web.security_headers import SECURITY_HEADERS, secured

HEAD_SECONDS: Final = 15  # as NGINX's client_header_timeout
MOST_TARGET_BYTES: Final = 8_192  # as NGINX's large_client_header_buffers: 4 of 8k
MOST_HEAD_BYTES: Final = 32_768
_MOST_TRAILERS: Final = 100
_MOST_UNREAD_BYTES: Final = 16 * 1_048_576  # of a body that nobody reads, since its request is answered

_logger: Final = logging.getLogger("throughline.web")
_REQUEST_ID: Final = re.compile(rb"^x-request-id:[ \t]*([!-~]+)[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_PATH: Final = re.compile(rb"[A-Z]{1,32} (/[!->@-~]{0,1023})[ ?]")


class Refusal(NamedTuple):
    """What to answer to what is no request for the application."""

    status: int
    code: str
    detail: str


_INVALID: Final = Refusal(400, "BAD_REQUEST", "The request is not valid HTTP.")
_HOST: Final = Refusal(400, "BAD_REQUEST", "A request needs exactly one Host.")
_TIMEOUT: Final = Refusal(408, "REQUEST_TIMEOUT", "The request did not arrive in time.")
_TARGET: Final = Refusal(414, "URI_TOO_LONG", "The URL is too long.")
_HEAD: Final = Refusal(431, "HEADERS_TOO_LARGE", "The request headers are too large.")
_CODING: Final = Refusal(501, "NOT_IMPLEMENTED", "The Transfer-Encoding is not chunked.")
_VERSION: Final = Refusal(505, "HTTP_VERSION_NOT_SUPPORTED", "Only HTTP/1.0 and HTTP/1.1 are spoken here.")


class Refused(Exception):
    """Ends the parsing of a request that is refused by its head."""


class Connection(HttpToolsProtocol):
    """One connection of a client."""

    transport: Any

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._is_in_head = self._is_in_body = self._is_broken = False
        self._head_bytes = self._received = self._unread = 0
        self._waits_since: float | None = self.loop.time()
        self._refusal = _INVALID
        self.headers = []
        super().connection_made(LingeringTransport(transport, self._is_sending))  # type: ignore[arg-type]
        self._watch = self.loop.call_later(1, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        self._watch.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.lingers:
            self.transport.discard(data)
            return
        self._received = len(data)
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # nothing else is spoken here: answered as it stands, and then closed
        except httptools.HttpParserError:
            self._refuse(self._refusal, data)
        else:
            if self._is_in_head:
                self._head_bytes += len(data)
                if self._head_bytes > MOST_HEAD_BYTES:
                    self._refuse(_HEAD if self.headers else _TARGET, data)
            elif len(self.headers) > _MOST_TRAILERS:
                self._refuse(_HEAD, data)

    # What the parser calls.
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_in_head, self._head_bytes = True, 0

    def on_headers_complete(self) -> None:
        refusal = self._refused()
        if refusal:
            self._refusal = refusal
            raise Refused
        # A target that begins with two slashes or has no path is read as it is meant: RFC 9112, § 3.2.
        if not self.url.startswith(b"/") and httptools.parse_url(self.url).path is None:
            host, mark, query = self.url.partition(b"?")
            self.url = host + b"/" + mark + query
        super().on_headers_complete()
        self.cycle.send = secured(self.cycle.send)  # type: ignore[assignment, method-assign]
        self.headers = []  # what follows the body must not become a header of the request
        self._is_in_head, self._is_in_body, self._waits_since = False, True, None
        if self.parser.should_upgrade():
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        if self.cycle.response_complete:
            self._unread += len(body)
            if self._unread > _MOST_UNREAD_BYTES:
                self.transport.close()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._is_in_body = False
        self._unread = 0

    def _should_upgrade(self) -> bool:
        return False

    def _refused(self) -> Refusal | None:
        version = self.parser.get_http_version()
        if version not in {"1.0", "1.1"}:
            return _VERSION
        if len(self.url) > MOST_TARGET_BYTES:
            return _TARGET
        if self._head_bytes + self._received > MOST_HEAD_BYTES and self._size() > MOST_HEAD_BYTES:
            return _HEAD
        names = [name for name, _ in self.headers]
        hosts = names.count(b"host")
        if self.url == b"*" or hosts > 1 or (hosts == 0 and version == "1.1"):
            return _HOST if hosts != 1 else _INVALID
        return _CODING if b"transfer-encoding" in names and self._codings() != [b"chunked"] else None

    def _size(self) -> int:
        return sum(len(name) + len(value) for name, value in self.headers)

    def _codings(self) -> list[bytes]:
        return [value.lower() for name, value in self.headers if name == b"transfer-encoding"]

    def _is_sending(self) -> bool:
        return self._is_broken or self._is_in_head or self._is_in_body

    def _look(self) -> None:
        """Every second: whether a client takes too long for a request's head, or for a body that nobody reads."""
        if self.transport.is_closing():
            return
        self._watch = self.loop.call_later(1, self._look)
        is_answered = self.cycle is None or self.cycle.response_complete
        if not is_answered and not self._is_in_head:
            self._waits_since = None
        elif self._waits_since is None:
            self._waits_since = self.loop.time()
        elif self.loop.time() - self._waits_since > HEAD_SECONDS:
            if self._is_in_head:
                self._refuse(_TIMEOUT, b"")
            else:
                self.transport.close()

    def _refuse(self, refusal: Refusal, data: bytes) -> None:
        self._is_broken = True
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            if not self._is_in_body:  # an earlier request, whose answer comes first
                cycle.keep_alive = False
                self.flow.pause_reading()
                return
            cycle.disconnected = True
            cycle.message_event.set()
        if cycle is None or cycle.response_complete or not cycle.response_started:
            self._answer(refusal, data)
        self.transport.close()

    def _answer(self, refusal: Refusal, data: bytes) -> None:
        headers = self.cycle.scope["headers"] if self._is_in_body else self.headers
        sent = next((value for name, value in headers if name == b"x-request-id"), None)
        found = None if sent or self._is_in_body else _REQUEST_ID.search(data)
        request_id = correlation.keep_or_make((sent or (found[1] if found else b"")).decode("latin-1"))
        path = _PATH.match(data)
        problem = problem_of(path[1].decode() if path else "", *refusal, correlation_id=request_id)
        body = problem.model_dump_json(exclude_none=True).encode()
        with correlation.bound(request_id):
            _logger.warning("A request was refused before it was read: %d, %s", refusal.status, refusal.detail)
        answered = [
            *self.server_state.default_headers,
            *SECURITY_HEADERS,
            (b"x-request-id", request_id.encode()),
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        lines = [httptools_impl.STATUS_LINE[refusal.status], *(b"%s: %s\r\n" % each for each in answered), b"\r\n"]
        self.transport.write(b"".join(lines) + (b"" if data.startswith(b"HEAD ") else body))


def install() -> None:
    """Makes every connection of uvicorn's one of these, with whatever command the application is started."""

    def new(kind: type[HttpToolsProtocol], *_: object, **__: object) -> HttpToolsProtocol:
        return object.__new__(Connection if kind is HttpToolsProtocol else kind)

    HttpToolsProtocol.__new__ = new  # type: ignore[method-assign, assignment]
