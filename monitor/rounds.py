"""Ends the monitor's rounds when it is told to stop."""

import asyncio
from collections.abc import Iterable
from typing import Final

_SECONDS: Final = 1.0


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
