"""DAQP, a dual active-set solver (Arnström, Bemporad and Axehill 2022): which limits hold with equality at the best.

It ends at a corner, where an interior-point method stops near it, and starts from the last one when only bounds have
moved. It is 1 MB without dependencies; cvxpy with its solvers is 130 MB and takes 0.3 s to import.
"""

from typing import Any, Final

import daqp
import numpy as np

from risk.quant.optimization.corner import Corner, Limited
from risk.quant.streams import Array

# Its own tolerances take the return sought for a multiple of the sum of the weights, and refuse, as soon as one
# volatility is 30,000 times another's; with these a million times.
_TOLERANCES: Final = {"dual_tol": 1e-12, "zero_tol": 1e-14, "sing_tol": 1e-14}
# Where some mix has no risk, it solves with a little added to each variance, again and again until that is gone.
_SINGULAR: Final = {"eps_prox": 1e-6, "eta_prox": 1e-12}
_TIGHT: Final = 1e-10  # how far outside of a limit, where variables are near 1
_NO_BOUND: Final = 1e30  # DAQP's word for infinity
_EQUALITY: Final = 5
_INFEASIBLE: Final = -1


class Solver:
    """Minimises the variance of `limited`, whose bounds may move."""

    def __init__(self, limited: Limited, size_of_variables: float = 1.0) -> None:
        size = len(limited.correlations)
        sense = np.zeros(len(limited.least), dtype=np.intc)
        sense[size:][limited.least[size:] == limited.most[size:]] = _EQUALITY
        self.last = np.ones(size)  # the variables that the last attempt came to, also one that found nothing
        self._model: Any = daqp.Model()
        tolerances = _TOLERANCES | {"primal_tol": _TIGHT * max(1.0, size_of_variables)}
        self._model.settings = tolerances | (_SINGULAR if limited.singular else {})
        least, most = _bounds(limited)
        self._ready = self._model.setup(limited.correlations, np.zeros(size), limited.rows, most, least, sense)[0] >= 0

    def move(self, limited: Limited) -> None:
        """Takes the bounds of `limited`, which is as before otherwise."""
        if self._ready:
            least, most = _bounds(limited)
            self._model.update(bupper=most, blower=least)

    def solve(self) -> Corner | None:
        """None when no variables keep to the limits, or rounding makes it look so."""
        if not self._ready:
            return None
        variables, _, flag, told = self._model.solve()
        if not np.isfinite(variables).all():
            return None
        self.last = np.array(variables)
        multipliers = np.asarray(told["lam"])
        return None if flag == _INFEASIBLE else Corner(variables, multipliers, np.sign(multipliers).astype(int))


def _bounds(limited: Limited) -> tuple[Array, Array]:
    return np.maximum(limited.least, -_NO_BOUND), np.minimum(limited.most, _NO_BOUND)
