"""A portfolio as arrays: what its positions are worth and how their returns are distributed over a horizon."""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from risk.quant import covariance
from risk.quant.streams import Array
from risk.quant.trading_days import TRADING_DAYS_A_YEAR


@dataclass(frozen=True)
class Portfolio:
    """`loadings` (n, k): the horizon's return of position i is means[i] + loadings[i] · k standard normals.

    `loadings` is None when the positions are independent: a diagonal of 10,000² would not fit into a worker.
    """

    values: Array  # in currency, negative when short
    means: Array  # of the horizon's return
    deviations: Array  # of the horizon's return
    loadings: Array | None = None

    @property
    def mean_gain(self) -> float:
        return float(self.values @ self.means)

    @property
    def covariances_with_gain(self) -> Array:
        """Covariance (n,) of each position's gain with the portfolio's, of normal returns."""
        if self.loadings is None:
            independent: Array = (self.values * self.deviations) ** 2
            return independent
        joint: Array = self.values * (self.loadings @ (self.values @ self.loadings))
        return joint

    @property
    def gain_deviation(self) -> float:
        return sqrt(max(0.0, float(self.covariances_with_gain.sum())))


def over_horizon(
    values: Array, volatilities: Array, drifts: Array, days: int, correlations: Array | None = None
) -> Portfolio:
    """The portfolio over `days` from a year's volatilities and drifts; raises `NotPositiveSemidefinite`."""
    years = days / TRADING_DAYS_A_YEAR
    deviations = volatilities * sqrt(years)
    loadings = None if correlations is None else deviations[:, None] * covariance.factor(correlations)
    return Portfolio(values, drifts * years, deviations, loadings)


def from_covariance(values: Array, matrix: Array, drifts: Array, days: int) -> Portfolio:
    """The portfolio over `days` from a year's covariance matrix; raises `NotPositiveSemidefinite`."""
    years = days / TRADING_DAYS_A_YEAR
    loadings = covariance.factor(matrix, "covariance") * sqrt(years)
    return Portfolio(values, drifts * years, np.sqrt(np.diag(matrix) * years), loadings)
