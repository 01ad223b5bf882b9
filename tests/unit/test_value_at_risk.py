"""Value at risk agrees with its closed form, and with itself on every worker."""

from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from risk.quant import contributions, scenarios, value_at_risk
from risk.quant.checkpoint import Progress
from risk.quant.covariance import NotPositiveSemidefinite, factor
from risk.quant.intervals import quantile_ranks
from risk.quant.lognormal import losses_of
from risk.quant.loss_measure import measure_losses
from risk.quant.portfolio import from_covariance, over_horizon
from risk.quant.stopwatch import Stopwatch
from risk.quant.streams import chunk_rows, chunk_sizes, stream

# V = 15,000; (σ, days, confidence) → value at risk in closed form, z σ √(h / 252) V.
CLOSED_FORM = [
    (0.20, 1, 0.95, 310.85),
    (0.20, 10, 0.95, 982.99),
    (0.20, 1, 0.99, 439.64),
    (0.20, 10, 0.99, 1390.26),
    (0.25, 1, 0.95, 388.56),
    (0.25, 10, 0.95, 1228.74),
    (0.25, 10, 0.99, 1737.82),
    (0.30, 1, 0.99, 659.46),
    (0.30, 10, 0.99, 2085.39),
]
# A year of one lognormal position of 15,000 whose expected return is 0, at 95 %, in closed form.
LOGNORMAL_DEVIATION = 0.5
LOGNORMAL_VALUE_AT_RISK = 15_000 * (1 - np.exp(-(LOGNORMAL_DEVIATION**2) / 2 - 1.6448536 * LOGNORMAL_DEVIATION))
THREE = np.array([[1, 0.3, 0.1], [0.3, 1, 0.4], [0.1, 0.4, 1]])


def portfolio(*worth, volatility=0.2, drift=0.0, days=10, correlations=None):
    values = np.array(worth, dtype=float)
    size = len(values)
    return over_horizon(values, np.full(size, volatility), np.full(size, drift), days, correlations)


def simulated(held, confidence=0.95, simulations=100_000, seed=7, **rest):
    draw, rows = scenarios.normal_losses(held, seed, Stopwatch())
    return value_at_risk.simulate(draw, chunk_sizes(simulations, rows), confidence, **rest)


def interval_of(measure):
    assert measure.confidence_interval is not None
    return measure.confidence_interval


def lognormal(held, simulations=100_000, seed=7):
    draw, rows = losses_of(held, seed, Stopwatch())
    return value_at_risk.simulate(draw, chunk_sizes(simulations, rows), 0.95)


@pytest.mark.parametrize(("volatility", "days", "confidence", "expected"), CLOSED_FORM)
def test_one_position_agrees_with_the_closed_form(volatility, days, confidence, expected):
    held = portfolio(15_000, volatility=volatility, days=days)
    measure = simulated(held, confidence).measure
    assert abs(measure.value_at_risk - expected) < 4 * measure.standard_error
    assert value_at_risk.parametric(held, confidence).value_at_risk == pytest.approx(expected, abs=0.006)
    low, high = interval_of(measure)
    assert low < measure.value_at_risk < high


def test_expected_shortfall_agrees_with_the_closed_form():
    held = portfolio(15_000, days=1)
    measure = simulated(held).measure
    assert value_at_risk.parametric(held, 0.95).expected_shortfall == pytest.approx(389.82, abs=0.006)
    assert abs(measure.expected_shortfall - 389.82) < 4 * measure.shortfall_standard_error
    assert measure.shortfall_standard_error < 0.01 * 389.82


def test_expected_shortfall_counts_the_boundary_loss_in_part():
    # Losses 1…10 at 85 %: the worst 1.5 of 10 are 10 and half of 9.
    assert measure_losses(np.arange(1.0, 11.0), 0.85).expected_shortfall == pytest.approx((10 + 0.5 * 9) / 1.5)


@pytest.mark.parametrize("confidence", [0.02, 0.5, 0.95, 0.999])
def test_value_and_interval_are_order_statistics_of_their_ranks(confidence):
    losses = stream(3, 0).standard_normal(20_000)
    ordered, measure = np.sort(losses), measure_losses(losses.copy(), confidence)
    assert measure.value_at_risk == ordered[round(20_000 * confidence) - 1]
    low, high = quantile_ranks(20_000, confidence) or (0, 0)
    assert measure.confidence_interval == (ordered[low], ordered[high])
    assert 0.95 <= binom.cdf(high, 20_000, confidence) - binom.cdf(low, 20_000, confidence) <= 0.96


