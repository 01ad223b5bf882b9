"""A connection's end that its client can read: closed at once, it would be reset while the client is still sending.

TCP throws away what was answered but not yet read when something arrives for a socket that is closed (RFC 9112, § 9.6).
So our side is closed first, and what still comes is read and thrown away for a while.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

_SECONDS: Final = 5.0
_MOST_BYTES: Final = 64 * 1_048_576


class LingeringTransport:
    """A transport whose `close` waits for a client that is still sending, for a time and a number of bytes."""

    def __init__(self, transport: asyncio.Transport, is_sending: Callable[[], bool]) -> None:
        self._transport = transport
        self._is_sending = is_sending
        self._discarded = 0
        self.lingers = False
        self.write = transport.write  # looked up once: called with each answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def is_closing(self) -> bool:
        return self.lingers or self._transport.is_closing()

    def close(self) -> None:
        if self.is_closing():
            return
        if not self._is_sending() or not self._transport.can_write_eof():
            self._transport.close()
            return
        self.lingers = True
        if not self._transport.is_reading():
            self._transport.resume_reading()
        self._transport.write_eof()
        asyncio.get_running_loop().call_later(_SECONDS, self._transport.close)

    def discard(self, data: bytes) -> None:
        """What came after `close`."""
        self._discarded += len(data)
        if self._discarded > _MOST_BYTES:
            self._transport.close()
