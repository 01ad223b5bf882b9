"""Means of simulated samples, with their errors: of independent scenarios with control variates, or of replications."""

from dataclasses import dataclass
from math import sqrt
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

    @property
    def interval(self) -> tuple[float, float]:
        return self.value - self.half_width, self.value + self.half_width

    def within(self, relative: float) -> bool:
        return self.half_width <= relative * abs(self.value)


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
        wanted = len(self.means) - len(expected)
        within, across = self.products[wanted:, wanted:], self.products[wanted:, :wanted]
        kept = np.diag(within) > _DEGENERATE * (1 + self.means[wanted:] ** 2) * self.count
        scale = np.sqrt(np.diag(within)[kept])
        normed = within[np.ix_(kept, kept)] / np.outer(scale, scale)
        beta = np.linalg.lstsq(normed, across[kept] / scale[:, None], rcond=1e-10)[0] / scale[:, None]
        values = self.means[:wanted] - (self.means[wanted:] - expected)[kept] @ beta
        residual = np.diag(self.products)[:wanted] - np.einsum("ij,ij->j", across[kept], beta)
        freedom = max(1, self.count - 1 - int(kept.sum()))
        errors = np.sqrt(np.maximum(residual, 0.0) / freedom / self.count)
        return [Estimate(float(v), float(e), Z_95 * float(e)) for v, e in zip(values, errors, strict=True)]


def of_replications(means: Array) -> list[Estimate]:
    """From the means (replications, columns) of independent replications, by Student's t."""
    replications = len(means)
    t = float(stdtrit(replications - 1, 0.975))
    errors = means.std(axis=0, ddof=1) / sqrt(replications)
    return [Estimate(float(v), float(e), t * float(e)) for v, e in zip(means.mean(axis=0), errors, strict=True)]
