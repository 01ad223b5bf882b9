"""Under limits of every kind the weights are those that cvxpy finds with Clarabel, an interior-point method."""

import cvxpy
import numpy as np
import pytest

from risk.quant.optimization.assets import Assets
from risk.quant.optimization.infeasible import Infeasible
from risk.quant.optimization.limits import Group, Limits
from risk.quant.optimization.max_sharpe import max_sharpe
from risk.quant.optimization.minimum_variance import minimum_variance

SIZE = 12
GROUPS = [Group("even", list(range(0, SIZE, 2)), least=0.2, most=0.45), Group("first", [0, 1, 2], most=0.25)]
LIMITS = [
    Limits(),
    Limits(most=0.2, groups=GROUPS),
    Limits(least=0.02, groups=GROUPS),
    Limits(long_only=False, least=-0.1, most=0.3),
    Limits(long_only=False, groups=GROUPS),
]
TIGHT = {"tol_gap_abs": 1e-12, "tol_gap_rel": 1e-12, "tol_feas": 1e-12}


def assets(seed):
    random = np.random.default_rng(seed)
    sample = random.normal(size=(SIZE, 60)) + random.normal(size=(1, 60))
    return Assets(random.normal(0.08, 0.05, SIZE), random.uniform(0.1, 0.4, SIZE), np.atleast_2d(np.corrcoef(sample)))


def by_cvxpy(held, limits, target=None, rate=None):
    """With a riskless rate for κ times the weights, whose excess return is 1."""
    weights, kappa = cvxpy.Variable(SIZE), 1.0 if rate is None else cvxpy.Variable(nonneg=True)
    wanted = [cvxpy.sum(weights) == kappa]
    wanted += [weights >= limits.lowest * kappa] if np.isfinite(limits.lowest) else []
    wanted += [weights <= limits.highest * kappa] if np.isfinite(limits.highest) else []
    for group in limits.groups:
        total = cvxpy.sum(weights[group.members])
        wanted += [total >= group.least * kappa] if group.least is not None else []
        wanted += [total <= group.most * kappa] if group.most is not None else []
    wanted += [held.returns @ weights >= target] if target is not None else []
    wanted += [held.returns @ weights - rate * kappa == 1] if rate is not None else []
    loadings = held.volatilities[:, None] * np.linalg.cholesky(held.correlations)
    cvxpy.Problem(cvxpy.Minimize(cvxpy.sum_squares(loadings.T @ weights)), wanted).solve(solver="CLARABEL", **TIGHT)
    return weights.value / weights.value.sum()


@pytest.mark.parametrize("limits", LIMITS)
@pytest.mark.parametrize("seed", range(3))
def test_weights_under_limits_are_those_of_another_method(seed, limits):
    held = assets(seed)
    least = minimum_variance(held, limits)
    low = float(held.returns @ least.weights)
    target, rate = low + 0.02, low - 0.3
    for found, expected in (
        (least, by_cvxpy(held, limits)),
        (minimum_variance(held, limits, target), by_cvxpy(held, limits, target=target)),
        (max_sharpe(held, limits, rate), by_cvxpy(held, limits, rate=rate)),
    ):
        assert found.certain
        np.testing.assert_allclose(found.weights, expected, atol=1e-6)


def test_groups_can_leave_no_highest_ratio_though_the_riskless_rate_is_low():
    held, limits = assets(0), LIMITS[-1]
    low = float(held.returns @ minimum_variance(held, limits).weights)
    found = [minimum_variance(held, limits, low + more).weights for more in (0.5, 5.0, 50.0, 500.0)]
    ratios = [float(held.returns @ weights - low + 0.05) / held.deviation(weights) for weights in found]
    assert ratios == sorted(ratios)
    with pytest.raises(
        Infeasible, match=r"and the groups: with short sales .* no weights have the highest; ease the groups"
    ):
        max_sharpe(held, limits, low - 0.05)
