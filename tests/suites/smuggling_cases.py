"""Requests whose end two servers might see at different bytes, each with another request hidden in what follows."""

from typing import Final, NamedTuple

BODY: Final = b'{"task_type":"give_back","data":{"value":1}}'
HIDDEN: Final = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nX-Request-ID: HIDDEN-000\r\n\r\n"


class Case(NamedTuple):
    name: str
    sent: bytes
    refused: bool = True  # with a 4xx or 5xx of NGINX's own, and the connection closed


def _post(*headers: bytes, body: bytes = b"", line: bytes = b"POST /api/v1/tasks HTTP/1.1") -> bytes:
    own = (b"Host: localhost", b"X-Request-ID: OUTER-000", b"Content-Type: application/json", b"Connection: close")
    return b"\r\n".join([line, *own, *headers, b"", b""]) + body


def _get(*headers: bytes, line: bytes = b"GET /health/live HTTP/1.1", end: bytes = b"\r\n") -> bytes:
    return end.join([line, b"Host: localhost", b"X-Request-ID: OUTER-000", b"Connection: close", *headers, b"", b""])


def _length(body: bytes) -> bytes:
    return b"Content-Length: %d" % len(body)


def _chunk(body: bytes, size: bytes = b"") -> bytes:
    return (size or b"%x" % len(body)) + b"\r\n" + body + b"\r\n"


END: Final = b"0\r\n\r\n"
_CHUNKED: Final = b"Transfer-Encoding: chunked"
_ALL: Final = _chunk(BODY) + END

_BOTH_LENGTHS: Final = [
    Case("CL.TE", _post(_length(END + HIDDEN), _CHUNKED, body=END + HIDDEN)),
    Case("TE.CL", _post(_CHUNKED, b"Content-Length: 4", body=_chunk(HIDDEN) + END)),
    Case("CL.TE, both right", _post(_length(_ALL), _CHUNKED, body=_ALL)),
    Case("CL 0 and TE", _post(b"Content-Length: 0", _CHUNKED, body=_chunk(HIDDEN) + END)),
]

# The body is as long as Content-Length says to whoever does not take the other header for an encoding.
_ODD_ENCODINGS: Final = [
    Case(f"TE: {value!r}", _post(b"Transfer-Encoding:" + value, _length(END + HIDDEN), body=END + HIDDEN))
    for value in (
        b" xchunked",
        b" chunked, identity",
        b" identity, chunked",
        b" chunked, chunked",
        b" gzip, chunked",
        b" chunked;q=1",
        b' "chunked"',
        b" 'chunked'",
        b" chunked\x0b",
        b" \x0bchunked",
        b" chunked\x0c",
        b" chun\tked",
        b" CHUNKED",
        b" chunke",
        b"",
        b"\tchunked",
        b" chunked ",
        b" chunked,",
        b" ,chunked",
        b" identity",
        b" cow",
        b" chunked\xa0",
        b" \x00chunked",
    )
] + [
    Case("TE twice", _post(_CHUNKED, _CHUNKED, body=_ALL + HIDDEN)),
    Case("TE twice, the second odd", _post(_CHUNKED, b"Transfer-Encoding: cow", body=_ALL)),
    Case("TE twice, the first odd", _post(b"Transfer-Encoding: identity", _CHUNKED, body=_ALL)),
    Case(
        "a blank before the colon of TE",
        _post(b"Transfer-Encoding : chunked", _length(END + HIDDEN), body=END + HIDDEN),
    ),
    Case(
        "a tab before the colon of TE", _post(b"Transfer-Encoding\t: chunked", _length(END + HIDDEN), body=END + HIDDEN)
    ),
    Case("TE on a folded line", _post(b"Transfer-Encoding:\r\n chunked", _length(END + HIDDEN), body=END + HIDDEN)),
    Case("TE folded into another header", _post(b"X-A: b\r\n Transfer-Encoding: chunked", _length(BODY), body=BODY)),
    Case("TE in HTTP/1.0", _post(_CHUNKED, line=b"POST /api/v1/tasks HTTP/1.0", body=_chunk(HIDDEN) + END)),
]

