"""Limits how many calls to Redis run at once: the others wait for their turn, and all fail when a running one fails.

A thousand simultaneous requests on a healthy Redis are only slow, and none of them may be refused. When Redis does not
answer, a waiting call must not wait longer than the running ones. A connection pool with a timeout cannot tell these
two cases apart.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.exceptions import RedisError, ResponseError


class TurnedAway(ConnectionError):
    """Redis did not answer a call that ran while this one waited for its turn."""


class Turnstile:
    """`async with turnstile.passage(): …` around each call."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._waiting: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def passage(self) -> AsyncIterator[None]:
        """Raises `TurnedAway` when a call failed while this one was waiting."""
        await self._enter()
        try:
            yield
        except ResponseError:  # Redis answers, though with a refusal: the others get an answer of their own
            raise
        except (RedisError, OSError):
            self._turn_all_away()
            raise
        finally:
            self._leave()

    async def _enter(self) -> None:
        if self._free:
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._leave()  # its turn had come in the same moment
            raise

    def _leave(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1

    def _turn_all_away(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_exception(TurnedAway("Redis does not answer"))
