"""The weights at which given limits hold with equality, to the last digit, and the proof that none have less variance.

A solver says which limits hold with equality; what follows from that is a system of linear equations, solved here
without the solver's tolerances. All is said of variables (n,) whose covariance is their correlations, and of limits
(n + m,): n bounds of the variables, then m rows.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lstsq

from risk.quant.streams import Array

_CERTIFIED: Final = 1e-7  # relative gap between the variance and what none can be below
_HEDGED: Final = 1e-12  # the same of what the variance were without hedging: a riskless mix has none to compare with
_ROUNDING: Final = 1e-13  # of what is added up


@dataclass(frozen=True)
class Corner:
    """Variables (n,), the multipliers (n + m,) of their limits, and which of these hold with equality: −1 where the
    least does, whose multiplier is not above 0, 1 where the most does."""

    variables: Array
    multipliers: Array
    held: NDArray[np.int_]


@dataclass(frozen=True)
class Limited:
    """Least variance of variables with `least` ≤ (variables, rows @ variables) ≤ `most`, each (n + m,)."""

    correlations: Array
    rows: Array
    least: Array
    most: Array
    sizes: Array  # (n,) of 1 and below; what is of one size as a weight is as a variable times this
    singular: bool

    def eased(self, variables: Array, share: float) -> "Limited":
        """The same with rows that need not be equal to something giving way by a share of their reach."""
        size = len(self.correlations)
        give = np.where(self.least == self.most, 0.0, share * self.reach(variables))
        give[:size] = 0.0
        return replace(self, least=self.least - give, most=self.most + give)

    def corner(self, held: NDArray[np.int_]) -> Corner | None:
        """Where the limits with −1 in `held` (n + m,) are at their least and those with 1 at their most."""
        size = len(self.correlations)
        free, rows = np.flatnonzero(held[:size] == 0), np.flatnonzero(held[size:])
        bounds = np.where(held > 0, self.most, self.least)
        if not np.isfinite(bounds[held != 0]).all():
            return None
        variables = np.where(held[:size] == 0, 0.0, bounds[:size])
        active = self.rows[rows][:, free] * self.sizes[free]
        norms = np.abs(active).max(axis=1, initial=1e-300)
        active /= norms[:, None]
        count = len(free)
        system = np.zeros((count + len(rows), count + len(rows)))
        system[:count, :count] = self.correlations[np.ix_(free, free)] * self.sizes[free] * self.sizes[free][:, None]
        system[:count, count:], system[count:, :count] = active.T, active
        pull = -(self.correlations[free] @ variables) * self.sizes[free]
        known = np.r_[pull, (bounds[size:][rows] - self.rows[rows] @ variables) / norms]
        solved = _solved(system, known, self.singular)
        if solved is None:
            return None
        variables[free] = solved[:count] * self.sizes[free]
        multipliers = np.zeros(len(held))
        multipliers[size + rows] = solved[count:] / norms
        taken = held[:size] != 0
        multipliers[:size][taken] = -(self.correlations @ variables + multipliers[size:] @ self.rows)[taken]
        return Corner(variables, multipliers, held)

    def proves(self, corner: Corner) -> bool:
        """Whether the limits hold, and the multipliers bound the variance from below by what it is."""
        size, variables, multipliers = len(self.correlations), corner.variables, corner.multipliers
        gradient = self.correlations @ variables
        variance, unhedged = float(variables @ gradient), float(np.abs(variables).sum())
        deviation = max(variance, 0.0) ** 0.5
        rest = gradient + multipliers[:size] + multipliers[size:] @ self.rows
        bounds = np.where(multipliers > 0, self.most, self.least)
        gap = variance + float(multipliers[multipliers != 0] @ bounds[multipliers != 0])
        return bool(
            np.abs(rest).max() <= _CERTIFIED * deviation + _HEDGED * unhedged
            and abs(gap) <= _CERTIFIED * variance + _HEDGED * unhedged**2
            and self.keeps(variables, 1e-9)
        )

    def keeps(self, variables: Array, share: float) -> bool:
        """Whether the limits hold but for that share of them, and for rounding."""
        sums = np.r_[variables, self.rows @ variables]
        outside = np.maximum(sums - self.most, self.least - sums)
        limits = np.where(sums > self.most, self.most, np.where(sums < self.least, self.least, 0.0))
        return bool((outside <= share * np.abs(limits) + _ROUNDING * self.reach(variables)).all())

    def reach(self, variables: Array) -> Array:
        """(n + m,): what each limited sum would be if nothing in it had the other sign; never 0."""
        unhedged = float(np.abs(variables).sum())
        rows = np.abs(self.rows) @ np.abs(variables)
        reached: Array = np.r_[np.full(len(variables), unhedged), rows + 1e-3 * unhedged] + 1e-300
        return reached


def _solved(system: Array, known: Array, singular: bool) -> Array | None:
    """The shortest solution where there are many; None where there is none."""
    if singular:
        shortest: Array = lstsq(system, known, lapack_driver="gelsy")[0]
        return shortest
    try:
        return np.asarray(np.linalg.solve(system, known), dtype=np.float64)
    except np.linalg.LinAlgError:
        return None
