"""The monitor's rounds: what it does again and again until it is told to stop, and their end."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from redis.exceptions import RedisError

from throughline.ledger import unwritable

_logger: Final = logging.getLogger("throughline.monitor")

_SECONDS: Final = 1.0
_LONGEST_SECONDS: Final = 60.0  # of one round: each of its questions has a shorter limit, and it asks few


async def for_ever(
    work: Callable[[], Awaitable[None]], every: float, redis: str = "", longest: float = _LONGEST_SECONDS
) -> None:
    """Goes on until it is cancelled, whatever `work` does; it has `longest` seconds, then it is begun anew.

    With an address for `redis`, tells when Redis stops answering or taking writes, and when it is back: one round does.
    """
    answers = True
    while True:
        try:
            async with asyncio.timeout(longest):
                await work()
        except (RedisError, OSError) as error:
            if answers and redis:  # once per outage, not every few seconds
                _logger.warning("Redis at %s %s", redis, _said(error))
            answers = False
        except Exception:
            _logger.exception("A round of the monitor failed: %s", getattr(work, "__qualname__", work))
        else:
            if not answers and redis:
                _logger.warning("Redis at %s answers again", redis)
            answers = True
        await asyncio.sleep(every)


def _said(error: Exception) -> str:
    reason = unwritable.reason(error)
    return f"takes no write: {reason.words}" if reason else f"does not answer ({type(error).__name__})"


async def end(rounds: Iterable["asyncio.Task[None]"], again_after: float = _SECONDS) -> None:
    """Cancels them until they have ended.

    Redis's client may report a cancellation as a time-out, which a round outlives: a monitor swept on for ever after it
    had been told to stop.
    """
    left = set(rounds)
    while left:
        for each in left:
            each.cancel()
        _, left = await asyncio.wait(left, timeout=again_after)
