"""Weights that others have published, with their source: corner portfolios, tangency portfolios, least variances."""

import numpy as np
import pytest

from risk.quant.optimization.assets import Assets
from risk.quant.optimization.frontier import frontier
from risk.quant.optimization.limits import Limits
from risk.quant.optimization.max_sharpe import max_sharpe
from risk.quant.optimization.minimum_variance import minimum_variance

FREE = Limits(long_only=False)


def assets(returns, covariance):
    matrix = np.array(covariance, dtype=float)
    deviations = np.sqrt(np.diag(matrix))
    return Assets(np.array(returns, dtype=float), deviations, matrix / np.outer(deviations, deviations))


# Bailey and López de Prado 2013, "An open-source implementation of the critical-line algorithm", § 5; the data are of
# Markowitz and Todd 2000, chapter 13.
TRIANGLE = [
    [0.40755159],
    [0.03175842, 0.9063047],
    [0.05183923, 0.03136385, 0.19490901],
    [0.05663904, 0.02687256, 0.04408485, 0.19528471],
    [0.0330226, 0.01917172, 0.03006772, 0.02777345, 0.34059105],
    [0.00827775, 0.00934384, 0.01322738, 0.00526665, 0.00777055, 0.15983874],
    [0.02165938, 0.02495043, 0.03525971, 0.01375808, 0.02067844, 0.02105575, 0.68056711],
    [0.01332419, 0.00761036, 0.0115493, 0.00780878, 0.00736409, 0.00518686, 0.01377882, 0.95526918],
    [0.0343476, 0.02874874, 0.0427563, 0.02914176, 0.02542657, 0.01723737, 0.04627027, 0.0106553, 0.31681584],
    [
        0.02249903, 0.01336866, 0.02057303, 0.01640377, 0.01284075, 0.00723779, 0.01926088, 0.00760955, 0.01854318,
        0.11079287,
    ],
]  # fmt: skip
BAILEY = assets(
    [1.175, 1.19, 0.396, 1.12, 0.346, 0.679, 0.089, 0.73, 0.481, 1.08],
    [[TRIANGLE[max(i, j)][min(i, j)] for j in range(10)] for i in range(10)],
)
# Markowitz 1959, "Portfolio Selection", chapter VIII.
MARKOWITZ = assets(
    [0.062, 0.146, 0.128], [[0.0146, 0.0187, 0.0145], [0.0187, 0.0854, 0.0104], [0.0145, 0.0104, 0.0289]]
)
# Kwan 2007, "A simple spreadsheet-based exposition of the Markowitz critical line method".
KWAN = assets([0.05, 0.08, 0.12], [[0.0004, 0.0004, 0.0002], [0.0004, 0.0025, 0.001], [0.0002, 0.001, 0.01]])
# Sharpe, "Macro-Investment Analysis", in per cent: https://web.stanford.edu/~wfsharpe/mia/opt/mia_opt3.htm
SHARPE = assets([2.8, 6.3, 10.8], [[1, 2.96, 2.31], [2.96, 54.76, 39.886], [2.31, 39.886, 237.16]])
CORNERS = [
    (MARKOWITZ, Limits(), [0.9931034482758623, 0, 0.006896551724137813]),
    (MARKOWITZ, Limits(), [0.8414051841746248, 0, 0.15859481582537516]),
    (MARKOWITZ, Limits(), [0, 0.22496808316614988, 0.7750319168338501]),
    (MARKOWITZ, Limits(), [0, 1, 0]),
    (KWAN, Limits(), [0.98, 0, 0.02]),
    (KWAN, Limits(), [0.9754098360655736, 0, 0.024590163934426246]),
    (KWAN, Limits(), [0, 0.6485013623978203, 0.3514986376021796]),
    (KWAN, Limits(most=0.7), [0.7, 0.2438095238095238, 0.05619047619047619]),
    (KWAN, Limits(most=0.7), [0.7, 0.18310626702997274, 0.11689373297002724]),
    (KWAN, Limits(most=0.7), [0, 0.3, 0.7]),
    (SHARPE, Limits(least=0.2, most=0.5), [0.5, 0.3, 0.2]),
    (SHARPE, Limits(least=0.2, most=0.5), [0.451915610952186, 0.348084389047814, 0.2]),
    (SHARPE, Limits(least=0.2, most=0.5), [0.22180737780348653, 0.5, 0.27819262219651353]),
    (SHARPE, Limits(least=0.2, most=0.5), [0.2, 0.3, 0.5]),
    (BAILEY, Limits(), [
        0.03696858147921504, 0.02690083780081047, 0.0949424305647986, 0.1257759521946726, 0.0767460810325476,
        0.21935567131616898, 0.029987096882220312, 0.035963284621386274, 0.06134983772972688, 0.29201022637845325]),
    (BAILEY, Limits(), [
        0.0846709411996219, 0.049253858741118525, 0, 0.21963390336360733, 0, 0.18003923464176064, 0,
        0.03102980185535347, 0.006485702415438152, 0.42888655778310003]),
    (BAILEY, Limits(), [
        0.12688785385570883, 0.07234334721032556, 0, 0.28125374926334057, 0, 0, 0, 0, 0, 0.5195150496706249]),
    (BAILEY, Limits(), [0, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
]  # fmt: skip


@pytest.mark.parametrize(("held", "limits", "weights"), CORNERS)
def test_a_corner_portfolio_is_the_least_risky_of_its_return(held, limits, weights):
    found = minimum_variance(held, limits, float(held.returns @ weights))
    assert found.certain
    np.testing.assert_allclose(found.weights, weights, atol=1e-9)


@pytest.mark.parametrize(("held", "limits", "weights"), [c for c in CORNERS if c[0] is not SHARPE][::4])
def test_the_frontier_goes_through_the_corner_portfolios(held, limits, weights):
    points = frontier(held, limits, 50).points
    returns = [float(held.returns @ point.weights) for point in points]
    deviation = np.interp(float(held.returns @ weights), returns, [held.deviation(point.weights) for point in points])
    assert held.deviation(np.array(weights)) == pytest.approx(deviation, rel=2e-3)


def test_the_highest_sharpe_ratio_of_bailey_and_lopez_de_prado():
    found = max_sharpe(BAILEY, Limits(), 0.0)
    ratio = float(BAILEY.returns @ found.weights) / BAILEY.deviation(found.weights)
    assert ratio == pytest.approx(4.4535, abs=5e-5)  # their figure 5
    assert BAILEY.deviation(minimum_variance(BAILEY, Limits()).weights) == pytest.approx(0.2052, abs=5e-5)


def test_the_tangency_portfolio_of_elton_and_gruber():
    """Modern Portfolio Theory and Investment Analysis, chapter 6, "Short sales allowed with riskless lending"."""
    deviations = np.array([6.0, 3.0, 15.0])
    held = Assets(np.array([14.0, 8.0, 20.0]), deviations, np.array([[1, 0.5, 0.2], [0.5, 1, 0.4], [0.2, 0.4, 1]]))
    found = max_sharpe(held, FREE, 5.0)
    np.testing.assert_allclose(found.weights, [14 / 18, 1 / 18, 3 / 18], atol=1e-12)
    assert held.returns @ found.weights == pytest.approx(14 + 2 / 3)
    assert held.deviation(found.weights) ** 2 == pytest.approx(203 / 6)


# Zivot, "Introduction to Computational Finance and Financial Econometrics with R", chapter 12: Microsoft, Nordstrom and
# Starbucks, of a month.
ZIVOT = assets([0.0427, 0.0015, 0.0285], [[0.0100, 0.0018, 0.0011], [0.0018, 0.0109, 0.0026], [0.0011, 0.0026, 0.0199]])


def test_zivots_portfolios_with_short_sales():
    np.testing.assert_allclose(minimum_variance(ZIVOT, FREE).weights, [0.4411, 0.3656, 0.1933], atol=5e-5)
    np.testing.assert_allclose(minimum_variance(ZIVOT, FREE, 0.0427).weights, [0.8275, -0.0907, 0.2633], atol=1e-4)
    np.testing.assert_allclose(max_sharpe(ZIVOT, FREE, 0.005).weights, [1.0268, -0.3263, 0.2994], atol=1e-4)


def test_roncallis_and_bais_least_variances():
    """Roncalli 2010, "Understanding the impact of weights constraints in portfolio theory", and Bai, Scheinberg and
    Tütüncü 2016, "Least-squares approach to risk parity", with weights from 5 % to 35 %."""
    roncalli = assets(
        np.zeros(4),
        [
            [0.0225, 0.003, 0.015, 0.0225],
            [0.003, 0.04, 0.035, 0.024],
            [0.015, 0.035, 0.0625, 0.06],
            [0.0225, 0.024, 0.06, 0.09],
        ],
    )
    np.testing.assert_allclose(minimum_variance(roncalli, Limits()).weights, [0.654867, 0.345133, 0, 0], atol=1e-6)
    bai = assets(
        np.zeros(5),
        [
            [94.868, 33.750, 12.325, -1.178, 8.778],
            [33.750, 445.642, 98.955, -7.901, 84.954],
            [12.325, 98.955, 117.265, 0.503, 45.184],
            [-1.178, -7.901, 0.503, 5.460, 1.057],
            [8.778, 84.954, 45.184, 1.057, 34.126],
        ],
    )
    expected = [0.2, 0.05, 0.05, 0.35, 0.35]
    np.testing.assert_allclose(minimum_variance(bai, Limits(least=0.05, most=0.35)).weights, expected, atol=5e-4)
