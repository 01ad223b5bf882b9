"""Value at risk and expected shortfall of a sample of losses, with the error of both."""

from dataclasses import dataclass
from math import ceil, floor, sqrt
from typing import Final

import numpy as np

from worker.quant.streams import Array

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


def measure_losses(losses: Array, confidence: float) -> LossMeasure:
    """Measures the losses at `confidence` (0–1, exclusive); reorders them in place, so that 10 million need no copy.

    Value at risk: the order statistic ⌈n·c⌉ of the losses. Expected shortfall: the mean of the worst (1 − c) share,
    with the boundary loss counted in part (Rockafellar and Uryasev 2002, eq. 30); its error by its influence function.
    The interval: order statistics at the binomial quantiles of rank n·c, free of any assumption on the distribution
    (David and Nagaraja, 2003, § 7.1).
    """
    n = len(losses)
    rank = n * confidence
    spread = Z_95 * sqrt(n * confidence * (1 - confidence))
    at = min(n - 1, max(0, ceil(rank - 1e-9) - 1))
    low = min(n - 1, max(0, floor(rank - spread) - 1))
    high = min(n - 1, max(0, ceil(rank + spread) - 1))
    losses.partition(low)
    lowest = float(losses[low])  # before the tail is ordered further, which may move it
    upper = losses[low:]  # what is left to order is the tail, and seldom large
    upper.partition(sorted({at - low, high - low}))
    value_at_risk = float(losses[at])
    beyond = losses[at + 1 :] - value_at_risk
    interval = (lowest, float(losses[high]))
    return LossMeasure(
        value_at_risk=value_at_risk,
        expected_shortfall=value_at_risk + float(beyond.sum()) / (n - rank),
        standard_error=(interval[1] - interval[0]) / (2 * Z_95),
        confidence_interval=interval,
        shortfall_standard_error=_excess_deviation(beyond, n) / ((1 - confidence) * sqrt(n)),
    )


def _excess_deviation(beyond: Array, n: int) -> float:
    """Standard deviation of max(loss − value at risk, 0) over all n losses, of which only `beyond` are not zero."""
    return sqrt(max(0.0, float(np.dot(beyond, beyond)) / n - (float(beyond.sum()) / n) ** 2))
