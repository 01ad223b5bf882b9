"""The correlation matrix nearest to a symmetric one that no returns can have, in the Frobenius norm.

Qi and Sun 2006, "A quadratically convergent Newton method for computing the nearest correlation matrix", SIAM J.
Matrix Anal. Appl. 28(2), with the preconditioner of Borsdorf and Higham 2010, IMA J. Numer. Anal. 30(1): what NAG's
g02aa does. 500 rows take some seven decompositions, half a second; Higham's alternating projections (2002) take
hundreds of them.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from risk.quant.checkpoint import Checkpoint, Progress, unobserved
from risk.quant.streams import Array

_TOLERANCE: Final = 1e-10  # of the diagonal, which is set to exactly 1 afterwards
_STEPS: Final = 200
_HALVINGS: Final = 30
_CONJUGATE: Final = 200


@dataclass(frozen=True)
class _Dual:
    """Matrix + diag(shift), its eigenvalues, and the dual function with its gradient at the shift."""

    shift: Array
    eigenvalues: Array
    vectors: Array

    @classmethod
    def at(cls, matrix: Array, shift: Array) -> "_Dual":
        return cls(shift, *np.linalg.eigh(matrix + np.diag(shift)))

    @property
    def value(self) -> float:
        positive = np.maximum(self.eigenvalues, 0.0)
        return float(positive @ positive) / 2 - float(self.shift.sum())

    @property
    def gradient(self) -> Array:
        """What the diagonal of the positive part is beyond 1."""
        beyond: Array = self.vectors**2 @ np.maximum(self.eigenvalues, 0.0) - 1
        return beyond

    @property
    def positive_part(self) -> Array:
        part: Array = (self.vectors * np.maximum(self.eigenvalues, 0.0)) @ self.vectors.T
        return part


def nearest_correlation(matrix: Array, checkpoint: Checkpoint = unobserved) -> Array:
    """The positive semidefinite matrix with ones on its diagonal nearest to a symmetric `matrix` (n, n)."""
    now = _Dual.at(matrix, 1 - np.diag(matrix))
    for _ in range(_STEPS):
        if np.abs(now.gradient).max() <= _TOLERANCE:
            break
        checkpoint(Progress(0.0))
        now = _step(matrix, now, checkpoint)
    found = now.positive_part
    deviations = np.sqrt(np.diag(found))
    found = found / deviations[:, None] / deviations
    np.fill_diagonal(found, 1.0)
    return np.clip((found + found.T) / 2, -1.0, 1.0)


def _step(matrix: Array, now: _Dual, checkpoint: Checkpoint) -> _Dual:
    """A Newton step, halved until the dual function falls as far as Armijo asks for."""
    direction = _newton_direction(now, checkpoint)
    slope = float(now.gradient @ direction)
    length = 1.0
    for _ in range(_HALVINGS):
        then = _Dual.at(matrix, now.shift + length * direction)
        # Near the end the values agree to the last digit, and only the gradient tells which is better.
        falls = then.value <= now.value + 1e-4 * length * slope
        if falls or np.linalg.norm(then.gradient) <= 0.5 * np.linalg.norm(now.gradient):
            return then
        checkpoint(Progress(0.0))
        length /= 2
    return then


def _newton_direction(now: _Dual, checkpoint: Checkpoint) -> Array:
    """Solves V d = −gradient by conjugate gradients; V h = diag(P (W ∘ (Pᵀ diag(h) P)) Pᵀ), Qi and Sun's (3.6)."""
    above = now.eigenvalues > 0
    upper, lower = now.vectors[:, above], now.vectors[:, ~above]
    most, least = now.eigenvalues[above], now.eigenvalues[~above]
    ratios = most[:, None] / (most[:, None] - least)
    squares = upper**2
    preconditioner = squares.sum(axis=1) ** 2 + 2 * np.sum((squares @ ratios) * lower**2, axis=1)
    preconditioner = np.maximum(preconditioner, 1e-8)

    def applied(h: Array) -> Array:
        scaled = upper.T * h
        within = np.sum((upper @ (scaled @ upper)) * upper, axis=1)
        across = np.sum((upper @ (ratios * (scaled @ lower))) * lower, axis=1)
        curved: Array = within + 2 * across + 1e-10 * h
        return curved

    rest = -now.gradient
    size = float(np.linalg.norm(rest))
    direction, conditioned = np.zeros_like(rest), rest / preconditioner
    search, product = conditioned, float(rest @ conditioned)
    for _ in range(_CONJUGATE):
        if np.linalg.norm(rest) <= 0.1 * min(0.1, size) * size:
            break
        checkpoint(Progress(0.0))
        curved = applied(search)
        length = product / float(search @ curved)
        direction, rest = direction + length * search, rest - length * curved
        conditioned = rest / preconditioner
        product, before = float(rest @ conditioned), product
        search = conditioned + product / before * search
    return direction
