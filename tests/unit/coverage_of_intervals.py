"""Whether intervals at 95% hold the truth as often as they say, by repeating an estimate with other seeds."""

from math import sqrt

SEEDS = 400  # 360 intervals that hold, as of 90%, are found; a thousand cost two minutes of every run of the tests


def holds_in_95_of_100(share: float) -> bool:
    """Within three standard errors of a share that was counted over these seeds."""
    return abs(share - 0.95) <= 3 * sqrt(0.95 * 0.05 / SEEDS)
