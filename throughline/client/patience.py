"""When to try again and when to give up: pauses that grow, vary by chance and heed Retry-After, within one deadline."""

import random
import time
from collections.abc import Callable
from typing import Final

_FIRST_SECONDS: Final = 0.1
_LONGEST_SECONDS: Final = 5.0


class Patience:
    """What is left of one call's time, and how long to pause after each failure in a row."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ends = clock() + seconds
        self._failures = 0

    def left(self) -> float:
        return max(0.0, self._ends - self._clock())

    def renewed(self, seconds: float) -> None:
        """The server has answered: the deadline is so much time from now on."""
        self._ends = self._clock() + seconds

    def succeeded(self) -> None:
        """The next failure is the first one again."""
        self._failures = 0

    def pause(self, retry_after: float | None = None) -> float | None:
        """Seconds until the next try, never fewer than `retry_after`; None when that is past the deadline.

        Chance keeps those apart who were refused in the same moment: half to all of what the failures come to.
        """
        growing = min(_LONGEST_SECONDS, _FIRST_SECONDS * 2 ** min(self._failures, 10))
        self._failures += 1
        seconds = (retry_after or 0.0) + growing * random.uniform(0.5, 1)  # noqa: S311 - no secret
        return seconds if seconds < self.left() else None
