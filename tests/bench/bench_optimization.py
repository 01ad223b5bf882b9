"""Portfolio optimization against a plain cvxpy user: the same covariance, its default solver, problem built anew."""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import cvxpy
import numpy as np

import risk  # noqa: F401 – declares the tasks
from risk.quant.optimization.assets import Assets
from risk.quant.optimization.frontier import frontier
from risk.quant.optimization.limits import Limits
from risk.quant.optimization.max_sharpe import max_sharpe
from risk.quant.optimization.minimum_variance import minimum_variance
from tests.bench.ratio import say, seconds, versus
from throughline.testing import run_task

FACTORS = 10
POINTS = 50


def market(size):
    """Expected returns and a covariance of a market, nine other factors and what is an asset's own."""
    random = np.random.default_rng(1)
    loadings = random.normal(0, 0.05, (size, FACTORS)) + np.r_[0.15, np.zeros(FACTORS - 1)]
    return random.normal(0.08, 0.05, size), loadings @ loadings.T + np.diag(random.uniform(0.1, 0.3, size) ** 2)


def assets(returns, covariance):
    deviations = np.sqrt(np.diag(covariance))
    return Assets(returns, deviations, covariance / np.outer(deviations, deviations))


def plain(covariance):
    weights = cvxpy.Variable(len(covariance))
    variance = cvxpy.quad_form(weights, covariance)
    cvxpy.Problem(cvxpy.Minimize(variance), [cvxpy.sum(weights) == 1, weights >= 0]).solve()
    return weights.value


def whole_task(returns, covariance, points):
    named = [{"symbol": f"A{i}", "expected_return": value} for i, value in enumerate(returns.tolist())]
    data = {"assets": named, "covariance": covariance.tolist(), "frontier_points": points}
    return run_task("portfolio_optimization", data).result


def measured(size, rounds):
    returns, covariance = market(size)

    def least():
        return minimum_variance(assets(returns, covariance), Limits()).weights

    ours, rival = versus(least, lambda: plain(covariance), rounds)
    apart = np.abs(plain(covariance) - least()).max()
    detail = f"{ours * 1e3:.1f} ms against {rival * 1e3:.1f} ms; the weights differ by {apart:.0e}"
    say(f"least variance of {size} assets, ratio to plain cvxpy", ours / rival, 1.5, at_most=True, detail=detail)
    line = seconds(lambda: frontier(assets(returns, covariance), Limits(), POINTS), rounds)
    detail = f"{line * 1e3:.0f} ms, {line / POINTS * 1e3:.1f} a point"
    say(f"frontier of {POINTS} points, in solves of ours", line / ours, 10, at_most=True, detail=detail)
    say(f"frontier of {POINTS} points, in solves of plain cvxpy", line / rival, 10, at_most=True, detail=detail)
    for name, limits in (
        ("long only", Limits()),
        ("from -5 % to 10 %", Limits(long_only=False, least=-0.05, most=0.1)),
    ):
        ratio = seconds(lambda: max_sharpe(assets(returns, covariance), limits, 0.02), rounds)  # noqa: B023
        what = f"highest Sharpe ratio, {name}, ratio to plain cvxpy's least variance"
        say(what, ratio / rival, 1.5, at_most=True, detail=f"{ratio * 1e3:.1f} ms")
    whole = seconds(lambda: whole_task(returns, covariance, POINTS), 3)
    say(f"the task of {size} assets with a frontier and its validation, s", whole, 2, at_most=True, detail="")


def main() -> None:
    measured(250, 15)
    measured(500, 5)


if __name__ == "__main__":
    main()
