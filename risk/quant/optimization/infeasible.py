"""Why no weights are possible, and the highest return that is: linear programs, by HiGHS in scipy."""

from typing import Any, Final

import numpy as np
from scipy.optimize import linprog

from risk.quant.optimization.assets import Assets
from risk.quant.optimization.limits import Limits
from risk.quant.streams import Array

_SLACK: Final = 1e-9  # what a solver's rounding may leave of a limit that holds
_TOLERANCES: Final = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
_OPTIMAL, _INFEASIBLE, _UNBOUNDED = 0, 2, 3


class Infeasible(ValueError):
    """No weights keep to all limits, or none are the best; names the cause."""


def highest_return(assets: Assets, limits: Limits) -> tuple[float, Array]:
    """The most that weights within the limits return, infinite where nothing bounds it, and weights that do; raises
    `Infeasible`."""
    size, centre, unit = len(assets.returns), *_measured(assets.returns)
    rows, least, most = limits.of_groups(size)
    has_least, has_most = np.isfinite(least), np.isfinite(most)
    found = linprog(
        (centre - assets.returns) / unit,
        np.vstack([rows[has_most], -rows[has_least]]),
        np.r_[most[has_most], -least[has_least]],
        np.ones((1, size)),
        [1.0],
        (limits.lowest, limits.highest),
        options=_TOLERANCES,
    )
    if found.status == _UNBOUNDED:
        return float(np.inf), np.zeros(size)
    if found.status != _OPTIMAL:
        raise Infeasible(explain(assets, limits))
    return float(assets.returns @ found.x), np.clip(found.x, limits.lowest, limits.highest)


def explain(assets: Assets, limits: Limits, target_return: float | None = None) -> str:
    """Which limits cannot hold: those that give way when as little as possible is given up in all."""
    size, (centre, unit) = len(assets.returns), _measured(assets.returns)
    gaps: list[tuple[str, Array, Array, float]] = []  # name, rows (m, n), bounds (m,): rows @ weights ≤ bounds; unit
    if limits.most is not None:
        gaps.append((f"max_weight {limits.most:g}", np.eye(size), np.full(size, limits.most), 1.0))
    if limits.least is not None:
        gaps.append((f"min_weight {limits.least:g}", -np.eye(size), np.full(size, -limits.least), 1.0))
    members, least, most = limits.of_groups(size)
    for group, row, low, high in zip(limits.groups, members, least, most, strict=True):
        if np.isfinite(high):
            gaps.append((f"groups.{group.name}.max {high:g}", row[None], np.array([high]), 1.0))
        if np.isfinite(low):
            gaps.append((f"groups.{group.name}.min {low:g}", -row[None], np.array([-low]), 1.0))
    if target_return is not None:
        row = (centre - assets.returns)[None] / unit
        gaps.append((f"target_return {target_return:g}", row, np.array([(centre - target_return) / unit]), unit))
    missed = _given_up(size, limits.long_only, gaps)
    broken = [(name, amount) for name, amount in missed if amount > 0]
    told = "; ".join(f"{name} cannot hold, it misses by {amount:.6g}" for name, amount in broken)
    if any(name.startswith("target_return") for name, _ in broken):
        told += _reachable(assets, limits)
    return told or (
        "the limits leave weights by less than rounding, or volatilities are too many orders of magnitude apart to "
        "tell; ease the limits a little, or leave the extreme assets out"
    )


def _given_up(size: int, long_only: bool, gaps: list[tuple[str, Array, Array, float]]) -> list[tuple[str, float]]:
    if not gaps:
        return []
    rows, bounds = np.vstack([g[1] for g in gaps]), np.concatenate([g[2] for g in gaps])
    count = len(rows)
    # Never `long_only`: without the other limits there are always weights of 0 and more that add up to 1.
    sides: list[Any] = [(0.0 if long_only else None, None)] * size + [(0.0, None)] * count
    found = linprog(
        np.r_[np.zeros(size), np.ones(count)],
        np.hstack([rows, -np.eye(count)]),
        bounds,
        np.r_[np.ones(size), np.zeros(count)][None],
        [1.0],
        sides,
        options=_TOLERANCES,
    )
    if found.status != _OPTIMAL:
        return []
    told, at = [], size
    for name, own, _, unit in gaps:
        most = float(found.x[at : at + len(own)].max())
        told.append((name, most * unit if most > _SLACK else 0.0))
        at += len(own)
    return told


def _reachable(assets: Assets, limits: Limits) -> str:
    try:
        highest, _ = highest_return(assets, limits)
    except Infeasible:
        return ""
    return f"; the highest return within the other limits is {highest:.6g}"


def _measured(returns: Array) -> tuple[float, float]:
    """A return among them, and how far the others are from it at most: what they are measured by."""
    centre = float(returns[0])
    return centre, float(np.abs(returns - centre).max()) or 1.0
