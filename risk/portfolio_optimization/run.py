"""`portfolio_optimization` from its data to its result."""

from typing import Any

import numpy as np

from risk.defaults import assumed
from risk.errors import NotCalculable
from risk.observed import checkpoint_of
from risk.portfolio_optimization.model import PortfolioOptimizationData
from risk.portfolio_optimization.objectives import OBJECTIVES, Sought
from risk.portfolio_optimization.told import notes, told
from risk.quant import covariance
from risk.quant.optimization.assets import Assets
from risk.quant.optimization.frontier import Frontier, frontier
from risk.quant.optimization.infeasible import Infeasible
from risk.quant.optimization.limits import Group, Limits
from throughline import Run


def run(asked: PortfolioOptimizationData, run: Run) -> dict[str, Any]:
    """The best weights, and the frontier if asked for; what was assumed is in the result."""
    with run.phase("correlate", assets=len(asked.assets)):
        assets = _assets(asked)
    sought = Sought(asked, assets, _limits(asked))
    try:
        with run.phase("optimize", assets=len(asked.assets)):
            found = OBJECTIVES[asked.objective](sought)
        points = Frontier([], True)
        if asked.frontier_points:
            with run.phase("frontier"):
                points = frontier(assets, sought.limits, asked.frontier_points, checkpoint_of(run))
    except Infeasible as error:
        raise NotCalculable(f"No weights are possible: {error}") from None
    result = told(sought, found) | {
        "objective": asked.objective,
        "status": "optimal" if all(each.certain for each in (found, *points.points)) else "inaccurate",
        "assumptions": _assumptions(asked),
        "notes": notes(sought, found, points),
    }
    return result | ({"frontier": [told(sought, point) for point in points.points]} if points.points else {})


def _limits(asked: PortfolioOptimizationData) -> Limits:
    groups = [
        Group(name, [i for i, a in enumerate(asked.assets) if a.group == name], limit.min, limit.max)
        for name, limit in asked.groups.items()
    ]
    return Limits(asked.long_only, asked.min_weight, asked.max_weight, groups)


def _assets(asked: PortfolioOptimizationData) -> Assets:
    returns, size = np.array([a.expected_return for a in asked.assets]), len(asked.assets)
    if asked.covariance is not None:
        matrix, name = np.array(asked.covariance, dtype=float), "covariance"
        volatilities = np.sqrt(np.diag(matrix))
        matrix = matrix / volatilities[:, None] / volatilities  # in turn: their product may be too small a number
    else:
        volatilities, name = np.array([a.volatility for a in asked.assets], dtype=float), "correlations"
        matrix = np.eye(size) if asked.correlations is None else np.array(asked.correlations, dtype=float)
    assets = Assets(returns, volatilities, matrix)
    if not assets.singular:
        return assets
    try:
        loadings = covariance.factor(matrix)
    except covariance.NotPositiveSemidefinite as error:
        raise NotCalculable(f"data.{name}: {error}") from None
    return Assets(returns, volatilities, loadings @ loadings.T)


def _assumptions(asked: PortfolioOptimizationData) -> dict[str, Any]:
    taken = assumed(asked, "objective", "risk_free_rate", "long_only")
    if asked.correlations is None and asked.covariance is None and len(asked.assets) > 1:
        taken["correlations"] = "independent assets"
    taken["estimation_error"] = "none: expected returns and covariance are taken as known exactly"
    return taken
