"""Value at risk and expected shortfall of a sample of losses, with the error of both."""

from dataclasses import dataclass
from math import ceil, floor, sqrt
from typing import Final

import numpy as np

from risk.quant.streams import Array

Z_95: Final = 1.959963984540054  # two-sided 95 % of a standard normal


@dataclass(frozen=True)
class LossMeasure:
    """Amounts in the portfolio's currency; a loss is positive."""

    value_at_risk: float
    expected_shortfall: float
    standard_error: float  # of the value at risk
    confidence_interval: tuple[float, float]  # 95 %, of the value at risk
    shortfall_standard_error: float

    def within(self, relative: float) -> bool:
        """Whether half the interval is at most this share of the value at risk."""
        low, high = self.confidence_interval
        return high - low <= 2 * relative * abs(self.value_at_risk)


def measure_losses(losses: Array, confidence: float, threshold: float | None = None) -> LossMeasure:
    """Measures the losses at `confidence` (0–1, exclusive); reorders them in place, so that 10 million need no copy.

    Value at risk: the order statistic ⌈n·c⌉ of the losses. Expected shortfall: the mean of the worst (1 − c) share,
    with the boundary loss counted in part (Rockafellar and Uryasev 2002, eq. 30); its error by its influence function.
    The interval: order statistics at the binomial quantiles of rank n·c, free of any assumption on the distribution
    (David and Nagaraja, 2003, § 7.1). A `threshold` that is expected to lie under the interval spares ordering what is
    under it; the measure is the same when it does not.
    """
    n = len(losses)
    rank = n * confidence
    spread = Z_95 * sqrt(n * confidence * (1 - confidence))
    at = min(n - 1, max(0, ceil(rank - 1e-9) - 1))
    low = min(n - 1, max(0, floor(rank - spread) - 1))
    high = min(n - 1, max(0, ceil(rank + spread) - 1))
    tail, below = _tail(losses, threshold, low)
    tail.partition(low - below)
    lowest = float(tail[low - below])  # before the tail is ordered further, which may move it
    upper = tail[low - below :]  # what is left to order is seldom large
    upper.partition(sorted({at - low, high - low}))
    value_at_risk = float(upper[at - low])
    beyond = upper[at - low + 1 :] - value_at_risk
    interval = (lowest, float(upper[high - low]))
    return LossMeasure(
        value_at_risk=value_at_risk,
        expected_shortfall=value_at_risk + float(beyond.sum()) / (n - rank),
        standard_error=(interval[1] - interval[0]) / (2 * Z_95),
        confidence_interval=interval,
        shortfall_standard_error=_excess_deviation(beyond, n) / ((1 - confidence) * sqrt(n)),
    )


def _tail(losses: Array, threshold: float | None, needed: int) -> tuple[Array, int]:
    """The losses from the threshold up and the number of those below; all when rank `needed` is not among them."""
    if threshold is not None:
        kept = losses[losses >= threshold]
        if (below := len(losses) - len(kept)) <= needed:
            return kept, below
    return losses, 0


def _excess_deviation(beyond: Array, n: int) -> float:
    """Standard deviation of max(loss − value at risk, 0) over all n losses, of which only `beyond` are not zero."""
    return sqrt(max(0.0, float(np.dot(beyond, beyond)) / n - (float(beyond.sum()) / n) ** 2))