_LENGTHS: Final = [
    Case(f"CL: {value!r}", _post(b"Content-Length:" + value, body=BODY + HIDDEN))
    for value in (
        b" 44, 44",
        b" 44, 0",
        b" 0, 44",
        b" +44",
        b" -1",
        b" -0",
        b" 4 4",
        b" 0x2c",
        b" 44.0",
        b" 44e0",
        b" 1_0",
        b" 44;",
        b" 4\x0b4",
        b" 99999999999999999999",
        b" 18446744073709551660",
        b" ",
        b"",
        b" forty",
        b" 44\xa0",
        b" \xd9\xa4",
        b" 44\x00",
    )
] + [
    Case("CL twice, the same", _post(_length(BODY), _length(BODY), body=BODY + HIDDEN)),
    Case("CL twice, 0 first", _post(b"Content-Length: 0", _length(BODY), body=BODY + HIDDEN)),
    Case("CL twice, 0 last", _post(_length(BODY), b"Content-Length: 0", body=BODY + HIDDEN)),
    Case("a blank before the colon of CL", _post(b"Content-Length : 44", body=BODY + HIDDEN)),
    Case("CL on a folded line", _post(b"Content-Length:\r\n 44", body=BODY + HIDDEN)),
]

_CHUNKS: Final = [
    Case(f"chunk size {size!r}", _post(_CHUNKED, body=size + b"\r\n" + BODY + b"\r\n" + END + HIDDEN))
    for size in (
        b"-2c",
        b"+2c",
        b"0x2c",
        b"2g",
        b"2c2c2c2c2c2c2c2c2c",
        b"fffffffffffffffff",
        b"",
        b" ",
        b"\xd9\xa2",
        b"2_c",
        b"zz",
        b"2c\x00",
    )
] + [
    Case("data longer than its chunk", _post(_CHUNKED, body=b"5\r\n" + BODY + b"\r\n" + END + HIDDEN)),
    Case("no line end after a chunk", _post(_CHUNKED, body=b"2c\r\n" + BODY + END + HIDDEN)),
    Case("a request as a chunk", _post(_CHUNKED, body=_chunk(HIDDEN) + END), refused=False),
    Case("a chunk extension", _post(_CHUNKED, body=_chunk(BODY, b"2c;a=b") + END), refused=False),
    Case("a quoted chunk extension", _post(_CHUNKED, body=_chunk(BODY, b'2c;a="b c"') + END), refused=False),
    Case("a chunk size with zeros before", _post(_CHUNKED, body=_chunk(BODY, b"0000002c") + END), refused=False),
    Case("trailers", _post(_CHUNKED, body=_chunk(BODY) + b"0\r\nX-Request-ID: HIDDEN-000\r\n\r\n"), refused=False),
    Case("trailers that frame", _post(_CHUNKED, body=_chunk(BODY) + b"0\r\nContent-Length: 0\r\n\r\n"), refused=False),
]

_LINES: Final = [
    Case("a request as a body", _post(_length(HIDDEN), body=HIDDEN), refused=False),
    Case("bare line feeds", _get(end=b"\n"), refused=False),
    Case("a bare line feed before a header", _get(b"X-A: b\nX-B: c"), refused=False),
    Case("a bare carriage return in a header", _get(b"X-A: b\rX-Request-ID: HIDDEN-000")),
    Case("a NUL in a header", _get(b"X-A: b\x00c")),
    Case(
        "a header of underscores", _post(b"Transfer_Encoding: chunked", _length(END + HIDDEN), body=END + HIDDEN), False
    ),
    Case("a length of underscores", _post(b"Content_Length: 0", _length(BODY), body=BODY), refused=False),
    Case("a header without a name", _get(b": chunked")),
    Case("a header without a colon", _get(b"Transfer-Encoding chunked")),
    Case("a blank first in a header", _get(b" Transfer-Encoding: chunked")),
    Case("two hosts", _get(b"Host: evil.example")),
    Case("HTTP/2.0 in the line", _get(line=b"GET /health/live HTTP/2.0")),
    Case("HTTP/1.2 in the line", _get(line=b"GET /health/live HTTP/1.2"), refused=False),
    Case("two blanks in the line", _get(line=b"GET  /health/live HTTP/1.1"), refused=False),
    Case("a tab in the line", _get(line=b"GET\t/health/live HTTP/1.1")),
    Case(
        "a line feed in the path",
        _get(line=b"GET /health/live%0d%0aX-Request-ID:%20HIDDEN-000 HTTP/1.1"),
        refused=False,
    ),
    Case("another host in the line", _get(line=b"GET http://evil.example/health/live HTTP/1.1"), refused=False),
    Case("CONNECT", _get(line=b"CONNECT localhost:80 HTTP/1.1")),
    Case("an upgrade to h2c", _get(b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQAAP__"), refused=False),
    Case(
        "an upgrade to a WebSocket", _get(b"Upgrade: websocket", b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="), False
    ),
    Case("HTTP/2's preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + HIDDEN),
    Case("a length in a GET", _get(_length(HIDDEN)) + HIDDEN, refused=False),
]

CASES: Final = _BOTH_LENGTHS + _ODD_ENCODINGS + _LENGTHS + _CHUNKS + _LINES
