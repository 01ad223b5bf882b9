"""The risk calculations: an ordinary plugin of Throughline, declared as a user declares a task."""

from risk import charts
from risk.backtest_var import model as backtest_var
from risk.calculate_var import model as calculate_var
from risk.monte_carlo_pricing import model as monte_carlo_pricing
from risk.portfolio_optimization import model as portfolio_optimization
from risk.stress_test import model as stress_test
from throughline import task

# run= keeps numpy out of the api, which needs the models alone.
task(
    "backtest_var",
    model=backtest_var.BacktestVarData,
    summary="Whether a series of values at risk held: exceptions, Kupiec, Christoffersen, Basel's traffic light.",
    example=backtest_var.EXAMPLE,
    run="risk.backtest_var.run:run",
    charts=charts.BACKTEST_VAR,
)
task(
    "calculate_var",
    model=calculate_var.CalculateVarData,
    summary="Value at risk and expected shortfall of a portfolio: by simulation, in closed form, or from its history.",
    example=calculate_var.EXAMPLE,
    run="risk.calculate_var.run:run",
    charts=charts.CALCULATE_VAR,
)
task(
    "monte_carlo_pricing",
    model=monte_carlo_pricing.MonteCarloPricingData,
    summary="Price and sensitivities of a European, American, Asian, barrier or basket option, by simulation.",
    example=monte_carlo_pricing.EXAMPLE,
    run="risk.monte_carlo_pricing.run:run",
)
task(
    "portfolio_optimization",
    model=portfolio_optimization.PortfolioOptimizationData,
    summary="Weights of least variance or CVaR, of the highest Sharpe ratio, or of equal risk; the efficient frontier.",
    example=portfolio_optimization.EXAMPLE,
    run="risk.portfolio_optimization.run:run",
    charts=charts.PORTFOLIO_OPTIMIZATION,
)
task(
    "stress_test",
    model=stress_test.StressTestData,
    summary="Profit and loss of each position under shocks of history and the caller's own.",
    example=stress_test.EXAMPLE,
    run="risk.stress_test.run:run",
    charts=charts.STRESS_TEST,
)
