"""Simulated prices and sensitivities agree with closed forms and with an independent library."""

from math import exp, sqrt

import numpy as np
import pytest
import QuantLib as ql  # noqa: N813 - as its own manual does
from scipy.special import ndtr

from risk.quant import black_scholes, pricing
from risk.quant.barrier import ContinuousBarrier, DiscreteBarrier
from risk.quant.basket import Basket
from risk.quant.covariance import factor
from risk.quant.market import Market
from risk.quant.options import Asian, European
from tests.unit.coverage_of_intervals import SEEDS, holds_in_95_of_100

# (S, K, T, r, q, σ) → call, put: Hull's (42, 40), Haug's (60, 65), and QuantLib's.
TABLE = [
    ((100, 100, 1, 0.05, 0, 0.2), 10.450584, 5.573526),
    ((42, 40, 0.5, 0.10, 0, 0.2), 4.759422, 0.808599),
    ((100, 110, 1, 0.05, 0.02, 0.25), 7.112102, 13.727472),
    ((60, 65, 0.25, 0.08, 0, 0.30), 2.133368, 5.846282),
    ((100, 95, 0.5, 0.10, 0.05, 0.20), 9.628984, 2.464788),
]
METHODS = ["plain", "antithetic", "control_variate", "sobol"]


def market(terms=(100, 100, 1, 0.05, 0, 0.2), call=True):
    spot, strike, maturity, rate, dividends, volatility = map(float, terms)
    return Market(call, spot, strike, maturity, rate, dividends, volatility)


def priced(payoff, method="control_variate", simulations=100_000, seed=11, **rest):
    return pricing.price(payoff, method, simulations, seed, **rest)


def agrees(estimate, expected, rounding=1e-9):
    assert estimate.standard_error > 0
    assert abs(estimate.value - expected) < 4 * estimate.standard_error + rounding


def quantlib_process(m):
    today = ql.Date(1, 1, 2026)
    ql.Settings.instance().evaluationDate = today
    count = ql.Actual365Fixed()
    rate = ql.YieldTermStructureHandle(ql.FlatForward(today, m.rate, count))
    dividends = ql.YieldTermStructureHandle(ql.FlatForward(today, m.dividend_yield, count))
    volatility = ql.BlackVolTermStructureHandle(ql.BlackConstantVol(today, ql.NullCalendar(), m.volatility, count))
    return ql.BlackScholesMertonProcess(ql.QuoteHandle(ql.SimpleQuote(m.spot)), dividends, rate, volatility)


def quantlib_terms(m):
    payoff = ql.PlainVanillaPayoff(ql.Option.Call if m.call else ql.Option.Put, m.strike)
    return payoff, ql.EuropeanExercise(ql.Date(1, 1, 2026) + round(m.maturity * 365))


@pytest.mark.parametrize(("terms", "call", "put"), TABLE)
def test_the_closed_form_gives_the_books_values(terms, call, put):
    spot, strike, maturity, rate, dividends, volatility = terms
    for is_call, expected in ((True, call), (False, put)):
        value = black_scholes.price(is_call, spot, strike, maturity, rate, dividends, volatility)
        assert float(value) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("terms", "call", "put"), TABLE)
def test_simulated_prices_give_the_books_values(terms, call, put, method):
    agrees(priced(European(market(terms)), method).price, call)
    agrees(priced(European(market(terms, call=False)), method).price, put)


def test_call_and_put_keep_parity():
    m = market(TABLE[2][0])
    call, put = (priced(European(market(TABLE[2][0], call=side)), seed=5).price for side in (True, False))
    forward = m.spot * exp(-m.dividend_yield) - m.strike * m.discount
    assert abs(call.value - put.value - forward) < 4 * sqrt(call.standard_error**2 + put.standard_error**2)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("call", [True, False])
def test_sensitivities_are_the_librarys(method, call):
    m = market((100, 105, 1, 0.05, 0.02, 0.25), call)
    payoff, exercise = quantlib_terms(m)
    oracle = ql.VanillaOption(payoff, exercise)
    oracle.setPricingEngine(ql.AnalyticEuropeanEngine(quantlib_process(m)))
    greeks = priced(European(m), method).greeks
    for name, expected in {
        "delta": oracle.delta(),
        "gamma": oracle.gamma(),
        "vega": oracle.vega(),
        "rho": oracle.rho(),
        "theta": oracle.theta(),
    }.items():
        agrees(greeks[name], expected)


