"""How losses are distributed, in a few dozen bins: what a picture of a value at risk is drawn from."""

from dataclasses import dataclass
from itertools import pairwise
from math import ceil, floor, log10
from typing import Any, Final

import numpy as np
from scipy.special import ndtr, stdtr

from risk.quant.elliptical import Shape
from risk.quant.loss_measure import LossMeasure
from risk.quant.portfolio import Portfolio
from risk.quant.streams import Array

MOST_BINS: Final = 48
_LOOKED_AT: Final = 10_000  # losses that tell where most of them lie
_OUTSIDE: Final = 0.002  # share of the losses that may lie beyond each end
_SELDOM_DRAWN: Final = 0.01  # of weighted losses: the lowest are drawn too seldom to tell how frequent they are
_FAR: Final = 4.0  # times the range of most losses: a shortfall further out would leave nothing of the picture
_CHUNK: Final = 1 << 14  # losses at a time: what is made of them stays in the processor
_DIGITS: Final = 12


@dataclass(frozen=True)
class LossDistribution:
    """`edges`: one more than `shares`, at round numbers. The shares of all bins, below and above add up to 1."""

    edges: list[float]
    shares: list[float]
    below: float
    above: float

    def told(self) -> dict[str, Any]:
        return {
            "edges": self.edges,
            "shares": [_rounded(share) for share in self.shares],
            "below": _rounded(self.below),
            "above": _rounded(self.above),
        }


def of_losses(losses: Array, measure: LossMeasure, weights: Array | None = None) -> LossDistribution | None:
    """Of a sample, which it leaves as it is; None where all losses are the same.

    `weights` are those that the losses were drawn with. The share of a bin is then its mean weight, and what lies
    below the first is the rest: as for the value at risk, probabilities count from the largest loss downwards.
    """
    low, high = _most(losses, weights)
    edges = _edges(low, high, measure, ceil(2 * len(losses) ** (1 / 3)))
    if edges is None:
        return None
    shares = _counted(losses, edges, weights) / len(losses)
    if weights is not None:
        shares[0] = max(0.0, 1 - float(shares[1:].sum()))
        shares /= shares.sum()  # by chance the weights are worth a little more than 1
    return LossDistribution(edges, shares[1:-1].tolist(), float(shares[0]), float(shares[-1]))


def of_shape(portfolio: Portfolio, shape: Shape, measure: LossMeasure) -> LossDistribution | None:
    """In closed form, of normal or Student's t losses."""
    unit, mean = portfolio.gain_deviation * shape.scale, portfolio.mean_gain
    reach = shape.quantile(1 - _OUTSIDE) * unit
    edges = _edges(-mean - reach, -mean + reach, measure, MOST_BINS)
    if edges is None or unit == 0:
        return None
    steps = (np.array(edges) + mean) / unit
    normal = shape.degrees == float("inf")
    reached = ndtr(steps) if normal else stdtr(shape.degrees, steps)
    beyond = ndtr(-steps) if normal else stdtr(shape.degrees, -steps)
    shares = np.where(steps[:-1] < 0, np.diff(reached), -np.diff(beyond))
    return LossDistribution(edges, shares.tolist(), float(reached[0]), float(beyond[-1]))


def _most(losses: Array, weights: Array | None) -> tuple[float, float]:
    """Between which numbers most losses lie, by a part of them."""
    every = max(1, len(losses) // _LOOKED_AT)
    some = losses[::every]
    if weights is None:
        low, high = np.quantile(some, [_OUTSIDE, 1 - _OUTSIDE]).tolist()
        return low, high
    rising = np.argsort(some)
    upwards, downwards = (np.cumsum(weights[::every][order]) / len(some) for order in (rising, rising[::-1]))
    last = len(some) - 1
    low = float(some[rising[min(last, int(np.searchsorted(upwards, _OUTSIDE)))]])
    high = float(some[rising[::-1][min(last, int(np.searchsorted(downwards, _OUTSIDE)))]])
    return max(low, float(np.quantile(some, _SELDOM_DRAWN))), high


def _edges(low: float, high: float, measure: LossMeasure, bins: int) -> list[float] | None:
    """Round numbers around most losses, the value at risk and, unless it is far out, the shortfall."""
    low, high = min(low, measure.value_at_risk), max(high, measure.value_at_risk)
    if measure.expected_shortfall - low <= _FAR * (high - low):
        high = max(high, measure.expected_shortfall)
    span = high - low
    if not 0 < span < float("inf") or span <= 1e-9 * max(abs(low), abs(high)):
        return None
    step = _round_up(span / min(MOST_BINS - 1, max(4, bins)))
    first, last = floor(low / step), floor(high / step) + 1
    edges = [float(f"{number * step:.{_DIGITS}g}") for number in range(first, last + 1)]
    return edges if all(a < b for a, b in pairwise(edges)) else None


def _counted(losses: Array, edges: list[float], weights: Array | None) -> Array:
    """How many (or which weight) lie below, in each bin, and above: bins of one width need no search."""
    bins = len(edges) - 1
    per_loss, places = bins / (edges[-1] - edges[0]), np.empty(min(_CHUNK, len(losses)))
    numbers, found = np.empty(len(places), np.intp), np.zeros(bins + 2)
    for start in range(0, len(losses), _CHUNK):
        part = losses[start : start + _CHUNK]
        at, number = places[: len(part)], numbers[: len(part)]
        np.subtract(part, edges[0], out=at)
        at *= per_loss
        at += 1  # the first is what lies below
        np.clip(at, 0, bins + 1, out=at)
        number[:] = at
        weight = None if weights is None else weights[start : start + _CHUNK]
        found += np.bincount(number, weight, minlength=bins + 2)
    return found


def _round_up(step: float) -> float:
    """To two digits."""
    power = 10.0 ** (floor(log10(step)) - 1)
    return ceil(step / power - 1e-9) * power


def _rounded(share: float) -> float:
    return float(f"{share:.5g}")
