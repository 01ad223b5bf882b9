"""`calculate_var` from its data to its result."""

from typing import Any

import numpy as np

from risk.calculate_var.model import DEFAULT_VOLATILITY, CalculateVarData
from risk.defaults import assumed, seed_from
from risk.errors import NotCalculable
from risk.observed import checkpoint_of, simulating
from risk.quant import contributions, scenarios, value_at_risk
from risk.quant.covariance import TRADING_DAYS_A_YEAR, NotPositiveSemidefinite
from risk.quant.loss_measure import LossMeasure, measure_losses
from risk.quant.portfolio import Portfolio, from_covariance, over_horizon
from risk.quant.streams import Array, chunk_sizes
from throughline import Run

_ESTIMATORS = {
    "exact": "Euler: the mean loss of the position given that the portfolio loses the value at risk, in closed form",
    "nearest": "Euler: the position's mean loss over the scenarios nearest to the value at risk; what is missing to "
    "the total is spread by the positions' size",
}


def run(var: CalculateVarData, run: Run) -> dict[str, Any]:
    """Value at risk of a portfolio; what was assumed is in the result."""
    result = {"monte_carlo": _simulated, "parametric": _parametric, "historical": _historical}[var.method](var, run)
    return result | {
        "confidence_level": var.confidence_level,
        "time_horizon": var.time_horizon,
        "method": var.method,
        "assumptions": _assumptions(var),
    }


def _simulated(var: CalculateVarData, run: Run) -> dict[str, Any]:
    portfolio, checkpoint = _portfolio(var, run), checkpoint_of(run)
    seed = var.seed if var.seed is not None else seed_from(var)
    lognormal = var.distribution == "lognormal"
    with simulating(run, simulations=_most(var), positions=len(portfolio.values)) as watch:
        draw = scenarios.lognormal_gains if lognormal else scenarios.normal_losses
        chunk, rows = draw(portfolio, seed, watch)
        done = value_at_risk.simulate(
            scenarios.summed(chunk) if lognormal else chunk,
            chunk_sizes(_most(var), rows),
            var.confidence_level,
            relative=var.precision.relative if var.precision else None,
            checkpoint=checkpoint,
            watch=watch,
        )
    at_risk = done.measure.value_at_risk
    with run.phase("contributions"):
        if lognormal:
            parts = contributions.of_scenarios(chunk, done.sizes, at_risk, portfolio.values, checkpoint)
        else:
            parts = contributions.of_normal(portfolio, at_risk)
    drawn = {"simulations": done.simulations, "seed": seed}
    if var.precision is not None:
        drawn["precision_reached"] = done.measure.within(var.precision.relative)
    return _told(var, done.measure, parts, "nearest" if lognormal else "exact") | drawn


def _parametric(var: CalculateVarData, run: Run) -> dict[str, Any]:
    portfolio = _portfolio(var, run)
    measure = value_at_risk.parametric(portfolio, var.confidence_level)
    return _told(var, measure, contributions.of_normal(portfolio, measure.value_at_risk), "exact")


def _historical(var: CalculateVarData, run: Run) -> dict[str, Any]:
    values, returns = _values(var), np.array(var.portfolio_data.returns)
    overlapping = var.horizon_scaling == "overlapping"
    gains = value_at_risk.historical_gains(values, returns, var.time_horizon, overlapping)
    with run.phase("quantile"):
        measure = measure_losses(-gains.sum(axis=1), var.confidence_level)
    parts = contributions.of_history(gains, measure.value_at_risk, values)
    return _told(var, measure, parts, "nearest") | {"observations": len(gains)}


def _most(var: CalculateVarData) -> int:
    """The simulations drawn; with a precision and no number of them, as many as it takes and is allowed."""
    asked = "simulations" in var.model_fields_set or var.precision is None
    return min(var.simulations, var.simulations_allowed) if asked else var.simulations_allowed


def _values(var: CalculateVarData) -> Array:
    return np.array([p.quantity * p.price for p in var.portfolio_data.positions])


def _portfolio(var: CalculateVarData, run: Run) -> Portfolio:
    data = var.portfolio_data
    drifts = np.array([p.drift for p in data.positions])
    with run.phase("correlate", positions=len(data.positions)):
        try:
            if data.covariance is not None:
                return from_covariance(_values(var), np.array(data.covariance), drifts, var.time_horizon)
            volatilities = np.array([p.volatility or DEFAULT_VOLATILITY for p in data.positions])
            correlations = None if data.correlations is None else np.array(data.correlations, dtype=float)
            return over_horizon(_values(var), volatilities, drifts, var.time_horizon, correlations)
        except NotPositiveSemidefinite as error:
            name = "covariance" if data.covariance is not None else "correlations"
            raise NotCalculable(f"data.portfolio_data.{name}: {error}") from None


def _told(var: CalculateVarData, measure: LossMeasure, parts: Array, estimator: str) -> dict[str, Any]:
    positions = var.portfolio_data.positions
    values = _values(var)
    return {
        "var_amount": measure.value_at_risk,
        "expected_shortfall": measure.expected_shortfall,
        "standard_error": measure.standard_error,
        "confidence_interval": list(measure.confidence_interval),
        "expected_shortfall_standard_error": measure.shortfall_standard_error,
        "contributions": [
            {"symbol": position.symbol, "value": value, "contribution": part}
            for position, value, part in zip(positions, values.tolist(), parts.tolist(), strict=True)
        ],
        "contributions_estimator": _ESTIMATORS[estimator],
        "portfolio_value": float(values.sum()),
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
            taken["simulations"] = _most(var)
        if var.seed is None:
            taken["seed"] = "derived from the data"
    return taken
