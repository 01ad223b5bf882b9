"""A tail of few losses: its value at risk and its shortfall come with intervals that hold, or with none and a note."""

from math import inf, sqrt

import numpy as np
import pytest
from scipy import integrate, stats

import risk  # noqa: F401 – declares the tasks
from risk.quant import elliptical, scenarios, value_at_risk
from risk.quant.elliptical import NORMAL, Shape
from risk.quant.intervals import of_skewed_mean, quantile_ranks
from risk.quant.loss_measure import measure_losses
from risk.quant.portfolio import over_horizon
from risk.quant.stopwatch import Stopwatch
from risk.quant.streams import chunk_sizes
from risk.quant.weighted_losses import measure_weighted
from throughline import InvalidTaskData
from throughline.testing import run_task

HELD = over_horizon(np.array([15_000.0]), np.array([0.2]), np.zeros(1), 10)
APPLE = {"symbol": "AAPL", "quantity": 100, "price": 150.0, "volatility": 0.2}
# McNeil, Frey and Embrechts, Quantitative Risk Management, chapter 2: a position of 10,000 with a volatility of 20 % a
# year, over one of 250 days: value at risk and expected shortfall of normal returns and of Student's t with 4 degrees.
LEVELS = [0.90, 0.95, 0.975, 0.99, 0.995]
PUBLISHED = {
    inf: ([162.1, 208.1, 247.9, 294.3, 325.8], [222.0, 260.9, 295.7, 337.1, 365.8]),
    4.0: ([137.1, 190.7, 248.3, 335.1, 411.8], [223.5, 286.5, 357.2, 466.9, 565.7]),
}


def ran(*positions, **data):
    return run_task("calculate_var", {"positions": list(positions or [APPLE])} | data).result


def measured(shape, confidence, simulations, seed, tilted=True):
    if tilted:
        draw, rows = elliptical.tail_losses(HELD, shape, shape.tilt(confidence), seed, Stopwatch())
    else:
        draw, rows = scenarios.normal_losses(HELD, seed, Stopwatch())
    return value_at_risk.simulate(draw, chunk_sizes(simulations, rows), confidence).measure


def held_by(measures, exact):
    """How many of 1,000 intervals hold the value at risk, and the expected shortfall."""
    pairs = [(m.confidence_interval, m.shortfall_interval) for m in measures]
    truths = exact.value_at_risk, exact.expected_shortfall
    return [sum(pair[i][0] <= truths[i] <= pair[i][1] for pair in pairs) for i in (0, 1)]


@pytest.mark.parametrize("degrees", PUBLISHED)
def test_values_of_normal_and_student_t_returns_are_the_published_ones(degrees):
    held, shape = over_horizon(np.array([10_000.0]), np.array([0.2 * sqrt(252 / 250)]), np.zeros(1), 1), Shape(degrees)
    measures = [value_at_risk.parametric(held, level, shape) for level in LEVELS]
    np.testing.assert_allclose([m.value_at_risk for m in measures], PUBLISHED[degrees][0], atol=0.051)
    np.testing.assert_allclose([m.expected_shortfall for m in measures], PUBLISHED[degrees][1], atol=0.051)


@pytest.mark.parametrize("degrees", [2.1, 7.5, 1e6])
def test_the_mean_of_a_students_tail_is_its_integral(degrees):
    found, _ = integrate.quad(lambda c: stats.t.isf(np.exp(-c), degrees) * np.exp(-c), -np.log(0.01), 80, limit=500)
    assert Shape(degrees).tail_mean(0.99) == pytest.approx(found / 0.01, rel=1e-6)


