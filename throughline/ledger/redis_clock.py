"""Redis's clock seen from this host: records are by Redis's, spans and log lines by this host's own.

Each answer that holds Redis's time bounds how far this host's clock is ahead of it: Redis read its clock some time
between question and answer. The answers together leave an interval; the shortest round trip narrows it most, and it
grows with its age, since clocks drift. An answer outside of it says that a clock was set, or that another Redis
answers: what was known before is forgotten then.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:  # log lines need this module too, and no client of Redis
    from redis import Redis
    from redis.asyncio import Redis as AsyncRedis

LIMIT_SECONDS: Final = 0.1  # a clock that is further off is worth a warning and an alert
_DRIFT: Final = 0.0002  # seconds in a second: an oscillator's 0.0001 at each of two hosts
_LOOKS: Final = 4  # the first may wait for its connection, and each on a busy host
_QUICK_SECONDS: Final = 0.002
_UNKNOWN: Final = float("inf")


class Bounds(NamedTuple):
    """How far one clock is ahead of another, in seconds, as it was known at `since` of this host's steady clock."""

    low: float = -_UNKNOWN
    high: float = _UNKNOWN
    since: float = 0.0

    def at(self, now: float) -> "Bounds":
        """As well as it is still known."""
        grown = _DRIFT * max(0.0, now - self.since)
        return Bounds(self.low - grown, self.high + grown, now)

    def narrowed(self, low: float, high: float, now: float) -> "Bounds":
        """It is between these two as well; when it cannot be, a clock was set, and they alone count."""
        known = self.at(now)
        if known.low <= high and low <= known.high:
            low, high = max(low, known.low), min(high, known.high)
        return Bounds(low, high, now)

    def plus(self, other: "Bounds") -> "Bounds":
        """Of three clocks: the first is ahead of the second, and that of the third."""
        return Bounds(self.low + other.low, self.high + other.high, max(self.since, other.since))

    @property
    def ahead(self) -> float:
        """To the microsecond, and 0 while the clocks may be the same."""
        return 0.0 if self.low <= 0 <= self.high else round((self.low + self.high) / 2, 6)

    @property
    def is_off(self) -> bool:
        """By more than the limit, wherever within the bounds the truth is."""
        return self.low > LIMIT_SECONDS or self.high < -LIMIT_SECONDS


class RedisClock:
    """Until Redis has answered, and while both clocks may be the same, a moment of Redis's is the same here."""

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic) -> None:
        self._wall, self._steady = wall, steady
        self._bounds = Bounds()
        self.ahead = 0.0  # how many seconds this host's clock is ahead of Redis's, to the microsecond

    def compare(self, asked: float, at: float, answered: float) -> None:
        """Redis said `at`, some time between these two moments of this host."""
        self._bounds = self._bounds.narrowed(asked - at, max(asked, answered) - at, self._steady())
        self.ahead = self._bounds.ahead  # read with each line and span

    def heard(self, asked: float, at: float | None) -> None:
        """Redis has just said `at` to what was asked then; None when it did not say it."""
        if at is not None:
            self.compare(asked, at, self._wall())

    def look(self, redis: "Redis") -> None:
        """Asks Redis for its time; raises `RedisError` or `OSError` when it does not answer."""
        for _ in range(_LOOKS):
            asked, begun = self._wall(), self._steady()
            seconds, microseconds = redis.time()
            self.heard(asked, seconds + microseconds / 1e6)
            if self._steady() - begun < _QUICK_SECONDS:
                break

    async def look_async(self, redis: "AsyncRedis") -> None:
        """The same on a client that is awaited."""
        for _ in range(_LOOKS):
            asked, begun = self._wall(), self._steady()
            seconds, microseconds = await redis.time()
            self.heard(asked, seconds + microseconds / 1e6)
            if self._steady() - begun < _QUICK_SECONDS:
                break

    @property
    def ahead_ms(self) -> float:
        """As spans and log lines have it."""
        return round(self.ahead * 1000, 3)

    @property
    def is_off(self) -> bool:
        """For sure."""
        return self._bounds.is_off

    @property
    def bounds(self) -> Bounds:
        """As well as it is known now."""
        return self._bounds.at(self._steady())

    def here(self, at: float) -> float:
        """What this host's clock showed, or will show, at that moment of Redis's."""
        return at + self.ahead

    def now(self) -> float:
        """What Redis's clock shows now."""
        return self._wall() - self.ahead


def in_words(ahead: float) -> str:
    """`3.00 s ahead of Redis's`"""
    size = abs(ahead)
    told = f"{size:.2f} s" if size >= 1 else f"{size * 1000:.0f} ms"
    return f"{told} {'ahead of' if ahead > 0 else 'behind'} Redis's"


own: Final = RedisClock()  # this process's: its log lines and spans say how far its host's clock is off