@pytest.mark.parametrize("threshold", [-1.0, 0.0, 1.6, 9.0])
def test_a_threshold_changes_nothing_but_the_work(threshold):
    losses = stream(3, 0).standard_normal(20_000)
    quick, full = measure_losses(losses.copy(), 0.95, threshold), measure_losses(losses.copy(), 0.95)
    assert quick.confidence_interval == full.confidence_interval
    assert quick.value_at_risk == full.value_at_risk
    assert quick.expected_shortfall == pytest.approx(full.expected_shortfall, rel=1e-12)


def normal_interval(seed):
    return simulated(portfolio(15_000), simulations=5_000, seed=seed).measure.confidence_interval


def lognormal_interval(seed):
    held = portfolio(15_000, volatility=LOGNORMAL_DEVIATION, days=252)
    return lognormal(held, simulations=5_000, seed=seed).measure.confidence_interval


@pytest.mark.parametrize(
    ("interval", "truth"), [(normal_interval, 982.9857), (lognormal_interval, LOGNORMAL_VALUE_AT_RISK)]
)
@pytest.mark.repeated
def test_the_95_percent_interval_holds_the_truth_in_95_of_100_cases(interval, truth):
    intervals = [interval(seed) for seed in range(1_000)]
    assert 930 <= sum(low <= truth <= high for low, high in intervals) <= 970


@settings(max_examples=20, deadline=None)
@given(st.floats(0.01, 1e6))
def test_it_scales_with_the_quantity(times):
    once = simulated(portfolio(1_000, -400), simulations=2_000).measure.value_at_risk
    more = simulated(portfolio(1_000 * times, -400 * times), simulations=2_000).measure.value_at_risk
    assert more == pytest.approx(times * once)


@settings(max_examples=20, deadline=None)
@given(st.floats(0.51, 0.998), st.floats(0.0005, 0.001))
def test_it_grows_with_the_confidence_and_stays_under_the_shortfall(confidence, more):
    held = portfolio(1_000, 2_000)
    low, high = (simulated(held, c, 5_000).measure for c in (confidence, confidence + more))
    assert low.value_at_risk <= high.value_at_risk
    assert low.value_at_risk <= low.expected_shortfall


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3), st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3))
def test_two_portfolios_together_risk_no_more_than_each_alone(first, second):
    def at_risk(worth):
        return value_at_risk.parametric(portfolio(*worth, correlations=THREE), 0.95).value_at_risk

    together = at_risk(np.array(first) + np.array(second))
    assert together <= (at_risk(first) + at_risk(second)) * (1 + 1e-9) + 1e-6


def test_positions_that_move_together_add_up_and_opposite_ones_cancel():
    one = simulated(portfolio(2_000)).measure.value_at_risk
    together = portfolio(1_000, 1_000, correlations=np.ones((2, 2)))
    opposite = portfolio(1_000, 1_000, correlations=np.array([[1.0, -1.0], [-1.0, 1.0]]))
    assert simulated(together).measure.value_at_risk == pytest.approx(one)
    assert simulated(opposite).measure.value_at_risk == pytest.approx(0, abs=1e-3)


def test_independent_positions_diversify():
    expected = 1.6448536 * sqrt(2) * 1_000 * 0.2 * sqrt(10 / 252)
    assert value_at_risk.parametric(portfolio(1_000, 1_000), 0.95).value_at_risk == pytest.approx(expected)


def test_a_short_position_loses_like_a_long_one():
    assert simulated(portfolio(-15_000)).measure.value_at_risk == pytest.approx(982.99, rel=0.02)


def test_an_expected_gain_lowers_the_risk_by_as_much():
    still, drifting = (value_at_risk.parametric(portfolio(15_000, drift=d), 0.95) for d in (0.0, 0.252))
    assert still.value_at_risk - drifting.value_at_risk == pytest.approx(15_000 * 0.01)
    measure = simulated(portfolio(15_000, drift=0.252)).measure
    assert abs(measure.value_at_risk - drifting.value_at_risk) < 4 * measure.standard_error


def test_a_lognormal_position_agrees_with_its_closed_form():
    measure = lognormal(portfolio(15_000, volatility=LOGNORMAL_DEVIATION, days=252)).measure
    assert abs(measure.value_at_risk - LOGNORMAL_VALUE_AT_RISK) < 4 * measure.standard_error


