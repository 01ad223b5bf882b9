"""Notices that this process stood still for a while: frozen with its container, say, or too busy for all else."""

import asyncio
import time
from typing import Final

_BEAT_SECONDS: Final = 0.25
_STILL_SECONDS: Final = 1.5  # below the time after which anybody gives up waiting for an answer
_DOUBTED_SECONDS: Final = 2.0  # after that: what came meanwhile is read within this time


class Pulse:
    """`beat` goes on until it is cancelled."""

    def __init__(self) -> None:
        self._latest = time.monotonic()
        self._doubted_until = 0.0

    async def beat(self) -> None:
        self._latest = time.monotonic()
        while True:
            await asyncio.sleep(_BEAT_SECONDS)
            self._look()

    @property
    def has_stood_still(self) -> bool:
        """Lately: whoever sent what is read now may have left long ago."""
        return time.monotonic() < self._doubted_until or self._look()

    def _look(self) -> bool:
        now, before = time.monotonic(), self._latest
        self._latest = now
        if now - before < _STILL_SECONDS:
            return False
        self._doubted_until = now + _DOUBTED_SECONDS
        return True
