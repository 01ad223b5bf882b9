"""One connection to Redis that many calls share: redis-py makes it, hiredis alone writes to it and reads from it.

redis-py knows every kind of URL, TLS, passwords and databases. What it then does for a command costs more than the
command itself: a submission takes 80 µs of the process's time with its client, 35 to 45 in its pipeline of eight or
more, 93 alone in one, and here 14, or 29 alone.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final, Self, cast

from hiredis import Reader
from redis.asyncio import ConnectionPool
from redis.asyncio.connection import AbstractConnection, DefaultParser
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import InvalidResponse, RedisError

_NOTHING: Final = object()

Answered = Callable[[Sequence[Any]], None]  # an error of Redis is an answer too
Lost = Callable[[Exception], None]


class SharedConnection(asyncio.Protocol):
    """Tells its answers in the order in which the commands were sent, and its end, unless it was asked to end."""

    def __init__(self, connection: AbstractConnection, answered: Answered, lost: Lost) -> None:
        self._connection = connection
        self._answered, self._lost = answered, lost
        self._ended = False
        self._reader = Reader(
            protocolError=InvalidResponse,
            replyError=DefaultParser.parse_error,
            encoding="utf-8",
            errors="replace",
            notEnoughData=_NOTHING,
        )
        # The transport has no public name in redis-py. Its first protocol is still told of the end, for which
        # `disconnect` waits.
        writer = cast(asyncio.StreamWriter, connection._writer)
        self._transport = writer.transport
        self._first = cast(asyncio.Protocol, self._transport.get_protocol())
        self._transport.set_protocol(self)

    @classmethod
    async def open(cls, pool: ConnectionPool, answered: Answered, lost: Lost) -> Self:
        """Connects as the pool would; raises `RedisError` or `OSError`."""
        connection: AbstractConnection = pool.make_connection()  # type: ignore[no-untyped-call]
        try:
            await connection.connect()  # type: ignore[no-untyped-call]
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        return cls(connection, answered, lost)

    def send(self, packed: Sequence[bytes]) -> None:
        self._transport.writelines(packed)

    @property
    def is_open(self) -> bool:
        return not self._ended

    def abort(self) -> None:
        """Ends it at once, without a word to `lost`."""
        self._ended = True
        self._transport.abort()

    async def close(self) -> None:
        """The same for redis-py's object too."""
        self.abort()
        await self._connection.disconnect(nowait=True)

    def data_received(self, data: bytes) -> None:
        answers: list[Any] = []
        try:
            self._reader.feed(data)
            while (answer := self._reader.gets()) is not _NOTHING:
                answers.append(answer)
        except RedisError as error:  # this is no Redis
            self.abort()
            self._lost(error)
            return
        if answers and not self._ended:
            self._answered(answers)

    def connection_lost(self, exc: Exception | None) -> None:
        self._first.connection_lost(exc)
        if not self._ended:
            self._ended = True
            self._lost(exc or RedisConnectionError("Redis has closed the connection"))
