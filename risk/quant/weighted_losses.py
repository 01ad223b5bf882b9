"""Value at risk and expected shortfall of losses drawn more often where they are large, and weighted for it."""

from math import sqrt

import numpy as np
from numpy.typing import NDArray

from risk.quant.intervals import Z_95, of_skewed_mean
from risk.quant.loss_measure import LossMeasure, excess_moments
from risk.quant.streams import Array


def measure_weighted(losses: Array, weights: Array, confidence: float, threshold: float | None = None) -> LossMeasure:
    """Measures losses whose `weights` are the ratio of their density to the one that they were drawn from.

    P(loss > x) is the mean weight of what lies beyond x. The value at risk is where that falls to 1 − c; its interval
    is where it falls to 1 − c plus and minus its own error there (P. Glynn, 1996, Importance sampling for Monte Carlo
    estimation of quantiles). The shortfall's error is by its influence function. Losses under `threshold` are not
    ordered, unless they are needed.
    """
    n, share = len(losses), 1 - confidence
    order, probabilities = _beyond(losses, weights, threshold, share)
    at = _first_beyond(probabilities, share)
    beyond = order[:at]
    value_at_risk = float(losses[order[at]])
    spread = Z_95 * sqrt(max(0.0, float(np.dot(weights[beyond], weights[beyond])) / n - share**2) / n)
    interval = None
    if len(beyond) and spread < share and share + spread < probabilities[-1]:
        low, high = (_first_beyond(probabilities, share + by) for by in (spread, -spread))
        interval = (float(losses[order[low]]), float(losses[order[high]]))
    excess = losses[beyond] - value_at_risk
    shortfall = value_at_risk + float(np.dot(excess, weights[beyond])) / (n * share)
    deviation, skewness = excess_moments(excess, weights[beyond], n)
    error = deviation / (share * sqrt(n))
    return LossMeasure(
        value_at_risk=value_at_risk,
        expected_shortfall=shortfall,
        standard_error=(interval[1] - interval[0]) / (2 * Z_95) if interval else None,
        confidence_interval=interval,
        shortfall_standard_error=error if interval else None,
        shortfall_interval=of_skewed_mean(shortfall, error, skewness, n) if interval else None,
    )


def _beyond(losses: Array, weights: Array, threshold: float | None, share: float) -> tuple[NDArray[np.int64], Array]:
    """The losses' numbers, the largest first, and the probability from each one up; all when those are not enough."""
    kept = np.arange(len(losses)) if threshold is None else np.flatnonzero(losses >= threshold)
    order: NDArray[np.int64] = kept[np.argsort(-losses[kept], kind="stable")]
    probabilities = np.cumsum(weights[order]) / len(losses)
    if threshold is not None and (not len(order) or probabilities[-1] < 2 * share):
        return _beyond(losses, weights, None, share)
    return order, probabilities


def _first_beyond(probabilities: Array, share: float) -> int:
    return min(len(probabilities) - 1, int(np.searchsorted(probabilities, share * (1 + 1e-12), side="right")))
