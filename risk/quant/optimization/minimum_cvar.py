"""The weights of least conditional value at risk over observed returns (Rockafellar and Uryasev 2000, J. of Risk 2(3)).

Solved as the dual of their linear program, by HiGHS in scipy: it has a row for each asset and limit in place of one for
each period, which is two to ten times as fast, and its multipliers are the weights.
"""

from typing import Final

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csc_array, eye_array, hstack, vstack

from risk.quant.optimization.assets import Assets
from risk.quant.optimization.infeasible import Infeasible, explain
from risk.quant.optimization.limits import Limits
from risk.quant.optimization.program import Found
from risk.quant.streams import Array

_TOLERANCES: Final = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
_PROVED: Final = 1e-7  # relative gap between what the weights risk and what none can be below
_OPTIMAL, _INFEASIBLE, _UNBOUNDED = 0, 2, 3


def cvar(returns: Array, confidence: float) -> float:
    """The mean loss of the worst 1 − confidence of the periods, of returns (periods,) of equal weight, above 0 a loss.

    The period at the edge of the tail counts with the part of it that is in (Rockafellar and Uryasev 2002, prop. 8).
    """
    tail = (1 - confidence) * len(returns)
    whole = int(tail)
    worst = np.sort(returns)[: whole + 1]
    edge = (tail - whole) * worst[-1] if len(worst) > whole else 0.0
    return -float(worst[:whole].sum() + edge) / tail + 0.0  # no −0.0


def minimum_cvar(
    assets: Assets, history: Array, limits: Limits, confidence: float, target_return: float | None = None
) -> Found:
    """Of history (periods, n), within the limits, and of the return sought if there is one; raises `Infeasible`."""
    periods, size = history.shape
    unit = float(np.abs(history).max()) or 1.0
    rows, least, most = _limits(assets, limits, target_return)
    has_least, has_most = np.isfinite(least), np.isfinite(most)
    scenarios = csc_array(history.T / unit)
    ones = csc_array(np.ones((size, 1)))
    # Rᵀ p + ν 1 − rowsᵀ upper + rowsᵀ lower = 0: the Lagrangian is level in the weights, which are the multipliers.
    level = hstack([scenarios, ones, -rows[has_most].T, rows[has_least].T], format="csc")
    worth = np.r_[np.zeros(periods), 1.0, -most[has_most], least[has_least]]
    sums = csc_array(np.r_[np.ones(periods), np.zeros(level.shape[1] - periods)][None])
    tail = 1 / ((1 - confidence) * periods)
    others = [(None, None)] + [(0.0, None)] * (level.shape[1] - periods - 1)
    found = linprog(
        -worth,
        A_eq=vstack([level, sums], format="csc"),
        b_eq=np.r_[np.zeros(size), 1.0],
        bounds=[(0.0, tail)] * periods + others,
        options=_TOLERANCES,
    )
    if found.status == _UNBOUNDED:
        raise Infeasible(explain(assets, limits, target_return))
    if found.status != _OPTIMAL:
        raise Infeasible(
            "long_only: with short sales of any size and as many assets as bad periods there is no least loss; "
            "give max_weight and min_weight, or more periods"
        )
    weights = np.clip(-found.eqlin.marginals[:size], limits.lowest, limits.highest) + 0.0
    weights = np.where(np.abs(weights) < 1e-12, 0.0, weights)
    risk, bound = cvar(history @ weights / unit, confidence), -found.fun
    free = (weights > limits.lowest) & (weights < limits.highest)
    return Found(weights, abs(risk - bound) <= _PROVED * max(abs(bound), 1e-3), free)


def _limits(assets: Assets, limits: Limits, target_return: float | None) -> tuple[csc_array, Array, Array]:
    """Sparse rows (m, n) of weights, of groups and of the return, and the least and the most (m,) they may come to."""
    size = len(assets.returns)
    groups, least, most = limits.of_groups(size)
    rows = [eye_array(size), csc_array(groups)]
    lows, highs = [np.full(size, limits.lowest), least], [np.full(size, limits.highest), most]
    if target_return is not None:
        unit = float(np.abs(assets.returns).max()) or 1.0
        rows.append(csc_array((assets.returns / unit)[None]))
        lows.append(np.array([target_return / unit]))
        highs.append(np.array([np.inf]))
    return csc_array(vstack(rows)), np.concatenate(lows), np.concatenate(highs)
