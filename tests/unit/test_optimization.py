"""The weights are those of the closed form and keep to their limits; a limit that cannot hold is named."""

import numpy as np
import pytest

from risk.quant.optimization.assets import Assets
from risk.quant.optimization.frontier import frontier
from risk.quant.optimization.infeasible import Infeasible
from risk.quant.optimization.limits import Group, Limits
from risk.quant.optimization.max_sharpe import max_sharpe
from risk.quant.optimization.minimum_variance import minimum_variance

VOLATILITIES = np.array([0.10, 0.18, 0.25])
CORRELATIONS = np.array([[1, 0.3, 0.1], [0.3, 1, 0.4], [0.1, 0.4, 1]])
COVARIANCE = CORRELATIONS * np.outer(VOLATILITIES, VOLATILITIES)
THREE = Assets(np.array([0.08, 0.12, 0.15]), VOLATILITIES, CORRELATIONS)
FREE = Limits(long_only=False)
TANGENCY = np.linalg.solve(COVARIANCE, THREE.returns - 0.02)


def random_assets(seed, size):
    random = np.random.default_rng(seed)
    correlations = np.atleast_2d(np.corrcoef(random.normal(size=(size, 4 * size)) + random.normal(size=(1, 4 * size))))
    return Assets(random.normal(0.08, 0.05, size), random.uniform(0.05, 0.4, size), correlations)


def test_least_variance_is_the_closed_forms():
    expected = np.linalg.solve(COVARIANCE, np.ones(3))
    weights = minimum_variance(THREE, FREE).weights
    np.testing.assert_allclose(weights, expected / expected.sum(), atol=1e-14)
    np.testing.assert_allclose(weights, [0.824007, 0.092395, 0.083598], atol=1e-6)
    assert THREE.deviation(weights) == pytest.approx(0.094594, abs=1e-6)


@pytest.mark.parametrize("limits", [Limits(), FREE])
def test_the_highest_sharpe_ratio_is_the_closed_forms(limits):
    weights = max_sharpe(THREE, limits, 0.02).weights
    np.testing.assert_allclose(weights, TANGENCY / TANGENCY.sum(), atol=1e-14)
    np.testing.assert_allclose(weights, [0.623017, 0.188611, 0.188372], atol=1e-6)


@pytest.mark.parametrize("seed", range(20))
def test_the_tangency_portfolio_is_the_closed_forms_where_it_is_short(seed):
    held = random_assets(seed, 12)
    covariance = held.correlations * np.outer(held.volatilities, held.volatilities)
    least = np.linalg.solve(covariance, np.ones(12))
    rate = float(held.returns @ least / least.sum()) - 0.02
    expected = np.linalg.solve(covariance, held.returns - rate)
    found = max_sharpe(held, FREE, rate)
    assert found.certain
    np.testing.assert_allclose(found.weights, expected / expected.sum(), rtol=1e-9, atol=1e-12)
    with pytest.raises(Infeasible, match=r"is not below .*, the return of the least risky weights"):
        max_sharpe(held, FREE, rate + 0.03)


def test_the_highest_sharpe_ratio_keeps_to_limits_where_the_riskless_rate_is_above_the_least_risky_return():
    weights = max_sharpe(THREE, Limits(long_only=False, least=-1.0), 0.09).weights
    assert weights.min() == -1.0
    assert weights.sum() == pytest.approx(1)
    ratio = float(THREE.returns @ weights - 0.09) / THREE.deviation(weights)
    for nearby in np.random.default_rng(1).normal(0, 0.05, (200, 3)):
        other = np.maximum(weights + nearby - nearby.mean(), -1.0)
        if abs(other.sum() - 1) < 1e-12:
            assert float(THREE.returns @ other - 0.09) / THREE.deviation(other) <= ratio + 1e-12


def test_a_return_that_is_sought_is_reached_at_least_variance():
    weights = minimum_variance(THREE, Limits(), 0.12).weights
    np.testing.assert_allclose(weights, [0.276683, 0.354405, 0.368911], atol=1e-6)
    assert THREE.deviation(weights) == pytest.approx(0.140062, abs=1e-6)
    assert THREE.returns @ weights == pytest.approx(0.12, rel=1e-14)


def test_short_positions_are_allowed_only_on_request():
    hedged = Assets(np.array([0.05, 0.05]), np.array([0.1, 0.3]), np.array([[1, 0.9], [0.9, 1]]))
    assert minimum_variance(hedged, FREE).weights.min() < -0.01
    np.testing.assert_array_equal(minimum_variance(hedged, Limits()).weights, [1.0, 0.0])


