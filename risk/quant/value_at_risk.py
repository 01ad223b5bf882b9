"""Value at risk of a portfolio by simulation and in closed form."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from risk.quant.checkpoint import Checkpoint, Progress, unobserved
from risk.quant.elliptical import NORMAL, Shape
from risk.quant.loss_distribution import LossDistribution, of_losses
from risk.quant.loss_measure import LossMeasure, measure_losses
from risk.quant.portfolio import Portfolio
from risk.quant.scenarios import Losses
from risk.quant.stopwatch import Stopwatch
from risk.quant.streams import Array
from risk.quant.weighted_losses import measure_weighted

FIRST_LOOK: Final = 50_000  # scenarios before the first interim measure that may end the simulation
UNASKED_LOOK: Final = 16  # chunks before the first interim measure that only reports progress
_GROWTH: Final = 1.25  # between two: each looks at all losses so far, and all looks together cost a few of the last


@dataclass(frozen=True)
class Simulated:
    """The measure, the chunks that it rests on, and what they drew: losses, with their weights below them if any."""

    measure: LossMeasure
    sizes: list[int]
    sample: Array

    @property
    def distribution(self) -> LossDistribution | None:
        return of_losses(self.sample[0], self.measure, self.sample[1] if len(self.sample) > 1 else None)

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

    `losses` draws the losses (rows,), or (2, rows) with the weight of each below it.
    Looks are at sizes fixed by the chunks alone, so that where it ends depends on nothing but the data and the seed.
    """
    watch = watch or Stopwatch()
    total, drawn = sum(sizes), 0
    next_look = UNASKED_LOOK * sizes[0] if relative is None else FIRST_LOOK
    sample = np.empty((0, total))
    measure = None
    for chunk, rows in enumerate(sizes):
        losses_drawn = np.atleast_2d(losses(chunk, rows))
        if chunk == 0:
            sample = np.empty((len(losses_drawn), total))
        sample[:, drawn : drawn + rows] = losses_drawn
        drawn += rows
        if drawn == total:
            break
        if drawn >= next_look:
            measure = _measured(sample[:, :drawn], confidence, measure, watch)
            next_look = int(drawn * _GROWTH)
            if relative is not None and measure.within(relative):
                return Simulated(measure, sizes[: chunk + 1], sample[:, :drawn])
        checkpoint(_progress(drawn / total, measure))
    return Simulated(_measured(sample, confidence, measure, watch), sizes, sample)


def parametric(portfolio: Portfolio, confidence: float, shape: Shape = NORMAL) -> LossMeasure:
    """In closed form: q σ − μ, and the mean of what lies beyond it. No sampling error."""
    unit, mean = portfolio.gain_deviation * shape.scale, portfolio.mean_gain
    at_risk = shape.quantile(confidence) * unit - mean
    shortfall = shape.tail_mean(confidence) * unit - mean
    return LossMeasure(at_risk, shortfall, 0.0, (at_risk, at_risk), 0.0, (shortfall, shortfall))


def _measured(sample: Array, confidence: float, before: LossMeasure | None, watch: Stopwatch) -> LossMeasure:
    watch.start()
    threshold = None
    interval = before.confidence_interval if before is not None else None
    if interval is not None and confidence >= 0.5:  # the copy of the tail is then the smaller half
        low, high = interval
        threshold = low - 2 * (high - low)
    if len(sample) == 1:
        measure = measure_losses(sample[0], confidence, threshold)
    else:
        measure = measure_weighted(sample[0], sample[1], confidence, threshold)
    watch.lap("quantile")
    return measure


def _progress(fraction: float, measure: LossMeasure | None) -> Progress:
    if measure is None:
        return Progress(fraction)
    return Progress(fraction, measure.value_at_risk, measure.confidence_interval)