@pytest.mark.parametrize("call", [True, False])
def test_a_geometric_average_is_priced_as_in_closed_form_and_by_the_library(call):
    option = Asian(market(call=call), 12, geometric=True)
    agrees(priced(option).price, option.geometric_price)
    payoff, exercise = quantlib_terms(option.market)
    dates = [ql.Date(1, 1, 2026) + round(365 * i / 12) for i in range(1, 13)]
    oracle = ql.DiscreteAveragingAsianOption(ql.Average.Geometric, 1.0, 0, dates, payoff, exercise)
    oracle.setPricingEngine(ql.AnalyticDiscreteGeometricAveragePriceAsianEngine(quantlib_process(option.market)))
    assert option.geometric_price == pytest.approx(oracle.NPV(), rel=1e-3)  # its dates are whole days


def test_the_geometric_control_makes_the_arithmetic_average_precise():
    option = Asian(market(), 12)
    plain, controlled = priced(option, "plain").price, priced(option).price
    assert abs(plain.value - controlled.value) < 4 * plain.standard_error
    assert controlled.standard_error < plain.standard_error / 20


def test_an_averages_sensitivities_are_those_of_a_bumped_closed_form():
    def at(spot=100.0, volatility=0.2, rate=0.05):
        return Asian(market((spot, 100, 1, rate, 0, volatility)), 12, geometric=True).geometric_price

    greeks = priced(Asian(market(), 12, geometric=True)).greeks
    agrees(greeks["delta"], (at(100.01) - at(99.99)) / 0.02)
    agrees(greeks["gamma"], (at(100.1) - 2 * at() + at(99.9)) / 0.01, rounding=1e-6)
    agrees(greeks["vega"], (at(volatility=0.2001) - at(volatility=0.1999)) / 0.0002, rounding=1e-6)
    agrees(greeks["rho"], (at(rate=0.0501) - at(rate=0.0499)) / 0.0002, rounding=1e-6)


def of_lognormal(call, mean_log, deviation, strike, discount):
    """An option on a price whose logarithm is normal, by Black's formula."""
    forward = exp(mean_log + deviation**2 / 2)
    d1 = np.log(forward / strike) / deviation + deviation / 2
    sign = 1 if call else -1
    return discount * sign * (forward * ndtr(sign * d1) - strike * ndtr(sign * (d1 - deviation)))


def test_an_averages_theta_is_time_that_passes_while_its_dates_stay():
    def after(passed):
        times = np.arange(1, 13) / 12 - passed
        mean = np.log(100) + market().drift * times.mean()
        deviation = 0.2 * sqrt(np.minimum.outer(times, times).mean())
        return of_lognormal(True, mean, deviation, 100.0, exp(-0.05 * (1 - passed)))

    option = Asian(market(), 12, geometric=True)
    assert after(0.0) == pytest.approx(option.geometric_price)
    agrees(priced(option).greeks["theta"], (after(1e-4) - after(-1e-4)) / 2e-4, rounding=1e-6)
    arithmetic = priced(Asian(market(), 12)).greeks["theta"]
    assert abs(arithmetic.value / priced(option).greeks["theta"].value - 1) < 0.1


BARRIERS = [
    (True, 90.0, False, False, "DownOut"),
    (True, 90.0, False, True, "DownIn"),
    (True, 130.0, True, False, "UpOut"),
    (True, 130.0, True, True, "UpIn"),
    (False, 90.0, False, False, "DownOut"),
    (False, 120.0, True, True, "UpIn"),
]


def barrier_oracle(m, barrier, kind):
    payoff, exercise = quantlib_terms(m)
    oracle = ql.BarrierOption(getattr(ql.Barrier, kind), barrier, 0.0, payoff, exercise)
    oracle.setPricingEngine(ql.AnalyticBarrierEngine(quantlib_process(m)))
    return oracle.NPV()


