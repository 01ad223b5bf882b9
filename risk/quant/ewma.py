"""Volatility that remembers recent days best, and a history told in the volatility of today."""

from dataclasses import replace
from math import sqrt
from typing import Final

import numpy as np

from risk.quant.checkpoint import Checkpoint, Progress, unobserved
from risk.quant.intervals import Z_95
from risk.quant.loss_measure import LossMeasure
from risk.quant.streams import Array

_LOOK: Final = 8_192  # days between two checkpoints: some 20 ms


def updated(variance: Array, change: Array, decay: float) -> Array:
    """σ²ₜ₊₁ = λ σ²ₜ + (1 − λ) rₜ², without a mean (J.P. Morgan/Reuters, RiskMetrics technical document 1996, § 5.2)."""
    after: Array = decay * variance + (1 - decay) * change**2
    return after


def variances(returns: Array, decay: float, checkpoint: Checkpoint = unobserved) -> Array:
    """(T + 1, n) of each day of the returns (T, n) as it was forecast the day before; the last is of the day to come.

    It begins at the variance of the whole sample, as in Hull, Risk Management and Financial Institutions, § 13.3.
    """
    forecasts = np.empty((len(returns) + 1, returns.shape[1]))
    forecasts[0] = returns.var(axis=0, ddof=1)
    for day in range(len(returns)):
        forecasts[day + 1] = updated(forecasts[day], returns[day], decay)
        if day % _LOOK == 0:
            checkpoint(Progress(0.0))
    return forecasts


def ratios(forecasts: Array) -> Array:
    """Today's volatility over each day's (T, n); 1 for what has none."""
    then = forecasts[:-1]
    found: Array = np.sqrt(np.divide(forecasts[-1], then, out=np.ones_like(then), where=then > 0))
    return found


def relative_error(daily: Array, decay: float) -> float:
    """Of today's volatility as a share of it, from rescaled gains (T,): √((κ − 1) (1 − λ) / (1 + λ)) / 2.

    The variance of a weighted mean of squares with weights (1 − λ) λᵏ, κ the kurtosis, if the true volatility stayed as
    long as the average remembers. Where it moves as the average does, the error is smaller.
    """
    deviation = float(daily.std())
    if deviation == 0:
        return 0.0
    kurtosis = float((((daily - daily.mean()) / deviation) ** 4).mean())
    return sqrt(max(0.0, kurtosis - 1) * (1 - decay) / (1 + decay)) / 2


def with_error_of_volatility(measure: LossMeasure, relative: float) -> LossMeasure:
    """The measure with intervals that allow for the error of today's volatility, which the history does not show."""
    if measure.standard_error is None or measure.shortfall_standard_error is None:
        return measure
    at_risk, shortfall = abs(measure.value_at_risk), abs(measure.expected_shortfall)
    return replace(
        measure,
        standard_error=float(np.hypot(measure.standard_error, relative * at_risk)),
        shortfall_standard_error=float(np.hypot(measure.shortfall_standard_error, relative * shortfall)),
        confidence_interval=_widened(measure.confidence_interval, measure.value_at_risk, relative),
        shortfall_interval=_widened(measure.shortfall_interval, measure.expected_shortfall, relative),
    )


def _widened(interval: tuple[float, float] | None, value: float, relative: float) -> tuple[float, float] | None:
    if interval is None:
        return None
    more = Z_95 * relative * abs(value)
    return value - float(np.hypot(value - interval[0], more)), value + float(np.hypot(interval[1] - value, more))
