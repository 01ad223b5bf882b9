"""A time limit that a busy event loop does not use up.

Many simultaneous requests keep the loop busy for longer than the limit. The timer would then run before the answers
that already lie in the sockets are read, and a plain timeout would report a failure of a call that has succeeded.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

_ROUNDS: Final = 10  # of the loop, after the time is over: each reads what has arrived and resumes what waited for it


@asynccontextmanager
async def answered_within(seconds: float) -> AsyncIterator[None]:
    """Raises `TimeoutError` when the block is not done by then and nothing that it waits for has arrived."""
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
