"""The weights are those of the closed form and keep to their limits; a constraint that cannot hold is named."""

import numpy as np
import pytest

from risk.quant import optimization as quant
from risk.quant.covariance import factor

VOLATILITIES = np.array([0.10, 0.18, 0.25])
CORRELATIONS = np.array([[1, 0.3, 0.1], [0.3, 1, 0.4], [0.1, 0.4, 1]])
THREE = quant.Assets(np.array([0.08, 0.12, 0.15]), VOLATILITIES[:, None] * factor(CORRELATIONS))
FREE = quant.Limits(long_only=False)


def test_least_variance_is_the_closed_forms():
    covariance = THREE.factor @ THREE.factor.T
    expected = np.linalg.solve(covariance, np.ones(3))
    weights = quant.minimum_variance(THREE, FREE)
    np.testing.assert_allclose(weights, expected / expected.sum(), atol=1e-6)
    np.testing.assert_allclose(weights, [0.824007, 0.092395, 0.083598], atol=1e-6)
    assert THREE.deviation(weights) == pytest.approx(0.094594, abs=1e-6)


def test_the_highest_sharpe_ratio_is_the_closed_forms():
    expected = np.linalg.solve(THREE.factor @ THREE.factor.T, THREE.returns - 0.02)
    weights = quant.max_sharpe(THREE, quant.Limits(), 0.02)
    np.testing.assert_allclose(weights, expected / expected.sum(), atol=1e-6)
    np.testing.assert_allclose(weights, [0.623017, 0.188611, 0.188372], atol=1e-6)


def test_a_return_that_is_sought_is_reached_at_least_variance():
    weights = quant.minimum_variance(THREE, quant.Limits(), 0.12)
    np.testing.assert_allclose(weights, [0.276683, 0.354405, 0.368911], atol=1e-6)
    assert THREE.deviation(weights) == pytest.approx(0.140062, abs=1e-6)


def test_short_positions_are_allowed_only_on_request():
    hedged = quant.Assets(np.array([0.05, 0.05]), np.array([[0.1, 0.0], [0.27, 0.13]]))
    assert quant.minimum_variance(hedged, FREE).min() < -0.01
    assert quant.minimum_variance(hedged, quant.Limits()).min() > -1e-8


def test_limits_are_kept_by_least_variance_and_by_the_highest_sharpe_ratio():
    limits = quant.Limits(most=0.5, least=0.1, groups=[quant.Group("risky", [1, 2], least=0.55, most=0.6)])
    for weights in (quant.minimum_variance(THREE, limits), quant.max_sharpe(THREE, limits, 0.02)):
        assert weights.sum() == pytest.approx(1)
        assert weights.max() <= 0.5 + 1e-7
        assert weights.min() >= 0.1 - 1e-7
        assert 0.55 - 1e-7 <= weights[1:].sum() <= 0.6 + 1e-7


def test_a_group_holds_no_more_than_its_most_and_no_less_than_its_least():
    for group in (quant.Group("bonds", [0], most=0.5), quant.Group("risky", [1, 2], least=0.5)):
        weights = quant.minimum_variance(THREE, quant.Limits(groups=[group]))
        assert weights[0] == pytest.approx(0.5, abs=1e-6)


def test_the_frontier_rises_from_the_least_risk_to_the_highest_return():
    points = quant.frontier(THREE, quant.Limits(), 6)
    returns = [float(THREE.returns @ point) for point in points]
    deviations = [THREE.deviation(point) for point in points]
    np.testing.assert_allclose(points[0], [0.824007, 0.092395, 0.083598], atol=1e-3)
    np.testing.assert_allclose(points[-1], [0, 0, 1], atol=1e-3)
    assert returns == sorted(returns)
    assert deviations == sorted(deviations)


@pytest.mark.parametrize(
    ("limits", "target", "words"),
    [
        (quant.Limits(), 0.2, "target_return 0.2 cannot hold.*highest return within the other limits is 0.15"),
        (quant.Limits(most=0.3), None, "max_weight 0.3 cannot hold"),
        (quant.Limits(least=0.4), None, "min_weight 0.4 cannot hold"),
        (quant.Limits(groups=[quant.Group("a", [0], least=1.2)]), None, "groups.a.min 1.2 cannot hold"),
    ],
)
def test_a_constraint_that_cannot_hold_is_named(limits, target, words):
    with pytest.raises(quant.Infeasible, match=words):
        quant.minimum_variance(THREE, limits, target)


def test_a_riskless_rate_above_every_return_is_an_error_that_says_so():
    with pytest.raises(quant.Infeasible, match=r"risk_free_rate: .* 0\.15 is the most"):
        quant.max_sharpe(THREE, quant.Limits(), 0.2)
