"""Weights by risk budgets, by the values of the literature and of skfolio, and by the contributions themselves."""

import numpy as np
import pytest

from risk.quant.optimization.assets import Assets
from risk.quant.optimization.infeasible import Infeasible
from risk.quant.optimization.risk_parity import contributions, risk_parity


def assets(volatilities, correlations):
    return Assets(np.zeros(len(volatilities)), np.array(volatilities), np.array(correlations, dtype=float))


def test_the_example_of_maillard_roncalli_and_teiletche():
    # "On the properties of equally-weighted risk contributions portfolios", May 2009: 38.4, 19.2, 24.3 and 18.2 %
    pairs = [[1, 0.8, 0, 0], [0.8, 1, 0, 0], [0, 0, 1, -0.5], [0, 0, -0.5, 1]]
    found = risk_parity(assets([0.1, 0.2, 0.3, 0.4], pairs), np.ones(4))
    assert found.weights == pytest.approx([0.384, 0.192, 0.243, 0.182], abs=5e-4)


@pytest.mark.parametrize(
    ("budgets", "published"), [([1, 1, 1], [0.1969, 0.3244, 0.4787]), ([50, 20, 30], [0.3115, 0.2190, 0.4696])]
)
def test_the_examples_of_roncalli_s_book(budgets, published):
    # Roncalli, "Introduction to Risk Parity and Budgeting", 2013, section 2.2.1
    three = assets([0.30, 0.20, 0.15], [[1, 0.8, 0.5], [0.8, 1, 0.3], [0.5, 0.3, 1]])
    assert risk_parity(three, np.array(budgets)).weights == pytest.approx(published, abs=5e-5)


def test_uncorrelated_and_equally_correlated_assets_are_weighted_by_inverse_volatility():
    volatilities = np.array([0.1, 0.2, 0.4])
    for correlation in (0.0, 0.5, 1.0):
        equally = np.full((3, 3), correlation) + (1 - correlation) * np.eye(3)
        expected = (1 / volatilities) / (1 / volatilities).sum()
        assert risk_parity(assets(volatilities, equally), np.ones(3)).weights == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("size", [1, 2, 30, 120])
@pytest.mark.parametrize("spread", [0.0, 4.0])
def test_every_asset_contributes_its_budget_whatever_the_volatilities(size, spread):
    rng = np.random.default_rng(size)
    history = rng.standard_normal((3 * size, size)) @ (rng.standard_normal((size, size)) + np.eye(size))
    correlations = np.atleast_2d(np.corrcoef(history, rowvar=False))
    budgets = 10 ** rng.uniform(-spread, 0, size)
    given = assets(10 ** rng.uniform(-8, 0, size), correlations)
    found = risk_parity(given, budgets)
    assert contributions(given, found.weights) == pytest.approx(budgets / budgets.sum(), rel=1e-8)
    assert found.weights.sum() == pytest.approx(1) and found.weights.min() > 0


@pytest.mark.parametrize("correlation", [-1.0, -1 + 1e-12])
def test_assets_that_hedge_each_other_share_no_risk(correlation):
    with pytest.raises(Infeasible, match="hedge each other to no risk"):
        risk_parity(assets([0.1, 0.3], [[1, correlation], [correlation, 1]]), np.ones(2))


def test_assets_that_nearly_hedge_each_other_still_share_what_is_left():
    found = risk_parity(assets([0.1, 0.3], [[1, -0.99999], [-0.99999, 1]]), np.ones(2))
    assert found.weights == pytest.approx([0.75, 0.25])
