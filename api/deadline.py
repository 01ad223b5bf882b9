"""A time limit that a busy event loop cannot be mistaken for.

A herd keeps the loop busy for longer than Redis is given. The timer that is due then runs before the answers that lie
in the sockets are read, and a plain timeout would tell a client that nothing is known of a task that was accepted.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

_ROUNDS: Final = 10  # of the loop, after the time is over: each reads what has come, and lets its readers go on


@asynccontextmanager
async def answered_within(seconds: float) -> AsyncIterator[None]:
    """Raises `TimeoutError` when the block is not done by then and nothing that it waits for has come."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(None) as limit:

        def over(rounds: int) -> None:
            if done:
                return
            if rounds:
                loop.call_soon(over, rounds - 1)
            else:
                limit.reschedule(loop.time())

        done = False
        timer = loop.call_later(seconds, over, _ROUNDS)
        try:
            yield
        finally:
            done = True
            timer.cancel()
