"""Value at risk agrees with its closed form, and with itself on every worker."""

from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.quant import value_at_risk as quant

# V = 15,000; (σ, days, confidence) → value at risk in closed form, z σ √(h / 252) V.
CLOSED_FORM = [
    (0.20, 1, 0.95, 310.85),
    (0.20, 10, 0.95, 982.99),
    (0.20, 1, 0.99, 439.64),
    (0.20, 10, 0.99, 1390.26),
    (0.25, 10, 0.95, 1228.74),
    (0.30, 10, 0.99, 2085.39),
]


def loadings(*worth, volatility=0.2, days=10):
    values = np.array(worth, dtype=float)
    return np.sign(values) * quant.horizon_deviations(values, np.full(len(values), volatility), days)


def measured(weights, confidence=0.95, simulations=100_000, seed=7):
    return quant.measure_losses(quant.simulate_gains(weights, simulations, seed), confidence)


@pytest.mark.parametrize(("volatility", "days", "confidence", "expected"), CLOSED_FORM)
def test_one_position_agrees_with_the_closed_form(volatility, days, confidence, expected):
    measure = measured(loadings(15_000, volatility=volatility, days=days), confidence)
    assert abs(measure.value_at_risk - expected) < 4 * measure.standard_error
    low, high = measure.confidence_interval
    assert low < measure.value_at_risk < high


def test_expected_shortfall_agrees_with_the_closed_form():
    assert measured(loadings(15_000, days=1), simulations=1_000_000).expected_shortfall == pytest.approx(
        389.82, rel=4e-3
    )


def test_expected_shortfall_counts_the_boundary_loss_in_part():
    # Losses 1…10 at 85 %: the worst 1.5 of 10 are 10 and half of 9.
    assert quant.measure_losses(-np.arange(1.0, 11.0), 0.85).expected_shortfall == pytest.approx((10 + 0.5 * 9) / 1.5)


def test_the_value_at_risk_is_the_order_statistic_of_its_rank():
    assert quant.measure_losses(-np.arange(1.0, 101.0), 0.95).value_at_risk == 95


@settings(max_examples=20, deadline=None)
@given(st.floats(0.01, 1e6))
def test_it_scales_with_the_quantity(factor):
    once = measured(loadings(1_000, -400), simulations=2_000).value_at_risk
    assert measured(factor * loadings(1_000, -400), simulations=2_000).value_at_risk == pytest.approx(factor * once)


@settings(max_examples=20, deadline=None)
@given(st.floats(0.51, 0.998), st.floats(0.0005, 0.001))
def test_it_grows_with_the_confidence_and_stays_under_the_shortfall(confidence, more):
    gains = quant.simulate_gains(loadings(1_000, 2_000), 5_000, seed=3)
    low, high = quant.measure_losses(gains, confidence), quant.measure_losses(gains, confidence + more)
    assert low.value_at_risk <= high.value_at_risk
    assert low.value_at_risk <= low.expected_shortfall


def test_positions_that_move_together_add_up_and_opposite_ones_cancel():
    together = np.array([[1.0, 1.0], [1.0, 1.0]]), loadings(1_000, 1_000)
    opposite = np.array([[1.0, -1.0], [-1.0, 1.0]]), loadings(1_000, 1_000)
    one = measured(loadings(2_000)).value_at_risk
    assert measured(together[1] @ quant.correlation_factor(together[0])).value_at_risk == pytest.approx(one, rel=0.02)
    assert measured(opposite[1] @ quant.correlation_factor(opposite[0])).value_at_risk == pytest.approx(0, abs=1e-3)


def test_independent_positions_diversify():
    expected = 1.6448536 * sqrt(2) * 1_000 * 0.2 * sqrt(10 / 252)
    measure = measured(loadings(1_000, 1_000))
    assert abs(measure.value_at_risk - expected) < 4 * measure.standard_error


def test_a_short_position_loses_like_a_long_one():
    assert measured(loadings(-15_000)).value_at_risk == pytest.approx(982.99, rel=0.02)


def test_a_factor_gives_its_matrix_back():
    matrix = np.array([[1, 0.3, 0.1], [0.3, 1, 0.4], [0.1, 0.4, 1]])
    factor = quant.correlation_factor(matrix)
    np.testing.assert_allclose(factor @ factor.T, matrix, atol=1e-12)


def test_an_impossible_matrix_is_refused_with_its_smallest_eigenvalue():
    impossible = np.array([[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1]])
    with pytest.raises(quant.NotPositiveSemidefinite, match=r"smallest eigenvalue is -0\.8"):
        quant.correlation_factor(impossible)


def test_the_same_seed_gives_the_same_bits_and_another_gives_others():
    weights = loadings(1_000, 2_000, 3_000)
    first, second = (quant.simulate_gains(weights, 400_000, seed=42) for _ in range(2))
    assert first.tobytes() == second.tobytes()
    assert first.tobytes() != quant.simulate_gains(weights, 400_000, seed=43).tobytes()


def test_chunks_are_independent_draws():
    weights = loadings(*[1_000] * 100)
    chunk = quant.NORMALS_PER_CHUNK // 100
    gains = quant.simulate_gains(weights, 2 * chunk, seed=1)
    assert abs(np.corrcoef(gains[:chunk], gains[chunk:])[0, 1]) < 5 / sqrt(chunk)
