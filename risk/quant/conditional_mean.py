"""What several numbers are on average in the scenarios whose loss is near a given one."""

import numpy as np

from risk.quant.streams import Array


class ConditionalMean:
    """E[numbers | loss = `at`] by local linear regression on the loss, over the scenarios within `width` of it.

    With the Epanechnikov kernel (Fan and Gijbels, 1996, Local Polynomial Modelling, § 2.3). A line through the
    scenarios is right where they lie to one side of the loss, as in a tail; and gains that add up to −loss in every
    scenario add up to −`at` here, so that nothing is left to spread.
    """

    def __init__(self, at: float, width: float, units: Array) -> None:
        """`units` (n,): what the numbers are multiplied by."""
        self._at, self._width, self._units = at, width, units
        self._moments = np.zeros(3)
        self._level, self._slope, self._squares = np.zeros((3, len(units)))

    def add(self, losses: Array, numbers: Array, weights: Array | None = None) -> None:
        """Scenarios with their losses (rows,), the numbers (rows, n) and, when they have some, weights (rows,)."""
        distances = losses - self._at
        near = np.flatnonzero(np.abs(distances) < self._width)
        if not len(near):
            return
        rows, away = numbers[near], distances[near] / self._width
        kernel = 1 - away**2
        if weights is not None:
            kernel = kernel * weights[near]
        self._moments += kernel.sum(), kernel @ away, kernel @ away**2
        self._level += kernel @ rows
        self._slope += (kernel * away) @ rows
        self._squares += kernel @ rows**2

    @property
    def mean(self) -> Array | None:
        """(n,); None when no scenario was near."""
        whole, first, second = self._moments
        determinant = whole * second - first**2
        if whole <= 0:
            return None
        if determinant <= 1e-9 * whole**2:  # all at one loss: there is no line through them
            return self._level / whole * self._units
        line: Array = (second * self._level - first * self._slope) / determinant
        return line * self._units

    @property
    def variance(self) -> Array:
        """(n,) of the numbers around their mean in those scenarios."""
        whole = max(self._moments[0], 1e-300)
        spread: Array = np.maximum(self._squares / whole - (self._level / whole) ** 2, 0.0)
        return spread * self._units**2


def nearest(losses: Array, at: float, count: int) -> float:
    """Within how much of the loss `at` the `count` nearest of all losses lie."""
    distances = np.abs(losses - at)
    last = min(count, len(distances)) - 1
    return max(float(np.partition(distances, last)[last]) * (1 + 1e-9), 1e-12 * max(abs(at), 1e-300))
