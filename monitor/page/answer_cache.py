"""Keeps answers for a moment: a page that many look at is made once a second."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class AnswerCache(Generic[Value]):
    """Keeps each answer for `seconds`; whoever asks while it is being made waits for the same one."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._made: dict[str, tuple[float, asyncio.Task[Value]]] = {}

    async def get(self, key: str, make: Callable[[], Awaitable[Value]]) -> Value:
        now = time.monotonic()
        self._made = {name: entry for name, entry in self._made.items() if self._is_fresh(entry, now)}
        if key not in self._made:
            self._made[key] = (now, asyncio.ensure_future(_as_coroutine(make)))
        # Shielded: when one of those who wait goes away, the others still get the answer.
        return await asyncio.shield(self._made[key][1])

    def _is_fresh(self, entry: tuple[float, asyncio.Task[Value]], now: float) -> bool:
        begun, task = entry
        return not task.done() or now - begun < self._seconds


async def _as_coroutine(make: Callable[[], Awaitable[Value]]) -> Value:
    return await make()
