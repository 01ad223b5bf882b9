"""American exercise: the bounds hold the price of published tables, of a quadrature and of an independent library."""

import json

import numpy as np
import pytest
import QuantLib as ql  # noqa: N813 - as its own manual does
from pydantic import ValidationError

import risk  # noqa: F401 – declares the tasks
from risk.monte_carlo_pricing.model import MonteCarloPricingData
from risk.quant import american, black_scholes
from risk.quant.american import Exercise
from risk.quant.market import Market
from throughline.testing import run_task

# Longstaff and Schwartz 2001, table 1: put, K 40, r 6 %, 50 dates a year; by finite differences, spot 36, 38, …, 44.
TABLE_1 = {
    (0.2, 1): (4.478, 3.250, 2.314, 1.617, 1.110),
    (0.2, 2): (4.840, 3.745, 2.885, 2.212, 1.690),
    (0.4, 1): (7.101, 6.148, 5.312, 4.582, 3.948),
    (0.4, 2): (8.508, 7.670, 6.920, 6.248, 5.647),
}
ROWS = [
    (36.0 + 2 * i, volatility, years, value)
    for (volatility, years), values in TABLE_1.items()
    for i, value in enumerate(values)
]
PUT = Market(False, 36.0, 40.0, 1.0, 0.06, 0.0, 0.2)
TERMS = {
    "style": "american",
    "right": "put",
    "spot": 36.0,
    "strike": 40.0,
    "maturity": 1.0,
    "rate": 0.06,
    "volatility": 0.2,
}


def task(rest=None, **terms):
    return run_task("monte_carlo_pricing", {"option": TERMS | terms} | (rest or {})).result


