"""How long tasks took, in classes: an index finds each class in the order of submission, and no index an open range."""

from math import floor, isfinite, log2
from typing import Final

_EACH_DOUBLING: Final = 4  # classes: one is 19 % longer than the one before
SHORTEST: Final = 0
LONGEST: Final = 160  # 2^40 ms, 35 years


def duration_class(milliseconds: float) -> int:
    """A longer time is never in a lower class."""
    if milliseconds <= 1:
        return SHORTEST
    if not isfinite(milliseconds):
        return LONGEST
    return min(LONGEST, floor(log2(milliseconds) * _EACH_DOUBLING) + 1)
