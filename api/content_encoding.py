"""A request's body that comes compressed: unpacked when a route reads it, and never to more than a limit.

What a megabyte unpacks to may be a thousand megabytes, and JSON becomes thirty times as much again in memory if it is
nothing but lists in lists.
"""

import asyncio
import zlib
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Final

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

_GZIP: Final = {"gzip", "x-gzip"}  # RFC 9110, § 8.4.1.3: the same
_AT_ONCE_BYTES: Final = 65_536  # unpacked in the event loop: within a millisecond
_MOST_BRACKETS: Final = 100_000  # lists and objects in a large one: each takes some 80 bytes of memory, twice


class Unpacker:
    """Reads compressed bodies, of large ones one at a time."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._large = asyncio.Lock()

    def reading(self, encodings: Sequence[str], receive: Receive, request: AsyncExitStack) -> Receive:
        """The body as a route is to read it; `request` is open until the request is answered.

        What it reads raises `HTTPException`, the one error that FastAPI lets through from there.
        """
        codings = [each for each in _listed(encodings) if each != "identity"]
        if not codings:
            return receive
        is_read = False

        async def unpacked() -> Message:
            nonlocal is_read
            if is_read:
                return await receive()
            if len(codings) > 1 or codings[0] not in _GZIP:
                raise _not_understood(", ".join(codings))
            body, last = await _whole(receive)
            if last["type"] != "http.request":
                return last
            is_read = True
            return {"type": "http.request", "body": await self._unpacked(body, request), "more_body": False}

        return unpacked

    async def _unpacked(self, body: bytes, request: AsyncExitStack) -> bytes:
        stream = zlib.decompressobj(wbits=31)
        begun = _next(stream, body, _AT_ONCE_BYTES)
        if stream.eof or len(begun) < _AT_ONCE_BYTES:
            return _at_its_end(stream, begun)
        await request.enter_async_context(self._large)
        most = self._max_bytes + 1 - len(begun)
        rest = await asyncio.to_thread(_next, stream, stream.unconsumed_tail, most)
        if len(rest) == most:
            raise HTTPException(413, f"The request body is larger than {self._max_bytes:,} bytes when it is unpacked.")
        body = begun + _at_its_end(stream, rest)
        if body.count(b"[") + body.count(b"{") > _MOST_BRACKETS:
            most_told = f"more than {_MOST_BRACKETS:,} lists and objects"
            raise HTTPException(413, f"The request body, which came compressed, holds {most_told}.")
        return body


def _listed(values: Sequence[str]) -> list[str]:
    """The codings in the order in which they were applied; a header may come several times."""
    return [coding for value in values for each in value.split(",") if (coding := each.strip().lower())]


async def _whole(receive: Receive) -> tuple[bytes, Message]:
    """The body as it came, and the last message of it."""
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts), message


def _next(stream: "zlib._Decompress", body: bytes, most: int) -> bytes:
    try:
        return stream.decompress(body, most)
    except zlib.error as error:
        raise _broken(str(error)) from None


def _at_its_end(stream: "zlib._Decompress", unpacked: bytes) -> bytes:
    if not stream.eof:
        raise _broken("it is cut off")
    if stream.unused_data:
        raise _broken("something follows its end")
    return unpacked


def _broken(why: str) -> HTTPException:
    return HTTPException(400, f"The request body is no gzip, as its Content-Encoding says: {why}.")


def _not_understood(codings: str) -> HTTPException:
    detail = f"Content-Encoding must be gzip or absent, not {codings[:128]}."
    return HTTPException(415, detail, {"Accept-Encoding": "gzip"})