def test_limits_are_kept_to_the_last_digit():
    limits = Limits(most=0.5, least=0.1, groups=[Group("risky", [1, 2], least=0.55, most=0.6)])
    for found in (minimum_variance(THREE, limits), max_sharpe(THREE, limits, 0.02), *frontier(THREE, limits, 4).points):
        assert found.certain
        assert found.weights.sum() == pytest.approx(1, abs=1e-15)
        assert found.weights.max() <= 0.5
        assert found.weights.min() >= 0.1
        assert 0.55 - 1e-15 <= found.weights[1:].sum() <= 0.6 + 1e-15


def test_a_weight_of_nothing_is_zero_and_has_no_sign():
    held = random_assets(1, 60)
    weights = minimum_variance(held, Limits()).weights
    assert (weights == 0).sum() > 20
    for limits in (Limits(), Limits(long_only=False, least=-0.0)):
        assert not np.signbit(minimum_variance(held, limits).weights).any()
    assert weights.sum() == pytest.approx(1, abs=1e-14)


def test_a_group_holds_no_more_than_its_most_and_no_less_than_its_least():
    for group in (Group("bonds", [0], most=0.5), Group("risky", [1, 2], least=0.5)):
        weights = minimum_variance(THREE, Limits(groups=[group])).weights
        assert weights[0] == pytest.approx(0.5, abs=1e-15)


def test_the_frontier_rises_from_the_least_risk_to_the_highest_return():
    found = frontier(THREE, Limits(), 6)
    weights = [point.weights for point in found.points]
    returns = [float(THREE.returns @ each) for each in weights]
    deviations = [THREE.deviation(each) for each in weights]
    np.testing.assert_allclose(weights[0], [0.824007, 0.092395, 0.083598], atol=1e-6)
    np.testing.assert_array_equal(weights[-1], [0, 0, 1])
    np.testing.assert_allclose(np.diff(returns, 2), 0, atol=1e-14)
    assert deviations == sorted(deviations)
    assert found.bounded


def test_each_point_of_the_frontier_is_the_least_variance_of_its_return():
    held = random_assets(3, 40)
    for point in frontier(held, Limits(most=0.3), 12).points[1:-1]:
        alone = minimum_variance(held, Limits(most=0.3), float(held.returns @ point.weights))
        np.testing.assert_allclose(point.weights, alone.weights, atol=1e-9)


def test_a_frontier_without_limits_ends_a_spread_of_returns_above_its_start():
    found = frontier(THREE, FREE, 5)
    assert not found.bounded
    start, end = (float(THREE.returns @ found.points[i].weights) for i in (0, -1))
    assert end - start == pytest.approx(0.07)


def test_a_frontier_of_equal_returns_is_one_point():
    equal = Assets(np.full(3, 0.1), VOLATILITIES, CORRELATIONS)
    assert len(frontier(equal, FREE, 5).points) == 1


@pytest.mark.parametrize(
    ("limits", "target", "words"),
    [
        (Limits(), 0.2, "target_return 0.2 cannot hold.*highest return within the other limits is 0.15"),
        (Limits(most=0.3), None, "max_weight 0.3 cannot hold"),
        (Limits(most=0.3333333), None, "max_weight 0.333333 cannot hold, it misses by 1e-07"),
        (Limits(least=0.4), None, "min_weight 0.4 cannot hold"),
        (Limits(groups=[Group("a", [0], least=1.2)]), None, "groups.a.min 1.2 cannot hold"),
        (Limits(long_only=False, groups=[Group("a", [0, 1, 2], most=0.5)]), None, "groups.a.max 0.5 cannot hold"),
    ],
)
def test_a_limit_that_cannot_hold_is_named(limits, target, words):
    with pytest.raises(Infeasible, match=words):
        minimum_variance(THREE, limits, target)
    if target is None:
        for ask in (lambda: max_sharpe(THREE, limits, 0.02), lambda: frontier(THREE, limits, 3)):
            with pytest.raises(Infeasible, match=words):
                ask()


def test_a_limit_that_only_just_holds_does():
    for found in (minimum_variance(THREE, Limits(most=1 / 3)), max_sharpe(THREE, Limits(least=1 / 3), 0.02)):
        np.testing.assert_allclose(found.weights, 1 / 3, atol=1e-15)


def test_a_riskless_rate_above_every_return_is_an_error_that_says_so():
    for limits, most in ((Limits(), "0.15"), (Limits(long_only=False, most=1.0, least=-0.5), "0.17")):
        with pytest.raises(Infeasible, match=rf"risk_free_rate: .* {most} is the most"):
            max_sharpe(THREE, limits, 0.3)
