"""Least CVaR over a history beside cvxpy's default on Rockafellar and Uryasev's program as they wrote it."""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import cvxpy
import numpy as np

from risk.quant.optimization.assets import Assets
from risk.quant.optimization.limits import Limits
from risk.quant.optimization.minimum_cvar import minimum_cvar
from tests.bench.ratio import say, versus

TAIL = 0.05


def history(periods, size):
    drawn = np.random.default_rng(1)
    market = drawn.standard_t(4, (periods, 3)) * 0.01
    own = drawn.standard_t(5, (periods, size)) * drawn.uniform(0.002, 0.02, size)
    return 0.0003 + market @ drawn.uniform(-0.5, 1.5, (3, size)) + own


def by_cvxpy(returns):
    weights, at_risk = cvxpy.Variable(returns.shape[1], nonneg=True), cvxpy.Variable()
    beyond = cvxpy.sum(cvxpy.pos(-returns @ weights - at_risk))
    cvxpy.Problem(cvxpy.Minimize(at_risk + beyond / (TAIL * len(returns))), [cvxpy.sum(weights) == 1]).solve()


def main() -> None:
    for periods, size in ((1_250, 50), (500, 250), (2_500, 10)):
        returns = history(periods, size)
        assets = Assets(returns.mean(axis=0), np.ones(size), np.eye(size))

        def ours(assets=assets, returns=returns):
            minimum_cvar(assets, returns, Limits(), 1 - TAIL)

        def theirs(returns=returns):
            by_cvxpy(returns)

        took, other = versus(ours, theirs, 5)
        what = f"least CVaR, {size} assets over {periods:,} periods, against cvxpy's default"
        say(what, took / other, 1.0, at_most=True, detail=f"{took * 1e3:.0f} ms")


if __name__ == "__main__":
    main()
