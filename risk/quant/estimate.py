"""Means of simulated samples, with their errors: of independent scenarios with control variates, or of replications."""

from dataclasses import dataclass
from math import inf, sqrt
from typing import Final

import numpy as np
from scipy.special import stdtrit

from risk.quant.intervals import Z_95
from risk.quant.streams import Array

_DEGENERATE: Final = 1e-14


@dataclass(frozen=True)
class Estimate:
    """A mean and its standard error; half the 95 % interval is `half_width`."""

    value: float
    standard_error: float
    half_width: float
    bounds: tuple[float, float] = (-inf, inf)  # of what can be true
    hits: float = inf  # samples that carry the error

    @property
    def interval(self) -> tuple[float, float]:
        low, high = self.bounds
        return max(low, self.value - self.half_width), min(high, self.value + self.half_width)

    def within(self, relative: float) -> bool:
        return self.half_width <= relative * abs(self.value)


class Hits:
    """How many samples carry the error of each column: as many as a rare event of the same skewness would have hits.

    The smaller of (Σ x²)³ / (Σ x³)² and 4 (Σ x²)² / Σ x⁴, about the first samples' mean. An interval of ± 1.96 standard
    errors loses coverage with the squared skewness over the number of samples, which is 1 / the first, and less with
    the kurtosis over it; the second alone sees rare samples of both signs.
    """

    def __init__(self) -> None:
        self._centre: Array | None = None

    def add(self, samples: Array) -> None:
        """Samples (rows, columns)."""
        if self._centre is None:
            self._centre, deviation = samples.mean(axis=0), samples.std(axis=0)
            self._scale = np.where(deviation > 0, deviation, 1.0)
            self._sums = np.zeros((3, samples.shape[1]))
        scaled = (samples - self._centre) / self._scale
        squares = scaled * scaled
        self._sums += [squares.sum(axis=0), *(np.einsum("ij,ij->j", squares, each) for each in (scaled, squares))]

    @property
    def counts(self) -> Array:
        """None (0) when all samples are 0, and infinitely many when they are all alike but not 0."""
        squares, cubes, fourths = self._sums
        alike = np.where(self._centre == 0, 0.0, np.inf)
        with np.errstate(divide="ignore", invalid="ignore"):
            counts: Array = np.minimum(squares**3 / cubes**2, 4 * squares**2 / fourths)
        return np.where(squares > 0, counts, alike)


class Moments:
    """Count, means and cross products of the columns of samples that come chunk by chunk (Chan et al. 1979)."""

    def __init__(self, columns: int) -> None:
        self.count = 0
        self.means = np.zeros(columns)
        self.products = np.zeros((columns, columns))

    def add(self, samples: Array) -> None:
        """Samples (rows, columns)."""
        rows = len(samples)
        means = samples.mean(axis=0)
        centred = samples - means
        shift = means - self.means
        total = self.count + rows
        self.products += centred.T @ centred + np.outer(shift, shift) * (self.count * rows / total)
        self.means = self.means + shift * (rows / total)
        self.count = total

    def estimates(self, expected: Array) -> list[Estimate]:
        """One for each column before the controls, which are the last columns and have `expected` means.

        Each is mean − β · (mean of controls − their expectation), β by least squares from the same samples: a bias of
        order 1 / n against an error of 1 / √n.
        """
        slopes = self.slopes(expected)
        wanted = slopes.shape[1]
        values = self.means[:wanted] - (self.means[wanted:] - expected) @ slopes
        residual = np.diag(self.products)[:wanted] - np.einsum("ij,ij->j", self.products[wanted:, :wanted], slopes)
        freedom = max(1, self.count - 1 - len(expected))
        errors = np.sqrt(np.maximum(residual, 0.0) / freedom / self.count)
        return [Estimate(float(v), float(e), Z_95 * float(e)) for v, e in zip(values, errors, strict=True)]

    def slopes(self, expected: Array) -> Array:
        """β (controls, other columns); 0 for a control that does not vary."""
        wanted = len(self.means) - len(expected)
        within, across = self.products[wanted:, wanted:], self.products[wanted:, :wanted]
        kept = np.diag(within) > _DEGENERATE * (1 + self.means[wanted:] ** 2) * self.count
        scale = np.sqrt(np.diag(within)[kept])
        normed = within[np.ix_(kept, kept)] / np.outer(scale, scale)
        beta = np.zeros_like(across)
        beta[kept] = np.linalg.lstsq(normed, across[kept] / scale[:, None], rcond=1e-10)[0] / scale[:, None]
        return beta


def of_replications(means: Array) -> list[Estimate]:
    """From the means (replications, columns) of independent replications, by Student's t."""
    replications = len(means)
    t = float(stdtrit(replications - 1, 0.975))
    errors = means.std(axis=0, ddof=1) / sqrt(replications)
    return [Estimate(float(v), float(e), t * float(e)) for v, e in zip(means.mean(axis=0), errors, strict=True)]
