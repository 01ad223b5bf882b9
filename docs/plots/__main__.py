"""Draws them all."""

import risk  # noqa: F401 – declares the tasks
from docs.plots import (
    backtest_var,
    calculate_var,
    monte_carlo_pricing,
    portfolio_optimization,
    protective_put,
    stress_test,
)

for plot in (backtest_var, calculate_var, monte_carlo_pricing, portfolio_optimization, protective_put, stress_test):
    plot.draw()
