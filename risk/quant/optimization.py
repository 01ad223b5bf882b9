"""The best weights of a portfolio: least variance, a return sought, or the highest Sharpe ratio, within limits.

Limits are written for weights that add up to κ, so that the same lines serve weights (κ = 1) and the scaled ones of
the highest Sharpe ratio (Cornuejols and Tütüncü 2007, § 8.2): y = κ w with y's excess return fixed at 1.
"""

from dataclasses import dataclass, field
from typing import Any, Final

import cvxpy
import numpy as np

from risk.quant.checkpoint import Checkpoint, Progress, unobserved
from risk.quant.streams import Array

_TIGHT: Final = {"tol_gap_abs": 1e-11, "tol_gap_rel": 1e-11, "tol_feas": 1e-11}
_SLACK: Final = 1e-6  # what a solver's rounding may leave of a constraint that holds


class Infeasible(ValueError):
    """No weights keep to all constraints; names those that cannot hold beside the others."""


@dataclass(frozen=True)
class Group:
    """How much the members (indices) may hold together."""

    name: str
    members: list[int]
    least: float | None = None
    most: float | None = None


@dataclass(frozen=True)
class Limits:
    """What the weights keep to beside adding up to 1."""

    long_only: bool = True
    least: float | None = None  # of each weight
    most: float | None = None
    groups: list[Group] = field(default_factory=list)


@dataclass(frozen=True)
class Assets:
    """Expected returns (n,) of a year, and a factor F (n, k) with F Fᵀ = their covariance."""

    returns: Array
    factor: Array

    def deviation(self, weights: Array) -> float:
        return float(np.linalg.norm(weights @ self.factor))


def minimum_variance(assets: Assets, limits: Limits, target_return: float | None = None) -> Array:
    """The weights of least variance, of those whose expected return is at least the target; raises `Infeasible`."""
    weights = cvxpy.Variable(len(assets.returns))
    wanted = _named(weights, 1.0, assets, limits, target_return)
    _solve(cvxpy.sum_squares(assets.factor.T @ weights), list(wanted.values()), assets, limits, target_return)
    return np.asarray(weights.value)


def max_sharpe(assets: Assets, limits: Limits, risk_free: float) -> Array:
    """The weights of the highest (return − riskless rate) / deviation; raises `Infeasible`."""
    scaled, kappa = cvxpy.Variable(len(assets.returns)), cvxpy.Variable(nonneg=True)
    best = float(assets.returns @ _highest_return(assets, limits))
    if best <= risk_free + _SLACK:
        raise Infeasible(
            f"risk_free_rate: no weights within the limits return more than it; {best:.6g} is the most they can"
        )
    excess = assets.returns @ scaled - risk_free * kappa
    wanted = [*_named(scaled, kappa, assets, limits, None).values(), excess == 1]
    _solve(cvxpy.sum_squares(assets.factor.T @ scaled), wanted, assets, limits, None)
    weights: Array = np.asarray(scaled.value) / float(kappa.value)
    return weights


def frontier(assets: Assets, limits: Limits, points: int, checkpoint: Checkpoint = unobserved) -> list[Array]:
    """Weights of least variance for returns from the least risky portfolio's to the highest there can be."""
    lowest = float(assets.returns @ minimum_variance(assets, limits))
    highest = float(assets.returns @ _highest_return(assets, limits))
    found = []
    for number, target in enumerate(np.linspace(lowest, highest, points)):
        # Slightly below the highest: the solver's rounding must not make the last point infeasible.
        found.append(minimum_variance(assets, limits, float(target) - _SLACK / 100))
        checkpoint(Progress((number + 1) / points))
    return found


def explain(assets: Assets, limits: Limits, target_return: float | None) -> str:
    """Which constraints cannot hold: those that give way when as little as possible is given up in all."""
    weights = cvxpy.Variable(len(assets.returns))
    slacks: dict[str, Any] = {}
    relaxed = [cvxpy.sum(weights) == 1]
    for name, gap in _gaps(weights, 1.0, assets, limits, target_return).items():
        if name == "long_only":  # never the reason: without the other limits there are always such weights
            relaxed.append(gap <= 0)
            continue
        slacks[name] = cvxpy.Variable(gap.shape, nonneg=True)
        relaxed.append(gap <= slacks[name])
    given_up = sum((cvxpy.sum(slack) for slack in slacks.values()), cvxpy.Constant(0))
    cvxpy.Problem(cvxpy.Minimize(given_up), relaxed).solve(solver=cvxpy.CLARABEL)
    missed = {name: float(np.max(slack.value)) for name, slack in slacks.items()}
    broken = [(name, amount) for name, amount in missed.items() if amount > _SLACK]
    told = "; ".join(f"{name} cannot hold, it misses by {amount:.6g}" for name, amount in broken)
    if target_return is not None and any(name.startswith("target_return") for name, _ in broken):
        told += _reachable(assets, limits)
    return told or "the weights cannot add up to 1 within the limits"


def _reachable(assets: Assets, limits: Limits) -> str:
    try:
        highest = float(assets.returns @ _highest_return(assets, limits))
    except Infeasible:
        return ""
    return f"; the highest return within the other limits is {highest:.6g}"


def _highest_return(assets: Assets, limits: Limits) -> Array:
    weights = cvxpy.Variable(len(assets.returns))
    wanted = list(_named(weights, 1.0, assets, limits, None).values())
    _solve(-(assets.returns @ weights), wanted, assets, limits, None)
    return np.asarray(weights.value)


def _named(weights: Any, kappa: Any, assets: Assets, limits: Limits, target: float | None) -> dict[str, Any]:
    """The constraints by the name that the client knows them by."""
    wanted = {"sum of weights": cvxpy.sum(weights) == kappa}
    return wanted | {name: gap <= 0 for name, gap in _gaps(weights, kappa, assets, limits, target).items()}


def _gaps(weights: Any, kappa: Any, assets: Assets, limits: Limits, target: float | None) -> dict[str, Any]:
    """What must not be above 0 for each constraint to hold."""
    gaps: dict[str, Any] = {}
    if limits.long_only:
        gaps["long_only"] = -weights
    if limits.most is not None:
        gaps[f"max_weight {limits.most:g}"] = weights - limits.most * kappa
    if limits.least is not None:
        gaps[f"min_weight {limits.least:g}"] = limits.least * kappa - weights
    for group in limits.groups:
        held = cvxpy.sum(weights[group.members])
        if group.most is not None:
            gaps[f"groups.{group.name}.max {group.most:g}"] = held - group.most * kappa
        if group.least is not None:
            gaps[f"groups.{group.name}.min {group.least:g}"] = group.least * kappa - held
    if target is not None:
        gaps[f"target_return {target:g}"] = target * kappa - assets.returns @ weights
    return gaps


def _solve(objective: Any, constraints: list[Any], assets: Assets, limits: Limits, target: float | None) -> None:
    problem = cvxpy.Problem(cvxpy.Minimize(objective), constraints)
    problem.solve(solver=cvxpy.CLARABEL, **_TIGHT)
    if problem.status in {cvxpy.INFEASIBLE, cvxpy.INFEASIBLE_INACCURATE}:
        raise Infeasible(explain(assets, limits, target))
    if problem.status in {cvxpy.UNBOUNDED, cvxpy.UNBOUNDED_INACCURATE}:
        raise Infeasible("long_only: without it and without max_weight and min_weight there is no highest return")
    if problem.status not in {cvxpy.OPTIMAL, cvxpy.OPTIMAL_INACCURATE}:
        raise Infeasible(f"the solver found no answer: {problem.status}")
