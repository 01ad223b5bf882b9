"""Ends a request whose client has left: what nobody waits for is not carried out, and holds nothing up."""

import asyncio
from types import TracebackType
from typing import Final, Self

from starlette.types import Message, Receive

_AFTER_SECONDS: Final = 0.1  # most requests are answered by then, and need not pay for being watched
_SETTLE_SECONDS: Final = 0.05  # some rounds of the event loop, in which what lies in the sockets is read


class ClientLeft(Exception):
    """The client closed its connection before it was answered."""


class ClientWatch:
    """`async with ClientWatch(receive) as watch:` raises `ClientLeft` once the client has left; the block is cancelled.

    What the block reads of the request, it reads by `watch.receive`. A change that has gone to Redis is waited for all
    the same (group_commit.py), so that it is told.
    """

    def __init__(self, receive: Receive) -> None:
        self.has_left = False
        self._receive = receive
        self._is_answered = False
        self._is_reading = False
        self._is_due = False
        self._ahead: asyncio.Queue[Message] = asyncio.Queue(1)  # what was read to see whether the client is there
        self._watching: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._limit = await asyncio.timeout(None).__aenter__()
        self._timer = asyncio.get_running_loop().call_later(_AFTER_SECONDS, self._begin)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_answered = True  # or failed: nothing more comes
        self._timer.cancel()
        if self._watching is not None:
            self._watching.cancel()
        try:
            await self._limit.__aexit__(kind, error, trace)
        except TimeoutError:
            raise ClientLeft from None

    def answered(self) -> None:
        """The last of the answer is about to be sent: whoever goes now has it."""
        self._is_answered = True

    async def settle(self) -> None:
        """Looks at once whether the client is still there."""
        self._begin()
        await asyncio.sleep(_SETTLE_SECONDS)

    async def receive(self) -> Message:
        if self._watching is not None:
            return await self._ahead.get()
        self._is_reading = True
        try:
            message = await self._receive()
        finally:
            self._is_reading = False
        if message["type"] == "http.disconnect":
            self._left()
        elif self._is_due:
            self._begin()
        return message

    def _begin(self) -> None:
        """Unless the request is just being read: then its reader is told, and this begins after it."""
        self._is_due = True
        if not self._is_reading and self._watching is None:
            self._watching = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self._left()
            await self._ahead.put(message)
            if self.has_left or self._is_answered:
                return

    def _left(self) -> None:
        if not self._is_answered and not self.has_left:
            self.has_left = True
            self._limit.reschedule(asyncio.get_running_loop().time())
