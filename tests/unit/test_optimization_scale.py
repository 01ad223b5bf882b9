"""Neither the scale of volatilities and returns nor a covariance that is singular changes what weights are best."""

import numpy as np
import pytest

from risk.quant.optimization.assets import Assets
from risk.quant.optimization.corner import Limited
from risk.quant.optimization.frontier import frontier
from risk.quant.optimization.infeasible import Infeasible
from risk.quant.optimization.limits import Limits
from risk.quant.optimization.max_sharpe import max_sharpe
from risk.quant.optimization.minimum_variance import minimum_variance
from risk.quant.optimization.solver import Solver

RETURNS = np.array([0.08, 0.12, 0.15])
VOLATILITIES = np.array([0.10, 0.18, 0.25])
CORRELATIONS = np.array([[1, 0.3, 0.1], [0.3, 1, 0.4], [0.1, 0.4, 1]])
HEDGED = Assets(np.array([0.1, 0.05]), np.array([0.2, 0.2]), np.array([[1.0, -1.0], [-1.0, 1.0]]))
FREE = Limits(long_only=False)


def all_weights(returns, volatilities, rate, target):
    held = Assets(returns, volatilities, CORRELATIONS)
    found = [
        minimum_variance(held, Limits()),
        minimum_variance(held, Limits(most=0.6), target),
        max_sharpe(held, Limits(), rate),
        max_sharpe(held, FREE, rate),
        *frontier(held, Limits(), 5).points,
    ]
    assert all(each.certain for each in found)
    return np.array([each.weights for each in found])


@pytest.mark.parametrize("scale", [1e-5, 1e-100, 1e-300, 1e3, 1e100])
def test_volatilities_of_another_period_or_unit_give_the_same_weights(scale):
    same = all_weights(RETURNS, VOLATILITIES, 0.02, 0.12)
    np.testing.assert_allclose(all_weights(RETURNS, VOLATILITIES * scale, 0.02, 0.12), same, atol=1e-12)


@pytest.mark.parametrize("scale", [1e-7, 1e-30, 10])
def test_returns_of_another_period_or_unit_give_the_same_weights(scale):
    same = all_weights(RETURNS, VOLATILITIES, 0.02, 0.12)
    scaled = all_weights(RETURNS * scale, VOLATILITIES, 0.02 * scale, 0.12 * scale)
    np.testing.assert_allclose(scaled, same, atol=1e-9)


def test_a_return_out_of_reach_is_refused_at_any_scale():
    held = Assets(RETURNS * 1e-6, VOLATILITIES, CORRELATIONS)
    with pytest.raises(Infeasible, match=r"target_return 1\.6e-07 cannot hold, it misses by 1e-08; .* is 1\.5e-07"):
        minimum_variance(held, Limits(), 1.6e-7)
    with pytest.raises(Infeasible, match=r"risk_free_rate: .*; 1\.5e-07 is the most"):
        max_sharpe(held, Limits(), 1.6e-7)


def test_returns_that_differ_in_the_last_digits_only_are_told_apart():
    held = Assets(0.05 + np.array([0, 1e-9, 2e-9]), VOLATILITIES, np.eye(3))
    weights = minimum_variance(held, Limits(), 0.05 + 1.5e-9).weights
    np.testing.assert_allclose(weights @ [0, 1e-9, 2e-9], 1.5e-9, rtol=1e-5)


@pytest.mark.parametrize("small", [1e-3, 1e-5, 1e-7, 1e-9])
def test_an_asset_of_hardly_any_risk_beside_others(small):
    held = Assets(RETURNS, np.array([small, 2 * small, 0.2]), np.eye(3))
    weights = minimum_variance(held, Limits()).weights
    np.testing.assert_allclose(
        weights, np.array([1, 1 / 4, (small / 0.2) ** 2]) / (1.25 + (small / 0.2) ** 2), rtol=1e-9
    )
    sought = minimum_variance(held, Limits(), 0.14)
    assert sought.certain
    np.testing.assert_allclose(sought.weights, [0, 1 / 3, 2 / 3], atol=1e-9)
    ratio = max_sharpe(held, Limits(), 0.0).weights
    expected = RETURNS / held.volatilities**2
    np.testing.assert_allclose(ratio, expected / expected.sum(), rtol=1e-9)
    np.testing.assert_allclose(frontier(held, Limits(), 4).points[-1].weights, [0, 0, 1], atol=1e-9)


def test_the_solver_alone_tells_limits_apart_for_volatilities_a_million_times_apart():
    unlimited, sought = np.full(3, np.inf), 0.06 / 0.02
    rows = np.array([[1, 0.5, 5e-6], [0, 1, 0.07 * 5e-6 / 0.02]])
    least, most = np.r_[np.zeros(3), 1, sought], np.r_[unlimited, 1, np.inf]
    assert Solver(Limited(np.eye(3), rows, least, most, np.ones(3), False)).solve() is not None


def test_a_perfect_hedge_has_no_deviation():
    for found in (
        minimum_variance(HEDGED, Limits()),
        max_sharpe(HEDGED, Limits(), 0.02),
        max_sharpe(HEDGED, FREE, 0.02),
    ):
        assert found.certain
        np.testing.assert_allclose(found.weights, 0.5, atol=1e-12)
        assert HEDGED.deviation(found.weights) == 0.0
    nearly = Assets(HEDGED.returns, HEDGED.volatilities, np.array([[1, -1 + 1e-9], [-1 + 1e-9, 1]]))
    found = minimum_variance(nearly, Limits())
    assert nearly.deviation(found.weights) == pytest.approx(0.2 * np.sqrt(0.5e-9), rel=1e-6)


def test_a_riskless_mix_of_short_sales_that_returns_more_than_the_rate_has_no_highest_ratio():
    alike = Assets(np.array([0.10, 0.12]), np.array([0.2, 0.3]), np.ones((2, 2)))
    weights = minimum_variance(alike, FREE).weights
    np.testing.assert_allclose(weights, [3, -2], atol=1e-9)
    assert alike.deviation(weights) == 0.0


def test_assets_that_cannot_be_told_apart_share():
    twins = Assets(np.array([0.1, 0.1, 0.08]), np.array([0.2, 0.2, 0.3]), np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1.0]]))
    found = minimum_variance(twins, Limits())
    assert found.certain
    np.testing.assert_allclose(found.weights, np.array([4.5, 4.5, 4]) / 13, atol=1e-9)
    assert twins.alike(found.weights, found.free, [np.ones(3)])
    assert not HEDGED.alike(np.array([0.5, 0.5]), np.array([True, True]), [np.ones(2)])


@pytest.mark.parametrize("seed", range(5))
def test_more_assets_than_observations(seed):
    random = np.random.default_rng(seed)
    sample = random.normal(size=(30, 20)) + random.normal(size=(1, 20))
    held = Assets(random.normal(0.08, 0.05, 30), random.uniform(0.1, 0.4, 30), np.atleast_2d(np.corrcoef(sample)))
    found = minimum_variance(held, Limits())
    assert found.certain
    other = minimum_variance(held, Limits(most=found.weights.max() * 0.9))
    assert other.certain
    assert held.deviation(other.weights) >= held.deviation(found.weights)
    assert all(point.certain for point in frontier(held, Limits(), 6).points)
