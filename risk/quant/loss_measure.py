"""Value at risk and expected shortfall of a sample of losses, with the error of both."""

from dataclasses import dataclass, replace
from math import ceil, sqrt
from typing import Final

import numpy as np

from risk.quant.intervals import Z_95, of_skewed_mean, quantile_ranks
from risk.quant.streams import Array

FEWEST: Final = 10  # losses beyond the value at risk: the fewest whose mean has an interval that holds


@dataclass(frozen=True)
class LossMeasure:
    """Amounts in the portfolio's currency; a loss is positive. An error that cannot be stated is `None`."""

    value_at_risk: float
    expected_shortfall: float
    standard_error: float | None  # of the value at risk
    confidence_interval: tuple[float, float] | None  # 95 %, of the value at risk
    shortfall_standard_error: float | None
    shortfall_interval: tuple[float, float] | None = None  # 95 %, of the expected shortfall

    def within(self, relative: float) -> bool:
        """Whether half the interval is at most this share of the value at risk."""
        if self.confidence_interval is None:
            return False
        low, high = self.confidence_interval
        return high - low <= 2 * relative * abs(self.value_at_risk)

    def without_shortfall_error(self) -> "LossMeasure":
        """The same figures where the mean beyond the value at risk comes from losses that are hardly ever seen."""
        return replace(self, shortfall_standard_error=None, shortfall_interval=None)


def measure_losses(losses: Array, confidence: float, threshold: float | None = None) -> LossMeasure:
    """Measures the losses at `confidence` (0–1, exclusive); reorders them in place, so that 10 million need no copy.

    Value at risk: the order statistic ⌈n·c⌉ of the losses, with `quantile_ranks` as its interval. Expected shortfall:
    the mean of the worst (1 − c) share, with the boundary loss counted in part (Rockafellar and Uryasev 2002, eq. 30);
    its error by its influence function. Neither has an error where too few losses lie beyond the value at risk.
    A `threshold` that is expected to lie under the interval spares ordering what is under it; the measure is the same
    when it does not.
    """
    n = len(losses)
    rank = n * confidence
    at = min(n - 1, max(0, ceil(rank - 1e-9) - 1))
    ranks = quantile_ranks(n, confidence)
    low, high = ranks or (at, at)
    low = min(low, at)
    tail, below = _tail(losses, threshold, low)
    tail.partition(low - below)
    lowest = float(tail[low - below])  # before the tail is ordered further, which may move it
    upper = tail[low - below :]  # what is left to order is seldom large
    upper.partition(sorted({at - low, high - low}))
    value_at_risk = float(upper[at - low])
    beyond = upper[at - low + 1 :] - value_at_risk
    interval = (lowest, float(upper[high - low])) if ranks else None
    shortfall = value_at_risk + float(beyond.sum()) / (n - rank)
    error, around = _shortfall_error(beyond, n, 1 - confidence, shortfall)
    return LossMeasure(
        value_at_risk=value_at_risk,
        expected_shortfall=shortfall,
        standard_error=(interval[1] - interval[0]) / (2 * Z_95) if interval else None,
        confidence_interval=interval,
        shortfall_standard_error=error,
        shortfall_interval=around,
    )


def _tail(losses: Array, threshold: float | None, needed: int) -> tuple[Array, int]:
    """The losses from the threshold up and the number of those below; all when rank `needed` is not among them."""
    if threshold is not None:
        kept = losses[losses >= threshold]
        if (below := len(losses) - len(kept)) <= needed:
            return kept, below
    return losses, 0


def _shortfall_error(
    beyond: Array, n: int, share: float, shortfall: float
) -> tuple[float | None, tuple[float, float] | None]:
    """Standard error and interval of value at risk + mean of max(loss − value at risk, 0) / `share`, over n losses of
    which only `beyond` exceed it."""
    if n * share < FEWEST * (1 - 1e-9):
        return None, None
    deviation, skewness = excess_moments(beyond, np.ones(1), n)
    error = deviation / (share * sqrt(n))
    return error, of_skewed_mean(shortfall, error, skewness, n)


def excess_moments(excess: Array, weights: Array, n: int) -> tuple[float, float]:
    """Standard deviation and skewness of n numbers, of which only excess × weights are not zero."""
    largest = float(excess.max(initial=0.0))
    if largest <= 0:
        return 0.0, 0.0
    scaled = excess / largest * weights  # their cubes stay within what a number holds
    first, second = float(scaled.sum()) / n, float(np.dot(scaled, scaled)) / n
    third = float(np.dot(scaled * scaled, scaled)) / n
    variance = second - first**2
    if variance <= 0:
        return 0.0, 0.0
    skewness = (third - 3 * first * second + 2 * first**3) / variance**1.5
    return sqrt(variance) * largest, skewness
