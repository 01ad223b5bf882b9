"""The portfolio of a `calculate_var` task with the joint returns of its positions over the horizon."""

import numpy as np

from risk.calculate_var.model import DEFAULT_DEGREES, DEFAULT_VOLATILITY, CalculateVarData
from risk.calculate_var.told import values_of
from risk.correlations import Correlations, correlations, impossible
from risk.defaults import seed_from
from risk.quant.covariance import NotPositiveSemidefinite
from risk.quant.elliptical import NORMAL, Shape
from risk.quant.portfolio import Portfolio, from_covariance, over_horizon
from throughline import Run


def shape_of(var: CalculateVarData) -> Shape:
    """Of returns that are normal or Student's t."""
    if var.distribution != "student_t":
        return NORMAL
    return Shape(var.degrees_of_freedom or DEFAULT_DEGREES)


def portfolio_of(var: CalculateVarData, run: Run) -> Portfolio:
    """Raises `NotCalculable` for a matrix that no returns can have."""
    data = var.portfolio_data
    drifts = np.array([p.drift for p in data.positions])
    with run.phase("correlate", positions=len(data.positions)):
        try:
            if data.covariance is not None:
                return from_covariance(values_of(var), np.array(data.covariance), drifts, var.time_horizon)
            volatilities = np.array([p.volatility or DEFAULT_VOLATILITY for p in data.positions])
            correlations = None if data.correlations is None else np.array(data.correlations, dtype=float)
            return over_horizon(values_of(var), volatilities, drifts, var.time_horizon, correlations)
        except NotPositiveSemidefinite as error:
            name = "covariance" if data.covariance is not None else "correlations"
            raise impossible(f"data.{data.at}{name}", error) from None


def with_nearest_correlations(var: CalculateVarData, run: Run) -> tuple[CalculateVarData, Correlations | None]:
    """The same task with the nearest correlation matrix, and what to tell of it; as it is where none is asked for."""
    data = var.portfolio_data
    if data.correlations is None or not data.nearest_correlations:
        return var, None
    with run.phase("correlate", positions=len(data.positions)):
        found = correlations(data.correlations, True, run)
    # The seed is that of what was sent: the last digits of the nearest matrix are the processor's own.
    seed = var.seed if var.seed is not None else seed_from(var)
    possible = data.model_copy(update={"correlations": found.matrix.tolist()})
    return var.model_copy(update={"portfolio_data": possible, "seed": seed}), found
