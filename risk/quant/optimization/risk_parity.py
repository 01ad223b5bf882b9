"""The weights above 0 with which every asset contributes its budget to the portfolio's risk (Maillard et al. 2010).

Maillard, Roncalli and Teiletche, "The properties of equally weighted risk contribution portfolios", J. Portfolio
Management 36(4). Found as the minimum of ½ zᵀCz − Σ b log z over z = weights times volatilities, which is convex
(Spinu 2013, "An algorithm for computing risk parity weights", SSRN 2297383): Newton's steps, a Cholesky factor each.
"""

from typing import Final

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from risk.quant.optimization.assets import Assets
from risk.quant.optimization.infeasible import Infeasible
from risk.quant.optimization.program import Found
from risk.quant.streams import Array

_STEPS: Final = 500
_NEAR: Final = 1e-12  # relative: what a contribution may be off its budget, but for rounding
_UNTOLD: Final = 1e-6  # the same where rounding makes it so: beyond, the risk that is left cannot be told from none
_MOST_SPREAD: Final = 1e9  # of volatilities: a weight below one in a thousand million is none
_SURE: Final = 0.5  # a step that changes no variable by more of itself lowers the function whole


def risk_parity(assets: Assets, budgets: Array) -> Found:
    """Weights (n,) for budgets (n,) above 0, of which only the proportions count; raises `Infeasible`.

    Where assets can hedge each other to no risk with weights above 0, contributions are not defined.
    """
    spread = assets.volatilities.max() / assets.volatilities.min()
    if not spread <= _MOST_SPREAD:
        raise Infeasible(
            f"risk_parity: one volatility is {spread:.3g} times another, so that the riskier asset would have a weight "
            "of nothing; leave out the one without risk, or that with all of it"
        )
    shares = budgets / budgets.sum()
    sizes = _balanced(assets.correlations, shares)
    relative = sizes / (assets.volatilities / assets.volatilities.min())
    return Found(relative / relative.sum(), True, np.ones(len(shares), dtype=bool))


def _balanced(correlations: Array, shares: Array) -> Array:
    """z (n,) with z ∘ (C z) = shares."""
    magnitudes, rounding = np.abs(correlations), 4 * float(np.finfo(float).eps)
    sizes: Array = np.sqrt(shares)
    for _ in range(_STEPS):
        marginal = correlations @ sizes
        off = np.abs(sizes * marginal / shares - 1)
        untold = rounding * sizes * (magnitudes @ sizes) / shares
        if untold.max() > _UNTOLD:
            break
        if (off <= _NEAR + untold).all():
            return sizes
        try:
            step = cho_solve(cho_factor(correlations + np.diag(shares / sizes**2)), marginal - shares / sizes)
        except np.linalg.LinAlgError:
            break
        # With d the largest change of a variable by itself, 1 / (1 + d) of the step lowers the function: its third
        # derivative along the step is at most 2 d times the second.
        largest = float(np.abs(step / sizes).max())
        sizes = sizes - step / (1.0 if largest <= _SURE else 1 + largest)
    raise Infeasible(
        "risk_parity: some assets hedge each other to no risk, or to less than rounding can tell, so that no weights "
        "share it by the budgets; leave one of them out"
    )


def contributions(assets: Assets, weights: Array) -> Array:
    """Each asset's share (n,) in the variance; they add up to 1."""
    risks = weights * (assets.volatilities / assets.volatilities.max())
    parts = risks * (assets.correlations @ risks)
    shares: Array = parts / parts.sum()
    return shares
