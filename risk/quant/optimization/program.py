"""Least variance of weights under linear limits, with the proof that it is the least."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from risk.quant.optimization.assets import Assets
from risk.quant.optimization.corner import Corner, Limited
from risk.quant.optimization.solver import Solver
from risk.quant.streams import Array

_TINIEST: Final = 1e-100  # of the highest volatility; one below it is taken for this: its square must be above 0
# The same for programs that are easier, and the share of a row by which its limits give way there: rounding refuses
# what leaves one corner alone, and takes two limits for one where volatilities are far apart.
_EASIER: Final = ((1e-100, 1e-6), (1e-6, 1e-6), (1e-4, 1e-5), (1e-2, 1e-4))
_LIKELY: Final = 1e-6  # the same for weights that are told as not proved to be the best


class NoWeights(ValueError):
    """No weights keep to all limits."""


@dataclass(frozen=True)
class Found:
    """`weights` (n,); whether they are proved to be the best; which are not held by a bound (bool, n)."""

    weights: Array
    certain: bool
    free: NDArray[np.bool_]


class Program:
    """Minimises the variance of weights (n,) with `low` ≤ weights ≤ `high` and `least` ≤ rows @ weights ≤ `most`.

    It is solved for weights times volatilities, whose covariance is the correlations: the scale of the volatilities,
    also of one beside another, does not matter. Rows are scaled too.
    """

    def __init__(self, assets: Assets, bounds: tuple[float, float], rows: Array, least: Array, most: Array) -> None:
        self._assets, self._bounds, self._rows = assets, bounds, rows
        self._least, self._most = least.astype(float), most.astype(float)
        self._scale, self._limited = self._scaled(_TINIEST)
        self._solver = Solver(self._limited)

    def at_least(self, row: int, value: float) -> None:
        """Moves the lower bound of a row; the next solution starts from the last."""
        self._least[row] = value
        self._scale, self._limited = self._scaled(_TINIEST)
        self._solver.move(self._limited)

    def solve(self, pause: Callable[[], None] = lambda: None) -> Found:
        """Calls `pause` before each attempt after the first; raises `NoWeights`."""
        likely: Corner | None = None
        for attempt, (solver, own_limits) in enumerate(self._solvers()):
            if attempt:
                pause()
            found = solver.solve()
            if found is None:
                continue
            exact = self._limited.corner(found.held)
            for corner in [corner for corner in (exact, found if own_limits else None) if corner is not None]:
                if self._limited.proves(corner):
                    return self._told(corner, True)
                if likely is None and self._limited.keeps(corner.variables, _LIKELY):
                    likely = corner
        if likely is None:
            raise NoWeights
        return self._told(likely, False)

    def _solvers(self) -> Iterator[tuple[Solver, bool]]:
        """From the last solution; then afresh, with a tolerance that fits the size of what the first came to; then
        easier programs, whose limits that hold with equality are most often the same: the corner there is exact again.
        """
        yield self._solver, True
        last = self._solver.last
        self._solver = Solver(self._limited, float(np.abs(last).max()))
        yield self._solver, True
        for tiniest, share in _EASIER:
            scale, closer = self._scaled(tiniest)
            yield Solver(closer.eased(last * self._scale / scale, share)), False

    def _scaled(self, tiniest: float) -> tuple[Array, Limited]:
        """What variables are multiplied by to become weights, and the program for the variables."""
        volatilities = np.maximum(self._assets.volatilities / self._assets.volatilities.max(), tiniest)
        scale = volatilities.min() / volatilities
        rows = self._rows * scale
        norms = np.abs(rows).max(axis=1)
        least = np.r_[self._bounds[0] / scale, self._least / norms]
        most = np.r_[self._bounds[1] / scale, self._most / norms]
        singular = self._assets.singular
        return scale, Limited(self._assets.correlations, rows / norms[:, None], least, most, volatilities, singular)

    def _told(self, corner: Corner, certain: bool) -> Found:
        low, high = self._bounds
        held = corner.held[: len(self._scale)]
        weights = np.clip(corner.variables * self._scale, low, high)
        if certain:
            weights = np.where(held < 0, low, np.where(held > 0, high, weights))
        weights += 0.0  # no −0.0
        return Found(weights, certain, held == 0)
