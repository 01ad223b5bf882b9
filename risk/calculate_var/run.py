"""`calculate_var` from its data to its result."""

from typing import Any, Final

from risk.calculate_var.closed_form import in_closed_form
from risk.calculate_var.from_history import from_history
from risk.calculate_var.joint_returns import with_nearest_correlations
from risk.calculate_var.lots import merged
from risk.calculate_var.model import DEFAULT_DEGREES, DEFAULT_VOLATILITY, CalculateVarData
from risk.calculate_var.repriced import repriced
from risk.calculate_var.simulated import simulated, simulations_of
from risk.calculate_var.told import told
from risk.correlations import NEAREST
from risk.defaults import assumed
from risk.quant.trading_days import TRADING_DAYS_A_YEAR
from throughline import Run

_RETURNS: Final = {
    "normal": "normal",
    "lognormal": "lognormal prices",
    "student_t": "Student's t over the whole horizon, scaled so that the volatility is the standard deviation (the sum "
    "of days whose returns are Student's t is not Student's t)",
}


def run(var: CalculateVarData, run: Run) -> dict[str, Any]:
    """Value at risk of a portfolio; what was assumed is in the result."""
    in_scenarios = repriced if var.portfolio_data.repriced else simulated
    method = {"monte_carlo": in_scenarios, "parametric": in_closed_form, "historical": from_history}[var.method]
    whole = merged(var)
    possible, nearest = with_nearest_correlations(whole, run)
    answer = method(possible, run)
    result = told(var, answer)
    if nearest is not None:
        result |= nearest.told | {"notes": [*nearest.notes, *result["notes"]]}
    return result | {
        "confidence_level": var.confidence_level,
        "time_horizon": var.time_horizon,
        "method": var.method,
        "assumptions": _assumptions(whole) | _of_lots(var) | answer.assumed,
    }


def _of_lots(var: CalculateVarData) -> dict[str, Any]:
    symbols = {position.symbol for position in var.portfolio_data.positions}
    if len(symbols) == len(var.portfolio_data.positions):
        return {}
    return {"lots": "positions of one symbol are one risk, worth the sum of their values"}


def _assumptions(var: CalculateVarData) -> dict[str, Any]:
    """Everything that the result rests on and the client did not say."""
    taken = assumed(var, "method", "confidence_level", "time_horizon")
    if var.method == "historical":
        return taken | assumed(var, "horizon_scaling")
    positions, data = var.portfolio_data.positions, var.portfolio_data
    drifting = any(p.drift for p in positions)
    taken |= {
        "returns": f"{_RETURNS[var.distribution]}, {'with the given drifts' if drifting else 'without drift'}",
        "trading_days_a_year": TRADING_DAYS_A_YEAR,
    }
    settled = {p.risk for p in positions if p.volatility or p.option or p.bond}
    if data.covariance is None and any(p.risk not in settled for p in positions):
        taken["volatility"] = DEFAULT_VOLATILITY
    if any("drift" not in p.model_fields_set for p in positions):
        taken["drift"] = 0.0
    if data.symbols > 1 and data.correlations is None and data.covariance is None:
        taken["correlations"] = "independent positions"
    if data.nearest_correlations:
        taken["correlations"] = NEAREST
    taken |= assumed(var, "distribution")
    if var.distribution == "student_t" and var.degrees_of_freedom is None:
        taken["degrees_of_freedom"] = DEFAULT_DEGREES
    if var.method == "monte_carlo":
        if "simulations" not in var.model_fields_set:
            taken["simulations"] = simulations_of(var)
        if var.seed is None:
            taken["seed"] = "derived from the data"
    return taken