@pytest.mark.parametrize("method", ["control_variate", "sobol"])
@pytest.mark.parametrize(("call", "barrier", "up", "knocks_in", "kind"), BARRIERS)
def test_a_barrier_watched_at_all_times_has_its_closed_form(call, barrier, up, knocks_in, kind, method):
    def at(spot=100.0, volatility=0.2, rate=0.05, days=365):
        return barrier_oracle(market((spot, 100, days / 365, rate, 0.01, volatility), call), barrier, kind)

    found = priced(ContinuousBarrier(market((100, 100, 1, 0.05, 0.01, 0.2), call), barrier, knocks_in), method)
    agrees(found.price, at())
    agrees(found.greeks["delta"], (at(100.01) - at(99.99)) / 0.02)
    agrees(found.greeks["gamma"], (at(100.1) - 2 * at() + at(99.9)) / 0.01, rounding=1e-6)
    agrees(found.greeks["vega"], (at(volatility=0.2001) - at(volatility=0.1999)) / 0.0002, rounding=1e-6)
    agrees(found.greeks["rho"], (at(rate=0.0501) - at(rate=0.0499)) / 0.0002, rounding=1e-6)
    agrees(found.greeks["theta"], (at(days=364) - at(days=366)) / (2 / 365), rounding=1e-4)


def test_a_barrier_watched_at_dates_is_worth_what_a_shifted_one_is_at_all_times():
    # Broadie, Glasserman and Kou 1997: away from spot by exp(0.5826 σ √Δt).
    m = market()
    shifted = barrier_oracle(m, 90 * exp(-0.5826 * 0.2 * sqrt(1 / 50)), "DownOut")
    found = priced(DiscreteBarrier(m, 90.0, False, False, 50)).price
    assert abs(found.value - shifted) < 4 * found.standard_error + 0.005
    assert found.value - barrier_oracle(m, 90.0, "DownOut") > 10 * found.standard_error


def test_in_and_out_at_dates_make_a_vanilla_option_with_its_sensitivities():
    def found(knocks_in):
        return priced(DiscreteBarrier(market(), 90.0, False, knocks_in, 20), simulations=50_000)

    out, into, vanilla = found(False), found(True), priced(European(market()), "sobol")
    assert out.price.value + into.price.value == pytest.approx(10.450584, abs=1e-6)
    for name in ("delta", "gamma", "vega", "rho", "theta"):
        error = sqrt(out.greeks[name].standard_error ** 2 + into.greeks[name].standard_error ** 2)
        assert abs(out.greeks[name].value + into.greeks[name].value - vanilla.greeks[name].value) < 4 * error


def basket(spots, weights, correlations, call=True):
    n = len(spots)
    return Basket(
        call, 100.0, 1.0, 0.05, np.array(spots), np.full(n, 0.2), np.array(weights), np.zeros(n), correlations
    )


def test_a_basket_of_one_or_of_equals_that_move_together_is_a_vanilla_option():
    agrees(priced(basket([100.0], [1.0], np.eye(1)), "antithetic").price, 10.450584)
    together = priced(basket([100.0, 100.0], [0.5, 0.5], factor(np.ones((2, 2)))), "antithetic")
    agrees(together.price, 10.450584)
    assert together.greeks["delta[0]"].value == pytest.approx(0.636831 / 2, rel=0.02)
    assert together.greeks["vega[1]"].value == pytest.approx(37.524035 / 2, rel=0.05)
    for name, expected in (("gamma[0]", 0.018762 / 4), ("rho", 53.232482), ("theta", -6.414028)):
        agrees(together.greeks[name], expected, rounding=1e-6)


def two_assets(call, spots=(100.0, 95.0), rate=0.05, maturity=1.0):
    """0.5 and 0.6 pieces, correlation 0.4: Black and Scholes on the first, averaged over the second's end."""
    ends, height = np.linspace(-8, 8, 2_001, retstep=True)
    deviation = 0.3 * sqrt(maturity)
    other = 0.6 * spots[1] * np.exp((rate - 0.02 - 0.045) * maturity + deviation * ends)
    left = 100 - other
    mean = np.log(0.5 * spots[0]) + (rate - 0.02) * maturity + 0.4 * 0.2 * sqrt(maturity) * ends
    spread = 0.2 * sqrt(maturity * (1 - 0.4**2))
    discount, sign = exp(-rate * maturity), 1 if call else -1
    values = [
        of_lognormal(call, m, spread, strike, discount)
        if strike > 0
        else discount * max(0.0, sign * (exp(m + spread**2 / 2) - strike))
        for m, strike in zip(mean, left, strict=True)
    ]
    return float(np.array(values) @ black_scholes.density(ends) * height)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("call", [True, False])
