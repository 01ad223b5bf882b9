"""The portfolio of a `calculate_var` task with the joint returns of its positions over the horizon."""

import numpy as np

from risk.calculate_var.model import DEFAULT_VOLATILITY, CalculateVarData
from risk.calculate_var.told import values_of
from risk.errors import NotCalculable
from risk.quant.covariance import NotPositiveSemidefinite
from risk.quant.portfolio import Portfolio, from_covariance, over_horizon
from throughline import Run


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
            raise NotCalculable(f"data.portfolio_data.{name}: {error}") from None
