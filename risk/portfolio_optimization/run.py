"""`portfolio_optimization` from its data to its result."""

from typing import Any

from risk.defaults import assumed
from risk.errors import NotCalculable
from risk.observed import checkpoint_of
from risk.portfolio_optimization.model import DEFAULT_RISK_BUDGET, PortfolioOptimizationData
from risk.portfolio_optimization.objectives import OBJECTIVES, Sought
from risk.portfolio_optimization.risks import risks
from risk.portfolio_optimization.told import assets_told, more, notes, told
from risk.quant.optimization.frontier import Frontier, frontier
from risk.quant.optimization.infeasible import Infeasible
from risk.quant.optimization.limits import Group, Limits
from throughline import Run


def run(asked: PortfolioOptimizationData, run: Run) -> dict[str, Any]:
    """The best weights, and the frontier if asked for; what was assumed is in the result."""
    with run.phase("correlate", assets=len(asked.assets)):
        known = risks(asked, run)
    sought = Sought(asked, known.assets, _limits(asked))
    try:
        with run.phase("optimize", assets=len(asked.assets)):
            found = OBJECTIVES[asked.objective](sought)
        points = Frontier([], True)
        if asked.frontier_points:
            with run.phase("frontier"):
                points = frontier(known.assets, sought.limits, asked.frontier_points, checkpoint_of(run))
    except Infeasible as error:
        raise NotCalculable(f"There are no best weights: {error}") from None
    result = (
        told(sought, found)
        | more(sought, found)
        | known.told
        | {
            "objective": asked.objective,
            "status": "optimal" if all(each.certain for each in (found, *points.points)) else "inaccurate",
            "assumptions": _assumptions(asked) | known.assumed,
            "notes": [*known.notes, *notes(sought, found, points)],
        }
    )
    if not points.points:
        return result
    return result | {"frontier": [told(sought, point) for point in points.points], "assets": assets_told(sought)}


def _limits(asked: PortfolioOptimizationData) -> Limits:
    groups = [
        Group(name, [i for i, a in enumerate(asked.assets) if a.group == name], limit.min, limit.max)
        for name, limit in asked.groups.items()
    ]
    return Limits(asked.long_only, asked.min_weight, asked.max_weight, groups)


def _assumptions(asked: PortfolioOptimizationData) -> dict[str, Any]:
    taken = assumed(asked, "objective", "risk_free_rate", "long_only")
    if asked.returns is not None:
        taken |= assumed(asked, "periods_a_year", "covariance_estimator")
    if asked.objective == "minimum_cvar":
        taken |= assumed(asked, "confidence_level")
    if asked.objective == "risk_parity" and any(asset.risk_budget is None for asset in asked.assets):
        taken["risk_budget"] = DEFAULT_RISK_BUDGET
    taken["estimation_error"] = "none: expected returns and covariance are taken as known exactly"
    return taken