def test_a_baskets_sensitivities_are_those_of_a_bumped_quadrature(call, method):
    spots, weights, correlated = np.array([100.0, 95.0]), np.array([0.5, 0.6]), np.array([[1, 0.4], [0.4, 1]])
    held = Basket(
        call, 100.0, 1.0, 0.05, spots, np.array([0.2, 0.3]), weights, np.array([0.0, 0.02]), factor(correlated)
    )
    found = priced(held, method)
    greeks, at = found.greeks, two_assets
    agrees(found.price, at(call), rounding=1e-6)
    agrees(greeks["delta[1]"], (at(call, (100.0, 95.1)) - at(call, (100.0, 94.9))) / 0.2, rounding=1e-6)
    for i, (up, down) in enumerate([((101.0, 95.0), (99.0, 95.0)), ((100.0, 96.0), (100.0, 94.0))]):
        agrees(greeks[f"gamma[{i}]"], at(call, up) - 2 * at(call) + at(call, down), rounding=1e-5)
    agrees(greeks["rho"], (at(call, rate=0.0501) - at(call, rate=0.0499)) / 0.0002, rounding=1e-5)
    agrees(greeks["theta"], (at(call, maturity=0.9995) - at(call, maturity=1.0005)) / 0.001, rounding=1e-5)


def test_a_baskets_geometric_control_agrees_with_plain_simulation():
    option = basket([100.0, 90.0, 120.0], [0.4, 0.3, 0.3], factor(np.full((3, 3), 0.3) + 0.7 * np.eye(3)))
    plain, controlled = priced(option, "plain").price, priced(option).price
    assert abs(plain.value - controlled.value) < 4 * plain.standard_error
    assert controlled.standard_error < plain.standard_error / 5


KNOCKED_OUT = ContinuousBarrier(market(), 90.0, False)


@pytest.mark.parametrize(
    ("option", "method", "simulations", "truth"),
    [
        (European(market()), "control_variate", 2_000, 10.450583572185577),
        (European(market()), "sobol", 2_048, 10.450583572185577),
        (KNOCKED_OUT, "control_variate", 4_000, barrier_oracle(market(), 90.0, "DownOut")),
        (KNOCKED_OUT, "sobol", 8_192, barrier_oracle(market(), 90.0, "DownOut")),
        (Asian(market(), 4, geometric=True), "control_variate", 2_000, Asian(market(), 4).geometric_price),
        (Asian(market(), 4, geometric=True), "sobol", 2_048, Asian(market(), 4).geometric_price),
    ],
)
@pytest.mark.repeated
def test_the_95_percent_interval_holds_the_truth_in_95_of_100_cases(option, method, simulations, truth):
    runs = (priced(option, method, simulations, seed).price.interval for seed in range(SEEDS))
    assert holds_in_95_of_100(sum(low <= truth <= high for low, high in runs) / SEEDS)


@pytest.mark.parametrize(
    ("option", "method", "relative", "truth"),
    [
        (European(market()), "control_variate", 0.0025, 10.450583572185577),
        (European(market()), "sobol", 0.0025, 10.450583572185577),
        (KNOCKED_OUT, "control_variate", 0.0005, barrier_oracle(market(), 90.0, "DownOut")),
    ],
)
@pytest.mark.repeated
def test_an_interval_that_ended_the_simulation_holds_the_truth_as_often(option, method, relative, truth):
    runs = [priced(option, method, 2_000_000, seed, relative=relative) for seed in range(SEEDS)]
    assert all(run.price.within(relative) and run.simulations < 2_000_000 for run in runs)
    assert holds_in_95_of_100(sum(run.price.interval[0] <= truth <= run.price.interval[1] for run in runs) / SEEDS)


@pytest.mark.parametrize("method", METHODS)
def test_the_same_seed_gives_the_same_bits_and_precision_ends_early(method):
    option = European(market())
    assert priced(option, method).price == priced(option, method).price
    assert priced(option, method).price != priced(option, method, seed=12).price
    early = priced(option, method, 4_000_000, relative=0.01)
    assert early.price.within(0.01)
    assert early.simulations < 1_000_000