@pytest.mark.parametrize(
    ("degrees", "confidence", "simulations"),
    [(inf, c, n) for c, n in [(0.95, 1_000), (0.99, 1_000), (0.999, 1_000), (0.9999, 1_000), (0.9999, 10_000)]]
    + [(4, c, 1_000) for c in (0.01, 0.5, 0.7, 0.99, 0.9999)]
    + [(2.1, 0.99, 1_000)],
)
@pytest.mark.repeated
def test_intervals_of_a_tail_that_is_drawn_more_often_hold_in_95_of_100_cases(degrees, confidence, simulations):
    shape = Shape(degrees)
    measures = [measured(shape, confidence, simulations, seed) for seed in range(1_000)]
    at_risk, shortfall = held_by(measures, value_at_risk.parametric(HELD, confidence, shape))
    assert 930 <= at_risk <= 970
    assert 930 <= shortfall <= 970


@pytest.mark.parametrize(
    ("confidence", "simulations"), [(0.01, 1_000), (0.5, 1_000), (0.95, 1_000), (0.99, 1_000), (0.99, 10_000)]
)
@pytest.mark.repeated
def test_intervals_of_plain_losses_hold_in_95_of_100_cases_with_ten_beyond_as_with_many(confidence, simulations):
    measures = [measured(NORMAL, confidence, simulations, seed, tilted=False) for seed in range(1_000)]
    at_risk, shortfall = held_by(measures, value_at_risk.parametric(HELD, confidence))
    assert 930 <= at_risk <= 970
    assert 930 <= shortfall <= 970


@pytest.mark.repeated
def test_a_hundred_thousand_plain_losses_hold_it_too():
    # Of 100,000 normals the 3,000 largest, by the ratios of sums of exponentials, which uniform order statistics are.
    random, confidence, n, kept = np.random.default_rng(8), 0.99, 100_000, 1_500
    held = np.zeros(2)
    exact = value_at_risk.parametric(over_horizon(np.ones(1), np.array([sqrt(252)]), np.zeros(1), 1), confidence)
    for _ in range(1_000):
        sums = np.cumsum(random.exponential(size=kept))
        losses = np.full(n, -10.0)
        losses[:kept] = -stats.norm.ppf(sums / (sums[-1] + random.gamma(n + 1 - kept)))
        measure = measure_losses(losses, confidence)
        held += held_by([measure], exact)
    assert np.all((held >= 930) & (held <= 970))


def test_weights_of_one_measure_as_plain_losses_do():
    losses = np.random.default_rng(2).standard_normal(50_000)
    plain, weighted = measure_losses(losses.copy(), 0.95), measure_weighted(losses, np.ones(50_000), 0.95)
    assert weighted.value_at_risk == plain.value_at_risk
    assert weighted.expected_shortfall == pytest.approx(plain.expected_shortfall)
    assert weighted.shortfall_interval == pytest.approx(plain.shortfall_interval)
    assert weighted.standard_error == pytest.approx(plain.standard_error, rel=0.02)
    for threshold in (-5.0, 1.0, 4.0):
        assert measure_weighted(losses, np.ones(50_000), 0.95, threshold) == weighted


def test_a_skewed_mean_has_an_interval_that_reaches_further_to_the_side_it_is_skewed_to():
    low, high = of_skewed_mean(10.0, 1.0, 5.0, 100)
    assert 10 - low < 1.96 < high - 10
    assert of_skewed_mean(10.0, 1.0, 0.0, 100) == pytest.approx((10 - 1.96, 10 + 1.96), abs=1e-3)


def test_a_sample_that_a_quantile_lies_beyond_has_no_ranks_for_it():
    assert quantile_ranks(1_000, 0.9999) is None
    assert quantile_ranks(1_000, 0.0001) is None
    assert quantile_ranks(1_000, 0.99) == (982, 995)
    assert quantile_ranks(1_000, 0.01) == (4, 17)


def test_a_confidence_far_beyond_the_simulations_is_near_its_true_value():
    result = ran(confidence_level=0.9999, simulations=1_000, precision={"relative": 0.1})
    exact = ran(confidence_level=0.9999, method="parametric")
    assert exact["var_amount"] == pytest.approx(2_222.5, abs=0.1)
    assert abs(result["var_amount"] - 2_222.5) < 4 * result["standard_error"] < 0.15 * 2_222.5
    error = result["expected_shortfall_standard_error"]
    assert error > 0
    assert abs(result["expected_shortfall"] - exact["expected_shortfall"]) < 4 * error
    assert result["precision_reached"]
    assert "importance sampling" in result["assumptions"]["sampling"]
    assert "sampling" not in ran()["assumptions"]


