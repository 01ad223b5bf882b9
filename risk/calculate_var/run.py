"""`calculate_var` from its data to its result."""

from typing import Any

from risk.calculate_var.closed_form import in_closed_form
from risk.calculate_var.from_history import from_history
from risk.calculate_var.model import DEFAULT_VOLATILITY, CalculateVarData
from risk.calculate_var.simulated import simulated, simulations_of
from risk.calculate_var.told import told
from risk.defaults import assumed
from risk.quant.covariance import TRADING_DAYS_A_YEAR
from throughline import Run


def run(var: CalculateVarData, run: Run) -> dict[str, Any]:
    """Value at risk of a portfolio; what was assumed is in the result."""
    method = {"monte_carlo": simulated, "parametric": in_closed_form, "historical": from_history}[var.method]
    return told(var, method(var, run)) | {
        "confidence_level": var.confidence_level,
        "time_horizon": var.time_horizon,
        "method": var.method,
        "assumptions": _assumptions(var),
    }


def _assumptions(var: CalculateVarData) -> dict[str, Any]:
    """Everything that the result rests on and the client did not say."""
    taken = assumed(var, "method", "confidence_level", "time_horizon")
    if var.method == "historical":
        return taken | assumed(var, "horizon_scaling")
    positions, data = var.portfolio_data.positions, var.portfolio_data
    drifting = any(p.drift for p in positions)
    kind = "lognormal prices" if var.distribution == "lognormal" else "normal"
    taken |= {
        "returns": f"{kind}, {'with the given drifts' if drifting else 'without drift'}",
        "trading_days_a_year": TRADING_DAYS_A_YEAR,
    }
    if data.covariance is None and any(p.volatility is None for p in positions):
        taken["volatility"] = DEFAULT_VOLATILITY
    if any("drift" not in p.model_fields_set for p in positions):
        taken["drift"] = 0.0
    if len(positions) > 1 and data.correlations is None and data.covariance is None:
        taken["correlations"] = "independent positions"
    if var.method == "monte_carlo":
        taken |= assumed(var, "distribution")
        if "simulations" not in var.model_fields_set:
            taken["simulations"] = simulations_of(var)
        if var.seed is None:
            taken["seed"] = "derived from the data"
    return taken
