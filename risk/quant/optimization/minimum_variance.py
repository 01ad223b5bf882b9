"""The weights of least variance, of all or of those that return what is sought (Markowitz 1952)."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from risk.quant.optimization.assets import Assets
from risk.quant.optimization.infeasible import Infeasible, explain
from risk.quant.optimization.limits import Limits
from risk.quant.optimization.program import Found, NoWeights, Program

RETURN = 1  # the row of `program` that holds the return sought


def program(assets: Assets, limits: Limits) -> Program:
    """Of weights that add up to 1 and keep to the limits; the return above the first asset's has no bound yet."""
    groups, least, most = limits.of_groups(len(assets.returns))
    above = assets.returns - assets.returns[0]  # weights add up to 1, so that no return is lost; small spreads stay
    rows = np.vstack([np.ones_like(above), above if above.any() else np.ones_like(above), groups])
    bounds = (limits.lowest, limits.highest)
    return Program(assets, bounds, rows, np.r_[1.0, -np.inf, least], np.r_[1.0, np.inf, most])


def solved(sought: Program, limits: Limits, pause: Callable[[], None] = lambda: None) -> Found:
    """The best of `program`, adding up to 1 to the last digit within the limits; raises `NoWeights`."""
    found = sought.solve(pause)
    return replace(found, weights=np.clip(found.weights / found.weights.sum(), limits.lowest, limits.highest))


def minimum_variance(assets: Assets, limits: Limits, target_return: float | None = None) -> Found:
    """The least variance of all weights, or of those whose expected return is at least the target.

    Raises `Infeasible`.
    """
    first = float(assets.returns[0])
    sought = program(assets, limits)
    try:
        if target_return is not None:
            if (assets.returns != first).any():
                sought.at_least(RETURN, target_return - first)
            elif target_return > first:
                raise NoWeights
        return solved(sought, limits)
    except NoWeights:
        raise Infeasible(explain(assets, limits, target_return)) from None