def by_quadrature(m, dates, points=6_001):
    """A put's price with exercise on the dates alone: its expectation over each step on a grid of log prices."""
    grid = np.linspace(-8, 8, points) * m.volatility * np.sqrt(m.maturity)
    prices, width, step = m.spot * np.exp(grid), grid[1] - grid[0], m.maturity / dates
    deviation = m.volatility * np.sqrt(step)
    moves = (np.arange(1 - points, points) * width + m.drift * step) / deviation
    odds = np.exp(-(moves**2) / 2) / np.sqrt(2 * np.pi) * width / deviation
    payoff = np.maximum(m.strike - prices, 0)
    size, values = 4 * points, payoff
    kernel = np.exp(-m.rate * step) * np.fft.rfft(odds, size)
    for date in range(dates - 1, -1, -1):
        kept = np.fft.irfft(np.fft.rfft(values, size) * kernel, size)[points - 1 : 2 * points - 1]
        values = np.maximum(kept, payoff) if date else kept
    return float(values[points // 2])


def library(m):
    """QuantLib's American option by finite differences: its price, delta, gamma and theta."""
    today, count = ql.Date(1, 1, 2026), ql.Actual365Fixed()
    ql.Settings.instance().evaluationDate = today
    dividends, rate = (
        ql.YieldTermStructureHandle(ql.FlatForward(today, each, count)) for each in (m.dividend_yield, m.rate)
    )
    volatility = ql.BlackVolTermStructureHandle(ql.BlackConstantVol(today, ql.NullCalendar(), m.volatility, count))
    process = ql.BlackScholesMertonProcess(ql.QuoteHandle(ql.SimpleQuote(m.spot)), dividends, rate, volatility)
    payoff = ql.PlainVanillaPayoff(ql.Option.Call if m.call else ql.Option.Put, m.strike)
    option = ql.VanillaOption(payoff, ql.AmericanExercise(today, today + round(m.maturity * 365)))
    option.setPricingEngine(ql.FdBlackScholesVanillaEngine(process, 400, 400))
    return option.NPV(), {"delta": option.delta(), "gamma": option.gamma(), "theta": option.theta()}


@pytest.mark.parametrize(("spot", "volatility", "years", "published"), ROWS)
def test_longstaff_and_schwartzs_table_lies_in_the_interval(spot, volatility, years, published):
    put = Market(False, spot, 40.0, float(years), 0.06, 0.0, volatility)
    found = american.price(put, Exercise(50 * years, False), 2_048, 1)
    low, high = found.price.interval
    # Their finite differences err too: a quadrature of the same dates gives 5.6414 for the last row's 5.647.
    assert low - 0.003 < published < high + 0.003
    assert high - low < 0.002 * published + 0.002


@pytest.mark.parametrize(("spot", "volatility"), [(36.0, 0.2), (40.0, 0.4), (44.0, 0.2), (40.0, 2.0)])
def test_exercise_on_some_dates_has_the_price_of_a_quadrature(spot, volatility):
    put = Market(False, spot, 40.0, 1.0, 0.06, 0.0, volatility)
    low, high = american.price(put, Exercise(50, False), 4_096, 1).price.interval
    assert low < by_quadrature(put, 50) < high


AMERICAN = [
    PUT,
    Market(True, 100.0, 100.0, 1.0, 0.05, 0.08, 0.2),
    Market(True, 100.0, 110.0, 1.0, 0.03, 0.06, 0.3),
    Market(False, 100.0, 110.0, 1.0, 0.05, 0.02, 0.25),
    Market(False, 100.0, 100.0, 1.0, 0.05, 0.0, 3.0),
    Market(False, 100.0, 100.0, 1.0, -0.02, -0.05, 0.2),
]


@pytest.mark.parametrize("m", AMERICAN)
def test_exercise_at_any_time_has_the_librarys_price_and_sensitivities(m):
    found = american.price(m, Exercise(50, True), 4_096, 1)
    price, greeks = library(m)
    low, high = found.price.interval
    assert low < price < high
    assert high - low < 0.005 * price
    for name, expected in greeks.items():
        greek = found.greeks[name]
        assert abs(greek.value - expected) < 4 * greek.standard_error + 0.002 * abs(expected)


def test_the_lower_bound_lies_below_the_upper_one_on_every_path():
    found = american.price(PUT, Exercise(10, False), 4_096, 3)
    assert found.lower.value < found.upper.value
    assert found.upper.value - found.lower.value < 0.002


@pytest.mark.repeated
def test_the_interval_holds_the_truth_in_95_of_100_cases():
    truth = by_quadrature(PUT, 5)
    held = 0
    for seed in range(200):
        low, high = american.price(PUT, Exercise(5, False), 1_000, seed).price.interval
        held += low <= truth <= high
    assert held / 200 >= 0.93


def test_a_call_without_dividends_and_an_option_of_one_date_are_european():
    call = Market(True, 100.0, 100.0, 1.0, 0.05, 0.0, 0.2)
    for m, exercise in ((call, Exercise(50, True)), (PUT, Exercise(1, False))):
        european = float(
            black_scholes.price(m.call, m.spot, m.strike, m.maturity, m.rate, m.dividend_yield, m.volatility)
        )
        found = american.price(m, exercise, 1_000, 1)
        assert found.exact
        assert found.price.value == pytest.approx(european, rel=1e-12)
    assert american.price(call, Exercise(50, True), 1_000, 1).greeks["delta"].value == pytest.approx(0.636831, abs=1e-6)
    assert "early exercise is worth nothing" in task(right="call", dividend_yield=0.0)["notes"][0]


def test_an_option_that_is_worth_most_when_exercised_now_says_so():
    result = task({"simulations": 1_000}, spot=25.0)
    assert (result["price"], result["greeks"]["delta"]["value"]) == (15.0, -1.0)
    assert result["notes"] == ["the option is worth most when it is exercised now: price is its payoff"]


def test_too_few_exercises_give_the_bounds_in_closed_form_and_no_sensitivities():
    result = task({"simulations": 1_000}, spot=60.0, maturity=0.5)
    low, high = result["confidence_interval"]
    assert 0 < low < by_quadrature(Market(False, 60.0, 40.0, 0.5, 0.06, 0.0, 0.2), 50) < high
    assert result["greeks"]["delta"] is None
    assert "too few for an interval" in result["notes"][0]


def test_where_hardly_a_path_comes_to_the_boundary_the_bounds_are_near_each_other():
    put = Market(False, 100.0, 81.5, 5.0, 0.01, 0.06, 0.2)  # exercise pays below 13.6 only
    found = american.price(put, Exercise(250, True), 1_000, 1)
    low, high = found.price.interval
    assert low - 0.003 < library(put)[0] < high + 0.003
    assert high - low < 0.001


def test_the_same_seed_gives_the_same_bits():
    one, two, other = (task({"simulations": 1_000, "seed": seed}, exercise_dates=5) for seed in (1, 1, 2))
    assert one == two
    assert one["price"] != other["price"]
    assert one["lower_bound"]["value"] <= one["price"] <= one["upper_bound"]["value"]
    assert (one["method"], one["exercise_dates"]) == ("least_squares", 5)


def test_a_precision_ends_the_simulation_or_says_why_it_cannot_be_had():
    reached = task({"precision": {"relative": 0.001}}, exercise_dates=10)
    assert (reached["precision_reached"], reached["simulations"], reached["notes"]) == (True, 4_096, [])
    missed = task({"precision": {"relative": 0.0002}})
    assert (missed["precision_reached"], missed["simulations"]) == (False, 4_096)
    assert "the gap between the bounds is wider" in missed["notes"][0]


def test_methods_that_are_not_for_it_and_more_work_than_a_worker_has_time_for_are_refused():
    for method in ("sobol", "plain", "antithetic"):
        with pytest.raises(ValidationError, match="is not for style american"):
            MonteCarloPricingData.model_validate({"option": TERMS, "method": method})
    with pytest.raises(ValidationError, match="simulations can be at most 20,000 here: each takes 1000 dates"):
        MonteCarloPricingData.model_validate({"option": TERMS | {"exercise_dates": 1_000}, "simulations": 60_000})


def test_an_option_of_many_years_is_taken_with_as_many_simulations_as_a_worker_has_time_for():
    asked = MonteCarloPricingData.model_validate({"option": TERMS | {"maturity": 25.0}})
    assert "simulations" not in asked.model_fields_set


@pytest.mark.parametrize(
    "terms",
    [
        {"spot": 1e-300},
        {"spot": 1e12, "strike": 1e-6},
        {"volatility": 5e-324},
        {"volatility": 1e-200, "spot": 41.0, "dividend_yield": 0.1, "exercise_dates": 20},
        {"volatility": 1e-6, "spot": 41.0, "dividend_yield": 0.1, "exercise_dates": 20},
        {"volatility": 10.0, "maturity": 10.0, "exercise_dates": 20},
        {"rate": -1.0, "dividend_yield": -1.0, "maturity": 100.0, "exercise_dates": 20},
        {"right": "call", "rate": -0.5, "dividend_yield": 1.0, "maturity": 100.0, "exercise_dates": 20},
        {"maturity": 1e-9},
    ],
)
def test_terms_at_the_ends_of_what_may_be_sent_give_numbers(terms):
    json.dumps(task({"simulations": 1_000}, **terms), allow_nan=False)


def test_every_date_is_a_checkpoint():
    fractions = []
    american.price(PUT, Exercise(20, True), 5_000, 1, checkpoint=lambda progress: fractions.append(progress.fraction))
    assert len(fractions) == 3 * 20 + 2  # the fit's dates, and those and an end of each of two chunks
    assert fractions == sorted(fractions)
