"""Losses of a portfolio whose returns are jointly normal or jointly Student's t: one number a scenario.

A weighted sum of such returns is of the same kind (McNeil, Frey and Embrechts, 2015, Quantitative Risk Management,
§ 6.3), so that one draw is exact, whatever the number of positions.
"""

from dataclasses import dataclass
from math import exp, inf, lgamma, log, log1p, pi, sqrt
from typing import Final

import numpy as np
from scipy.special import ndtri, stdtrit

from risk.quant.portfolio import Portfolio
from risk.quant.scenarios import Losses
from risk.quant.stopwatch import Stopwatch
from risk.quant.streams import Array, chunk_rows, stream

_HEAVY: Final = 2.0  # the least that Student's t is tilted by: its plain shortfall has no finite skewness


@dataclass(frozen=True)
class Shape:
    """Student's t of `degrees` of freedom (above 2), scaled to a standard deviation of 1; without them the normal."""

    degrees: float = inf

    @property
    def scale(self) -> float:
        """The standard deviation in units of the standard t's own scale."""
        return 1.0 if self.degrees == inf else sqrt((self.degrees - 2) / self.degrees)

    def quantile(self, confidence: float) -> float:
        """Of the shape that is not scaled."""
        return float(ndtri(confidence) if self.degrees == inf else stdtrit(self.degrees, confidence))

    def tail_mean(self, confidence: float) -> float:
        """E[X | X above its quantile], not scaled: φ(z) / (1 − c), and for Student's t
        g(q) / (1 − c) × (ν + q²) / (ν − 1) (McNeil, Frey and Embrechts, 2015, examples 2.14 and 2.15)."""
        at = self.quantile(confidence)
        if self.degrees == inf:
            return exp(-(at**2) / 2) / sqrt(2 * pi) / (1 - confidence)
        degrees = self.degrees
        return self._density(at) / (1 - confidence) * (degrees + at**2) / (degrees - 1)

    def _density(self, at: float) -> float:
        half = self.degrees / 2
        norm = lgamma(half + 0.5) - lgamma(half) - log(self.degrees * pi) / 2
        return exp(norm - (half + 0.5) * log1p(at**2 / self.degrees))

    def tilt(self, confidence: float) -> float:
        """What `tail_losses` takes: half its radii then reach the quantile. 1, for no tilt, up to the median."""
        if confidence <= 0.5:
            return 1.0
        at = self.quantile(confidence)
        decay = at**2 / 2 if self.degrees == inf else self.degrees / 2 * log1p(at**2 / self.degrees)
        return max(1.0 if self.degrees == inf else _HEAVY, decay / log(2))


NORMAL: Final = Shape()


def tail_losses(portfolio: Portfolio, shape: Shape, tilt: float, seed: int, watch: Stopwatch) -> tuple[Losses, int]:
    """Draws (2, rows): losses and their weights, and the rows a chunk. Large losses come more often, and weigh less;
    at a `tilt` of 1 they don't, and the losses (rows,) come alone.

    A normal is √(−2 ln U) cos θ (Box and Muller, 1958), Student's t √(ν (U^(−2/ν) − 1)) cos θ (Bailey, 1994, Polar
    generation of random variates with the t-distribution). U = W^tilt of a uniform W draws the large radii more often,
    at the weight tilt × W^(tilt − 1): importance sampling that is exact for any number of degrees.
    """
    mean, unit = portfolio.mean_gain, portfolio.gain_deviation * shape.scale

    def draw(chunk: int, rows: int) -> Array:
        watch.start()
        random = stream(seed, chunk)
        logs, angles = np.log1p(-random.random(rows)), random.random(rows)
        watch.lap("draw")
        radii = np.sqrt(_squared(tilt * logs, shape.degrees))
        losses = radii * np.cos(2 * pi * angles) * unit - mean
        drawn = losses if tilt == 1 else np.stack([losses, tilt * np.exp((tilt - 1) * logs)])
        watch.lap("reprice")
        return drawn

    return draw, chunk_rows(2)


def _squared(logs: Array, degrees: float) -> Array:
    squared: Array = -2 * logs if degrees == inf else degrees * np.expm1(-2 / degrees * logs)
    return squared
