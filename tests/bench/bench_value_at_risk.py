"""Value at risk against its floors: drawing the random numbers it uses, and taking the quantile with numpy."""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np

import risk  # noqa: F401 – declares the tasks
from risk.quant import lognormal, scenarios, value_at_risk
from risk.quant.portfolio import over_horizon
from risk.quant.stopwatch import Stopwatch
from risk.quant.streams import chunk_sizes
from tests.bench.ratio import say, versus
from throughline.testing import run_task

SIMULATIONS = 100_000
POSITIONS = 50
VALUES = np.full(POSITIONS, 1_000.0)
VOLATILITIES = np.linspace(0.1, 0.4, POSITIONS)
CORRELATIONS = np.full((POSITIONS, POSITIONS), 0.3) + 0.7 * np.eye(POSITIONS)
CHOLESKY = np.linalg.cholesky(CORRELATIONS)
COVARIANCE = CORRELATIONS * np.outer(VOLATILITIES, VOLATILITIES) * 10 / 252


def one_position():
    held = over_horizon(np.array([15_000.0]), np.array([0.2]), np.zeros(1), 10)
    draw, rows = scenarios.normal_losses(held, 7, Stopwatch())
    return value_at_risk.simulate(draw, chunk_sizes(SIMULATIONS, rows), 0.95)


def draw_and_quantile():
    np.quantile(np.random.Generator(np.random.PCG64(7)).standard_normal(SIMULATIONS), 0.95)


def correlated(prices):
    held = over_horizon(VALUES, VOLATILITIES, np.zeros(POSITIONS), 10, CORRELATIONS)
    if not prices:
        draw, rows = scenarios.normal_losses(held, 7, Stopwatch())
        return value_at_risk.simulate(draw, chunk_sizes(SIMULATIONS, rows), 0.95)
    draw, rows = lognormal.losses_of(held, 7, Stopwatch())
    return value_at_risk.simulate(draw, chunk_sizes(SIMULATIONS, rows), 0.95)


MANY = 500
MANY_VOLATILITIES = np.linspace(0.1, 0.4, MANY)
MANY_CORRELATIONS = np.full((MANY, MANY), 0.3) + 0.7 * np.eye(MANY)
LARGE = {
    "positions": [
        {"symbol": f"S{i}", "quantity": 10, "price": 100.0, "volatility": float(volatility)}
        for i, volatility in enumerate(MANY_VOLATILITIES)
    ],
    "correlations": MANY_CORRELATIONS.tolist(),
    "distribution": "lognormal",
}


def large_task():
    return run_task("calculate_var", LARGE).result


def large_in_plain_numpy():
    deviations = MANY_VOLATILITIES * np.sqrt(10 / 252)
    loadings = np.linalg.cholesky(MANY_CORRELATIONS) * deviations[:, None]
    returns = np.random.Generator(np.random.PCG64(7)).standard_normal((SIMULATIONS, MANY)) @ loadings.T
    returns -= deviations**2 / 2
    return np.quantile(-(np.expm1(returns, out=returns) @ np.full(MANY, 1_000.0)), 0.95)


def draw_and_correlate():
    np.random.Generator(np.random.PCG64(7)).standard_normal((SIMULATIONS, POSITIONS)) @ CHOLESKY.T


def multivariate_normal():
    random = np.random.Generator(np.random.PCG64(7))
    gains = random.multivariate_normal(np.zeros(POSITIONS), COVARIANCE, SIMULATIONS, method="cholesky") @ VALUES
    return np.quantile(gains, 0.05)


HISTORY = np.random.default_rng(7).standard_normal((1_000, 250)) * 0.01
OBSERVED = {
    "positions": [{"symbol": f"A{i}", "quantity": 1, "price": 100.0} for i in range(250)],
    "returns": HISTORY.tolist(),
    "method": "historical",
    "horizon_scaling": "overlapping",
}


def from_history():
    return run_task("calculate_var", OBSERVED).result


def windows_and_resamples():
    """What plain numpy takes for the same: ten-day windows of each position, and 1,000 histories of blocks of days."""
    running = np.cumprod(np.vstack([np.ones(250), 1 + HISTORY]), axis=0)
    np.quantile((running[10:] / running[:-10] - 1).sum(axis=1), 0.05)
    starts = np.random.default_rng(7).integers(0, 1_000, (1_000, 100))
    days = ((starts[:, :, None] + np.arange(10)) % 1_000).reshape(1_000, 1_000)
    sums = np.cumsum(HISTORY.sum(axis=1)[days], axis=1)
    np.quantile(sums[:, 10:] - sums[:, :-10], 0.05, axis=1)


def whole_task():
    return run_task("calculate_var", {"positions": [{"symbol": "AAPL", "quantity": 100, "price": 150.0}]}).result


def main() -> None:
    ours, floor = versus(one_position, draw_and_quantile)
    detail = f"{ours * 1e3:.2f} ms against {floor * 1e3:.2f} ms of drawing and np.quantile"
    say("one position, 100,000 simulations, ratio to its floor", ours / floor, 1.5, at_most=True, detail=detail)

    ours, floor = versus(lambda: correlated(False), draw_and_correlate, 5)
    detail = f"{ours * 1e3:.1f} ms against {floor * 1e3:.1f} ms of drawing and correlating all 50 × 100,000 normals"
    say("50 correlated positions, normal, ratio to its floor", ours / floor, 1.3, at_most=True, detail=detail)
    ours, rival = versus(lambda: correlated(False), multivariate_normal, 5)
    detail = f"{ours * 1e3:.1f} ms against {rival * 1e3:.1f} ms, same number of scenarios, same standard error"
    say("50 correlated positions, times faster than multivariate_normal", rival / ours, 3, at_most=False, detail=detail)
    ours, floor = versus(lambda: correlated(True), draw_and_correlate, 5)
    detail = f"{ours * 1e3:.1f} ms against {floor * 1e3:.1f} ms of drawing and correlating"
    say("50 correlated positions, lognormal, ratio to its floor", ours / floor, 1.3, at_most=True, detail=detail)

    ours, rival = versus(large_task, large_in_plain_numpy, 3)
    detail = f"{ours * 1e3:.0f} ms, the whole task with its matrix and contributions, against {rival * 1e3:.0f} ms"
    say("500 correlated positions, lognormal, ratio to plain numpy", ours / rival, 1.0, at_most=True, detail=detail)

    ours, floor = versus(from_history, windows_and_resamples, 5)
    detail = f"{ours * 1e3:.0f} ms with validating 250,000 returns, against {floor * 1e3:.0f} ms of plain numpy"
    say("a history of 1,000 days, ten-day windows, ratio to plain numpy", ours / floor, 4, at_most=True, detail=detail)

    ours, _ = versus(whole_task, lambda: None)
    say("the default task with its validation, ms", ours * 1e3, 75, at_most=True, detail="the specification's mark")


if __name__ == "__main__":
    main()