@pytest.mark.parametrize("correlations", [None, THREE])
def test_contributions_add_up_and_agree_with_what_a_little_more_of_a_position_adds(correlations):
    worth = np.array([3_000.0, -1_000.0, 2_000.0])

    def at_risk(values):
        return value_at_risk.parametric(portfolio(*values, drift=0.1, correlations=correlations), 0.95).value_at_risk

    parts = contributions.of_elliptical(portfolio(*worth, drift=0.1, correlations=correlations), at_risk(worth))
    assert parts.sum() == pytest.approx(at_risk(worth))
    for i, part in enumerate(parts):
        step = np.eye(3)[i] * 1e-4
        slope = (at_risk(worth * (1 + step)) - at_risk(worth * (1 - step))) / 2e-4
        assert part == pytest.approx(slope, rel=1e-5)


def test_a_covariance_says_the_same_as_volatilities_and_correlations():
    values, volatilities = np.array([1_000.0, 2_000.0, 500.0]), np.array([0.1, 0.2, 0.3])
    by_matrix = from_covariance(values, THREE * np.outer(volatilities, volatilities), np.zeros(3), 10)
    by_parts = over_horizon(values, volatilities, np.zeros(3), 10, THREE)
    assert by_matrix.gain_deviation == pytest.approx(by_parts.gain_deviation)


def test_a_factor_gives_its_matrix_back():
    np.testing.assert_allclose(factor(THREE) @ factor(THREE).T, THREE, atol=1e-12)


def test_an_impossible_matrix_is_refused_with_its_smallest_eigenvalue():
    impossible = np.array([[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1]])
    with pytest.raises(NotPositiveSemidefinite, match=r"smallest eigenvalue is -0\.8"):
        factor(impossible)


def test_the_same_seed_gives_the_same_bits_and_another_gives_others():
    held = portfolio(1_000, 2_000, 3_000)
    first, second, other = (simulated(held, simulations=200_000, seed=s).measure for s in (42, 42, 43))
    assert first == second
    assert first != other


def test_looking_on_changes_no_bit():
    held = portfolio(1_000, days=1)
    seen: list[Progress] = []
    alone = simulated(held, simulations=3_000_000).measure
    assert simulated(held, simulations=3_000_000, checkpoint=seen.append).measure == alone
    widths = [progress.interval[1] - progress.interval[0] for progress in seen if progress.interval is not None]
    assert widths[-1] < 0.9 * widths[0]
    assert [progress.fraction for progress in seen] == sorted(progress.fraction for progress in seen)


def test_a_chunks_stream_is_the_child_that_spawning_gives():
    children = np.random.SeedSequence(9).spawn(3)
    for chunk, child in enumerate(children):
        spawned = np.random.Generator(np.random.PCG64(child)).standard_normal(4)
        np.testing.assert_array_equal(stream(9, chunk).standard_normal(4), spawned)


def test_a_simulation_ends_when_it_is_precise_enough():
    done = simulated(portfolio(15_000), simulations=10_000_000, relative=0.005)
    assert done.simulations < 1_000_000
    low, high = done.measure.confidence_interval
    assert (high - low) / 2 <= 0.005 * done.measure.value_at_risk


def test_a_checkpoint_can_end_a_simulation():
    class Enough(Exception):
        pass

    def stop(_):
        raise Enough

    with pytest.raises(Enough):
        simulated(portfolio(15_000), simulations=1_000_000, checkpoint=stop)


def test_chunks_hold_as_many_scenarios_as_fit_and_together_all():
    assert sum(chunk_sizes(100_000, chunk_rows(50))) == 100_000
    assert chunk_rows(10_000) * 10_000 <= chunk_rows(1)


@pytest.mark.repeated
def test_an_interval_that_ended_the_simulation_holds_the_truth_as_often():
    held = portfolio(15_000.0)
    truth = value_at_risk.parametric(held, 0.95).value_at_risk
    runs = []
    for seed in range(1_000):
        draw, rows = scenarios.normal_losses(held, seed, Stopwatch())
        runs.append(value_at_risk.simulate(draw, chunk_sizes(2_000_000, rows), 0.95, relative=0.007))
    assert len({run.simulations for run in runs}) >= 2, "it ended at more than one look"
    held_in = [low <= truth <= high for low, high in (run.measure.confidence_interval or (0, 0) for run in runs)]
    assert 930 <= sum(held_in) <= 970
