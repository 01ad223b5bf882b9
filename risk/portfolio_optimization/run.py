"""`portfolio_optimization` from its data to its result."""

from typing import Any

import numpy as np

from risk.defaults import assumed
from risk.errors import NotCalculable
from risk.observed import checkpoint_of
from risk.portfolio_optimization.model import PortfolioOptimizationData
from risk.quant import covariance
from risk.quant import optimization as quant
from risk.quant.streams import Array
from throughline import Run


def run(asked: PortfolioOptimizationData, run: Run) -> dict[str, Any]:
    """The best weights, and the frontier if asked for; what was assumed is in the result."""
    with run.phase("correlate", assets=len(asked.assets)):
        assets = quant.Assets(np.array([a.expected_return for a in asked.assets]), _factor(asked))
    limits = quant.Limits(
        asked.long_only,
        asked.min_weight,
        asked.max_weight,
        [
            quant.Group(name, [i for i, a in enumerate(asked.assets) if a.group == name], limit.min, limit.max)
            for name, limit in asked.groups.items()
        ],
    )
    try:
        with run.phase("optimize", assets=len(asked.assets)):
            if asked.objective == "max_sharpe":
                weights = quant.max_sharpe(assets, limits, asked.risk_free_rate)
            else:
                weights = quant.minimum_variance(assets, limits, asked.target_return)
        points: list[Array] = []
        if asked.frontier_points:
            with run.phase("frontier"):
                points = quant.frontier(assets, limits, asked.frontier_points, checkpoint_of(run))
    except quant.Infeasible as error:
        raise NotCalculable(f"No weights are possible: {error}") from None

    def told(found: Array) -> dict[str, Any]:
        expected, deviation = float(assets.returns @ found), assets.deviation(found)
        return {
            "weights": dict(zip([a.symbol for a in asked.assets], found.tolist(), strict=True)),
            "expected_return": expected,
            "volatility": deviation,
            "sharpe_ratio": (expected - asked.risk_free_rate) / deviation if deviation > 0 else None,
        }

    result = told(weights) | {"objective": asked.objective, "assumptions": _assumptions(asked)}
    return result | ({"frontier": [told(point) for point in points]} if points else {})


def _factor(asked: PortfolioOptimizationData) -> Array:
    try:
        if asked.covariance is not None:
            return covariance.factor(np.array(asked.covariance), "covariance")
        volatilities = np.array([a.volatility for a in asked.assets], dtype=float)
        if asked.correlations is None:
            return np.diag(volatilities)
        scaled: Array = volatilities[:, None] * covariance.factor(np.array(asked.correlations, dtype=float))
        return scaled
    except covariance.NotPositiveSemidefinite as error:
        name = "covariance" if asked.covariance is not None else "correlations"
        raise NotCalculable(f"data.{name}: {error}") from None


def _assumptions(asked: PortfolioOptimizationData) -> dict[str, Any]:
    taken = assumed(asked, "objective", "risk_free_rate", "long_only")
    if asked.correlations is None and asked.covariance is None and len(asked.assets) > 1:
        taken["correlations"] = "independent assets"
    return taken
