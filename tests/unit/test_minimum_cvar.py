"""Weights of least conditional value at risk: published values, skfolio's, and the closed form of normal returns."""

import numpy as np
import pytest
from scipy.stats import norm, qmc

from risk.quant.optimization.assets import Assets
from risk.quant.optimization.infeasible import Infeasible
from risk.quant.optimization.limits import Group, Limits
from risk.quant.optimization.minimum_cvar import cvar, minimum_cvar


def assets(history, a_year=1.0):
    deviations = history.std(axis=0)
    return Assets(history.mean(axis=0) * a_year, deviations, np.corrcoef(history, rowvar=False))


def heavy_tailed():
    """500 days of four assets."""
    drawn = np.random.RandomState(16)
    market = drawn.standard_t(4, (500, 1)) * 0.01
    own = drawn.standard_t(5, (500, 4)) * np.array([0.007, 0.008, 0.012, 0.009])
    return 0.0003 + market * np.array([0.7, 1, 1.2, 0.8]) + own


LIMITED = Limits(groups=[Group("b", [2, 3], 0.6, 0.7)])
# skfolio 1.12.2, MeanRisk(MINIMIZE_RISK, RiskMeasure.CVAR, cvar_beta=…) on `heavy_tailed()`
SKFOLIO = [
    (0.95, Limits(), [0.784753, 0.02195, 0.0, 0.193296], 0.028425613647908986),
    (0.99, Limits(), [0.631844, 0.0, 0.0, 0.368156], 0.041023447546693764),
    (0.95, Limits(most=0.4), [0.4, 0.2, 0.0, 0.4], 0.029877678649994736),
    (0.99, Limits(False, -1.0, 2.0), [0.705022, 0.260095, -0.389876, 0.424759], 0.036333341562532206),
    (0.95, LIMITED, [0.4, 0.0, 0.075175, 0.524825], 0.030845616877566692),
    (0.99, LIMITED, [0.385674, 0.014326, 0.018206, 0.581794], 0.04342804895354646),
]


@pytest.mark.parametrize(("confidence", "limits", "weights", "risk"), SKFOLIO)
def test_the_weights_and_the_risk_of_skfolio(confidence, limits, weights, risk):
    history = heavy_tailed()
    found = minimum_cvar(assets(history), history, limits, confidence)
    assert found.certain
    assert found.weights == pytest.approx(weights, abs=1e-6)
    assert cvar(history @ found.weights, confidence) == pytest.approx(risk, rel=1e-9)


def test_a_return_that_is_sought_is_skfolio_s_too():
    history = heavy_tailed()
    found = minimum_cvar(assets(history), history, Limits(), 0.95, 0.0004)
    assert found.weights == pytest.approx([0.021017, 0.0, 0.0, 0.978983], abs=1e-6)
    assert cvar(history @ found.weights, 0.95) == pytest.approx(0.03732056880841951, rel=1e-9)


@pytest.mark.parametrize(("confidence", "published"), [(0.90, 0.096975), (0.95, 0.115908), (0.99, 0.152977)])
def test_the_portfolio_of_rockafellar_and_uryasev(confidence, published):
    """Of normal returns the weights of least CVaR are those of least variance: theirs are 45.2, 11.6 and 43.2 %."""
    # "Optimization of conditional value-at-risk", J. of Risk 2(3), 2000, section 4: tables 1 to 4
    means = np.array([0.0101110, 0.0043532, 0.0137058])
    first, second, third = (
        [0.00324625, 0.00022983, 0.00420395],
        [0.00022983, 0.00049937, 0.00019247],
        [0.00420395, 0.00019247, 0.00764097],
    )
    covariance = np.array([first, second, third])
    normals = norm.ppf(qmc.Sobol(3, seed=1).random(4096))
    history = means + normals @ np.linalg.cholesky(covariance).T
    found = minimum_cvar(Assets(means, np.ones(3), np.eye(3)), history, Limits(), confidence, 0.011)
    assert found.weights == pytest.approx([0.452013, 0.115573, 0.432414], abs=0.05)
    assert cvar(history @ found.weights, confidence) == pytest.approx(published, rel=0.01)


def test_the_period_at_the_edge_of_the_tail_counts_with_its_part():
    returns = np.array([-0.5, -0.3, 0.1, 0.2])
    assert cvar(returns, 0.75) == pytest.approx(0.5)
    assert cvar(returns, 0.5) == pytest.approx(0.4)
    assert cvar(returns, 0.625) == pytest.approx((0.5 + 0.5 * 0.3) / 1.5)


def test_no_other_weights_lose_less():
    history = heavy_tailed()
    least = cvar(history @ minimum_cvar(assets(history), history, Limits(), 0.95).weights, 0.95)
    others = np.random.default_rng(1).dirichlet(np.ones(4), 2_000)
    worst = np.sort(history @ others.T, axis=0)[:25]
    assert -worst.mean(axis=0).max() > least


@pytest.mark.parametrize(
    ("limits", "target", "words"),
    [
        (Limits(most=0.2), None, "max_weight 0.2 cannot hold, it misses by 0.2"),
        (Limits(), 0.05, "target_return 0.05 cannot hold"),
        (Limits(groups=[Group("g", [0, 1], 0.8), Group("h", [2, 3], 0.8)]), None, "groups"),
    ],
)
def test_limits_that_cannot_hold_are_named(limits, target, words):
    history = heavy_tailed()
    with pytest.raises(Infeasible, match=words):
        minimum_cvar(assets(history), history, limits, 0.95, target)


def test_short_sales_without_limits_and_few_periods_have_no_least_loss():
    history = np.random.default_rng(1).standard_normal((12, 10)) * 0.01
    with pytest.raises(Infeasible, match="there is no least loss; give max_weight and min_weight, or more periods"):
        minimum_cvar(assets(history), history, Limits(long_only=False), 0.8)
