"""What can be bought: expected returns, volatilities and correlations, and the deviation of a mix of them."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from risk.quant.streams import Array

# A portfolio whose variance is below this share of what it were without any hedging has none that the numbers can
# tell: correlations are known to 1e-16, and as many of them are added up as there are assets.
_ROUNDING: Final = 8 * float(np.finfo(float).eps)


@dataclass(frozen=True)
class Assets:
    """Expected returns (n,) of a year, volatilities (n,) above 0, and correlations (n, n), positive semidefinite."""

    returns: Array
    volatilities: Array
    correlations: Array

    def deviation(self, weights: Array) -> float:
        """The standard deviation of a year's return; 0 when it is no more than rounding."""
        unit = float(self.volatilities.max())
        risks = weights * (self.volatilities / unit)
        variance = float(risks @ self.correlations @ risks)
        unhedged = float(np.abs(risks).sum()) ** 2
        return unit * variance**0.5 if variance > _ROUNDING * len(weights) * unhedged else 0.0

    @cached_property
    def singular(self) -> bool:
        """Whether some mix of the assets has no risk, or none that the numbers can tell."""
        try:
            pivots = np.diag(np.linalg.cholesky(self.correlations)) ** 2
        except np.linalg.LinAlgError:
            return True
        return bool(pivots.min() < _ROUNDING * len(pivots))

    def alike(self, weights: Array, free: NDArray[np.bool_], kept: list[Array]) -> bool:
        """Whether other weights may have the same deviation and the same sums `kept` (each (n,)), when those that are
        not `free` (bool, n) stay as they are."""
        if not self.singular or not free.any():
            return False
        held = np.flatnonzero(free)
        rows = [self.correlations[:, held] * self.volatilities[held] / self.volatilities.max()]
        rows += [(row / max(np.abs(row).max(), 1e-300))[None, held] for row in kept]
        return bool(np.linalg.matrix_rank(np.vstack(rows), tol=1e-9) < len(held))
