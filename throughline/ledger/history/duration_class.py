"""How long tasks took, in classes: an index keeps the order of submission within each class, and in no open range."""

from bisect import bisect_right
from typing import Final

# Where a class begins, in milliseconds. People ask for round times: then no class holds tasks on both sides.
_STEPS: Final = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9)
_BEGINS: Final = tuple(step * 10**power for power in range(9) for step in _STEPS)  # up to ten days
LONGEST: Final = len(_BEGINS)


def duration_class(milliseconds: float) -> int:
    """A longer time is never in a lower class."""
    return bisect_right(_BEGINS, milliseconds)
