"""Calls that have no answer yet: which of them are on their way to Redis, and which go next."""

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from throughline.ledger.script import Script

MOST_SENT: Final = 64
LARGE: Final = 16_384  # bytes
MOST_LARGE_SENT: Final = 1_000_000  # bytes


@dataclass(slots=True, eq=False)
class WaitingCall:
    """`packed` is what goes to Redis, `since` the time when it came, `answer` None for one that nobody waits for."""

    script: Script
    packed: bytes
    answer: "asyncio.Future[Any] | None" = None
    since: float = 0.0
    is_again: bool = False  # Redis did not know its script
    was_sent: bool = False

    @property
    def has_gone(self) -> bool:
        """Its request was cancelled, or it has its answer."""
        return self.answer is None or self.answer.done()

    @property
    def large_bytes(self) -> int:
        """Its size; zero for a small one."""
        size = len(self.packed)
        return size if size > LARGE else 0


class WaitingCalls:
    """At most `MOST_SENT` calls are on their way, and of large ones `MOST_LARGE_SENT` bytes or a single one.

    Small calls pass large ones that wait: a request of one kilobyte is not answered after a hundred of a megabyte.
    """

    def __init__(self) -> None:
        self._small: deque[WaitingCall] = deque()
        self._large: deque[WaitingCall] = deque()
        self._sent: deque[WaitingCall] = deque()
        self._large_sent = 0  # bytes

    def __iter__(self) -> Iterator[WaitingCall]:
        yield from self._sent
        yield from self._small
        yield from self._large

    def add(self, call: WaitingCall) -> None:
        """A new one."""
        (self._large if call.large_bytes else self._small).append(call)

    def next(self) -> WaitingCall | None:
        """The one to send now; None when none waits, or too many are on their way."""
        large, small = self._large, self._small
        if large and (not self._large_sent or self._large_sent + large[0].large_bytes <= MOST_LARGE_SENT):
            return large.popleft()
        return small.popleft() if small and len(self._sent) < MOST_SENT else None

    def sent(self, call: WaitingCall) -> None:
        """It is on its way."""
        call.was_sent = True
        self._sent.append(call)
        self._large_sent += call.large_bytes

    def answered(self) -> WaitingCall:
        """The one whose answer has come: they come in the order in which the calls were sent."""
        call = self._sent.popleft()
        self._large_sent -= call.large_bytes
        return call

    def put_back(self, calls: Iterable[WaitingCall]) -> None:
        """They are sent again, before all others."""
        for call in reversed([each for each in calls if not each.has_gone]):
            (self._large if call.large_bytes else self._small).appendleft(call)

    def put_back_sent(self) -> None:
        """The connection is lost: no answer comes to what was sent on it."""
        self.put_back(self._sent)
        self._sent.clear()
        self._large_sent = 0

    def oldest(self) -> float | None:
        """Since when the one that has waited longest waits; None when nobody waits."""
        return min((call.since for call in self if not call.has_gone), default=None)

    def overdue(self, than: float) -> list[WaitingCall]:
        """Those that came no later than that. Only what is on its way keeps its place: its answer may still come."""
        found = [call for call in self if call.since <= than and not call.has_gone]
        for calls in (self._small, self._large):
            while calls and calls[0].since <= than:
                calls.popleft()
        return found
