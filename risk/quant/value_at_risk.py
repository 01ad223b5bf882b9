"""Value at risk of a portfolio three ways: by simulation, in closed form, and from returns that were observed."""

from dataclasses import dataclass
from math import sqrt
from typing import Final

import numpy as np
from scipy.special import ndtri

from risk.quant.checkpoint import Checkpoint, Progress, unobserved
from risk.quant.loss_measure import LossMeasure, measure_losses
from risk.quant.portfolio import Portfolio
from risk.quant.scenarios import Losses
from risk.quant.stopwatch import Stopwatch
from risk.quant.streams import Array

FIRST_LOOK: Final = 50_000  # scenarios before the first interim measure that may end the simulation
UNASKED_LOOK: Final = 16  # chunks before the first interim measure that only reports progress
_GROWTH: Final = 1.25  # between two: each looks at all losses so far, and all looks together cost a few of the last


@dataclass(frozen=True)
class Simulated:
    """The measure and the chunks that it rests on."""

    measure: LossMeasure
    sizes: list[int]

    @property
    def simulations(self) -> int:
        return sum(self.sizes)


def simulate(
    losses: Losses,
    sizes: list[int],
    confidence: float,
    *,
    relative: float | None = None,
    checkpoint: Checkpoint = unobserved,
    watch: Stopwatch | None = None,
) -> Simulated:
    """Draws chunk by chunk; ends early when half the interval is at most `relative` × the value at risk.

    Looks are at sizes fixed by the chunks alone, so that where it ends depends on nothing but the data and the seed.
    """
    watch = watch or Stopwatch()
    total, drawn = sum(sizes), 0
    next_look = UNASKED_LOOK * sizes[0] if relative is None else FIRST_LOOK
    sample = np.empty(total)
    measure = None
    for chunk, rows in enumerate(sizes):
        sample[drawn : drawn + rows] = losses(chunk, rows)
        drawn += rows
        if drawn == total:
            break
        if drawn >= next_look:
            measure = _measured(sample[:drawn], confidence, measure, watch)
            next_look = int(drawn * _GROWTH)
            if relative is not None and measure.within(relative):
                return Simulated(measure, sizes[: chunk + 1])
        checkpoint(_progress(drawn / total, measure))
    return Simulated(_measured(sample, confidence, measure, watch), sizes)


def parametric(portfolio: Portfolio, confidence: float) -> LossMeasure:
    """In closed form, of normal returns: z σ − μ, and the mean of what lies beyond it. No sampling error."""
    z = float(ndtri(confidence))
    deviation, mean = portfolio.gain_deviation, portfolio.mean_gain
    density = float(np.exp(-(z**2) / 2)) / sqrt(2 * np.pi)
    at_risk = z * deviation - mean
    return LossMeasure(
        value_at_risk=at_risk,
        expected_shortfall=density / (1 - confidence) * deviation - mean,
        standard_error=0.0,
        confidence_interval=(at_risk, at_risk),
        shortfall_standard_error=0.0,
    )


def historical_gains(values: Array, returns: Array, days: int, overlapping: bool) -> Array:
    """Gains (periods, n) over `days` from daily returns: sums over overlapping windows, or days scaled by √days."""
    if not overlapping:
        scaled: Array = returns * values * sqrt(days)
        return scaled
    running = np.vstack([np.zeros(len(values)), np.cumsum(returns, axis=0)])
    summed: Array = (running[days:] - running[:-days]) * values
    return summed


def _measured(losses: Array, confidence: float, before: LossMeasure | None, watch: Stopwatch) -> LossMeasure:
    watch.start()
    threshold = None
    if before is not None and confidence >= 0.5:  # the copy of the tail is then the smaller half
        low, high = before.confidence_interval
        threshold = low - 2 * (high - low)
    measure = measure_losses(losses, confidence, threshold)
    watch.lap("quantile")
    return measure


def _progress(fraction: float, measure: LossMeasure | None) -> Progress:
    if measure is None:
        return Progress(fraction)
    return Progress(fraction, measure.value_at_risk, measure.confidence_interval)