@pytest.mark.parametrize("confidence", [1e-6, 1 - 1e-9])
def test_the_ends_of_the_scale_have_finite_figures_or_none(confidence):
    result = ran(confidence_level=confidence, simulations=1_000)
    assert np.isfinite([result["var_amount"], result["expected_shortfall"]]).all()
    assert (result["standard_error"] is None) == (confidence < 0.5)
    assert bool(result["notes"]) == (result["standard_error"] is None)


def test_a_precision_that_is_not_reached_says_why():
    [note] = ran(precision={"relative": 1e-4}, simulations=10_000)["notes"]
    assert "precision of 0.0001 was not reached with 10,000 simulations" in note


def test_student_t_by_simulation_agrees_with_its_closed_form_and_says_its_degrees():
    data = {"distribution": "student_t", "confidence_level": 0.99}
    other = APPLE | {"symbol": "MSFT", "quantity": -30, "drift": 0.1}
    simulated, exact = (ran(APPLE, other, **data, method=method) for method in ("monte_carlo", "parametric"))
    assert abs(simulated["var_amount"] - exact["var_amount"]) < 4 * simulated["standard_error"]
    assert simulated["assumptions"]["degrees_of_freedom"] == exact["assumptions"]["degrees_of_freedom"] == 4
    assert "Student's t over the whole horizon" in exact["assumptions"]["returns"]
    assert exact["var_amount"] > ran(APPLE, other, confidence_level=0.99, method="parametric")["var_amount"]
    assert sum(part["contribution"] for part in exact["contributions"]) == pytest.approx(exact["var_amount"])


def test_student_t_with_many_degrees_is_normal():
    many = ran(method="parametric", distribution="student_t", degrees_of_freedom=1e6)
    assert many["var_amount"] == pytest.approx(ran(method="parametric")["var_amount"], rel=1e-4)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"degrees_of_freedom": 5.0}, "degrees_of_freedom is for the distribution student_t, not for normal"),
        ({"distribution": "student_t", "degrees_of_freedom": 2.0}, "greater than 2"),
        ({"distribution": "lognormal", "method": "parametric"}, "a sum of lognormal prices has no closed form"),
        ({"distribution": "normal", "method": "historical", "returns": [[0.01]] * 20}, "takes the returns as observed"),
    ],
)
def test_a_distribution_that_does_not_fit_is_refused(data, words):
    with pytest.raises(InvalidTaskData, match=words):
        ran(**data)


@pytest.mark.parametrize("method", ["monte_carlo", "parametric"])
def test_a_normal_loss_beyond_what_long_positions_can_lose_is_told_with_both_amounts(method):
    result = ran(APPLE | {"volatility": 1.0}, time_horizon=504, method=method)
    [note] = result["notes"]
    assert f"value at risk is {result['var_amount']:,.2f}, more than the 15,000.00" in note
    assert "lognormal" in note
    assert not ran(APPLE | {"volatility": 1.0}, time_horizon=504, distribution="lognormal")["notes"]
    assert not ran(APPLE | {"volatility": 1.0}, APPLE | {"symbol": "S", "quantity": -1}, time_horizon=504)["notes"]


@pytest.mark.parametrize("method", ["monte_carlo", "parametric"])
def test_the_largest_inputs_allowed_have_finite_figures(method):
    extreme = APPLE | {"quantity": 1e12, "price": 1e12, "volatility": 10.0, "drift": 10.0}
    result = ran(extreme, time_horizon=2_520, method=method)
    assert np.isfinite([result["var_amount"], result["expected_shortfall"]]).all()
