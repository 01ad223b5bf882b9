"""How a long calculation reports its progress between two chunks, and how it can be stopped there."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Progress:
    """How far a calculation is: the share that is done and, as soon as there is one, the estimate so far."""

    fraction: float
    estimate: float | None = None
    interval: tuple[float, float] | None = None


class Checkpoint(Protocol):
    """Called between chunks, at most 100 ms apart; ends the calculation by raising."""

    def __call__(self, progress: Progress, /) -> None: ...


def unobserved(_: Progress) -> None:
    """Reports to nobody and never stops."""
