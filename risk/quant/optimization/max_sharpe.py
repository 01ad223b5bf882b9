"""The weights of the highest Sharpe ratio, the tangency portfolio.

Solved for y = κ w whose excess return is given, with every limit times κ, the sum of y (Cornuejols and Tütüncü 2007,
§ 8.2): least variance of y is the highest ratio of w.
"""

from dataclasses import replace
from typing import Final

import numpy as np

from risk.quant.optimization.assets import Assets
from risk.quant.optimization.infeasible import Infeasible, explain, highest_return
from risk.quant.optimization.limits import Limits
from risk.quant.optimization.minimum_variance import minimum_variance
from risk.quant.optimization.program import Found, NoWeights, Program
from risk.quant.streams import Array

_NOTHING: Final = 1e-9  # of the positions' size: y that adds up to less adds up to 0 but for rounding


def max_sharpe(assets: Assets, limits: Limits, risk_free: float) -> Found:
    """The weights of the highest (return − riskless rate) / deviation; raises `Infeasible`."""
    best, _ = highest_return(assets, limits)
    if best <= risk_free:
        raise Infeasible(
            f"risk_free_rate: no weights within the limits return more than it; {best:.6g} is the most they can"
        )
    try:
        found = _scaled(assets, limits, risk_free, best).solve()
    except NoWeights:
        raise Infeasible(explain(assets, limits)) from None
    total = float(found.weights.sum())
    if total <= _NOTHING * float(np.abs(found.weights).sum()):
        raise Infeasible(_unattained(assets, limits, risk_free, assets.deviation(found.weights) == 0))
    weights = np.clip(found.weights / total, limits.lowest, limits.highest)
    return replace(found, weights=weights, free=found.free & (weights > limits.lowest) & (weights < limits.highest))


def _scaled(assets: Assets, limits: Limits, risk_free: float, best: float) -> Program:
    size = len(assets.returns)
    excess, total = assets.returns - risk_free, np.ones(size)
    groups, least, most = limits.of_groups(size)
    rows: list[Array] = [excess[None], total[None]]
    for row, low, high in zip(groups, least, most, strict=True):
        rows += [(row - high)[None]] if np.isfinite(high) else []
        rows += [(low - row)[None]] if np.isfinite(low) else []
    if np.isfinite(limits.highest):
        rows.append(np.eye(size) - limits.highest)
    if np.isfinite(limits.lowest) and limits.lowest != 0:
        rows.append(limits.lowest - np.eye(size))
    stacked = np.vstack(rows)
    nought = np.zeros(len(stacked) - 2)
    given = best - risk_free if np.isfinite(best) else float(np.abs(excess).max())  # any: near 1 the variables are too
    own = (0.0 if limits.lowest == 0 else -np.inf, np.inf)
    return Program(assets, own, stacked, np.r_[given, 0.0, nought - np.inf], np.r_[given, np.inf, nought])


def _unattained(assets: Assets, limits: Limits, risk_free: float, without_risk: bool) -> str:
    if without_risk:
        return (
            f"risk_free_rate {risk_free:g}: some assets hedge each other to no risk and a return above it, so that "
            "with short sales of any size the Sharpe ratio has no highest value; give max_weight or min_weight"
        )
    least = float(assets.returns @ minimum_variance(assets, limits).weights)
    if risk_free >= least:
        cause, way = (
            f"{risk_free:g} is not below {least:.6g}, the return of the least risky weights",
            "lower the rate, or ",
        )
    else:
        cause, way = f"{risk_free:g} and the groups", "ease the groups, lower the rate, or "
    return (
        f"risk_free_rate {cause}: with short sales of any size the Sharpe ratio rises without end and no weights have "
        f"the highest; {way}give max_weight or min_weight"
    )
