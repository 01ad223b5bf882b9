"""When the error rate after a switch is bad."""

from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Final

from deploy.blue_green.answers import Answer

_RECENT_WINDOWS: Final = 5
_SAMPLES: Final = 3


@dataclass(frozen=True)
class Count:
    """Answers and errors of some seconds, with the correlation IDs of the first few errors."""

    answers: int = 0
    errors: int = 0
    samples: tuple[str, ...] = ()

    def __add__(self, other: "Count") -> "Count":
        samples = (self.samples + other.samples)[:_SAMPLES]
        return Count(self.answers + other.answers, self.errors + other.errors, samples)

    @property
    def percent(self) -> float:
        return 100 * self.errors / self.answers if self.answers else 0.0


def count(found: Iterable[Answer], excused: Collection[str] = ()) -> Count:
    total = Count()
    for answer in found:
        is_error = answer.is_error and answer.correlation_id not in excused
        total += Count(1, int(is_error), (answer.correlation_id,) if is_error else ())
    return total


@dataclass
class ErrorRate:
    """Judges each window with the four before it, and all since the switch: a sudden outage, and a slow leak.

    Bad is a share that lies more than `max_percent` above that before the switch: who has a client that always causes
    errors must be able to release too. Single errors are not judged, whatever share of few requests they are.
    """

    before: Count
    max_percent: float
    least_errors: int = 3
    since: Count = field(default_factory=Count)
    _recent: deque[Count] = field(default_factory=lambda: deque(maxlen=_RECENT_WINDOWS))

    def add(self, window: Count) -> None:
        self._recent.append(window)
        self.since += window

    def bad(self) -> Count | None:
        """The count that is bad, the recent one first."""
        recent = sum(self._recent, Count())
        return next((each for each in (recent, self.since) if self._is_bad(each)), None)

    @property
    def limit(self) -> float:
        return self.before.percent + self.max_percent

    def _is_bad(self, seen: Count) -> bool:
        return seen.errors >= self.least_errors and seen.percent > self.limit
