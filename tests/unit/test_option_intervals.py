"""Intervals of simulated prices and sensitivities hold as often as they say, whatever the volatility and moneyness."""

import numpy as np
import pytest

from risk.quant import pricing, vanilla
from risk.quant.barrier import ContinuousBarrier, DiscreteBarrier
from risk.quant.basket import Basket
from risk.quant.covariance import factor
from risk.quant.market import Market
from risk.quant.options import Asian, European
from risk.quant.pricing import FEWEST_HITS
from tests.unit.coverage_of_intervals import SEEDS, holds_in_95_of_100

GRID = [(0.1, 0.7), (0.1, 1.3), (0.5, 1.0), (2.0, 1.3), (6.0, 0.7), (6.0, 1.3)]


def market(deviation, moneyness, call=True):
    """A year; spot over strike is `moneyness`."""
    return Market(call, 100.0, 100.0 / moneyness, 1.0, 0.05, 0.02, deviation)


def found(option, method, simulations, seed):
    priced = pricing.price(option, method, simulations, seed)
    return [priced.price, *priced.greeks.values()]


def held(option, truth, method="control_variate", simulations=2_000):
    """Of the price and of each sensitivity that nearly all seeds state: the share of intervals that hold the truth."""
    stated, holding = np.zeros(len(truth)), np.zeros(len(truth))
    for seed in range(SEEDS):
        for i, (estimate, true) in enumerate(zip(found(option, method, simulations, seed), truth, strict=True)):
            if estimate.hits >= FEWEST_HITS:
                stated[i] += 1
                holding[i] += estimate.interval[0] <= true <= estimate.interval[1]
    assert stated[0] >= 0.99 * SEEDS
    return (holding / np.maximum(stated, 1))[stated >= 0.95 * SEEDS]


def by_many(option, simulations=1 << 17):
    """Where there is no closed form: so many paths that their error does not matter here."""
    return [estimate.value for estimate in found(option, "control_variate", simulations, 987_654_321)]


@pytest.mark.parametrize(("deviation", "moneyness"), GRID)
@pytest.mark.repeated
def test_a_european_options_intervals_hold_in_95_of_100_cases(deviation, moneyness):
    m = market(deviation, moneyness, call=(deviation + moneyness) % 1 < 0.5)
    shares = held(European(m), vanilla.closed_form(m))
    assert all(map(holds_in_95_of_100, shares))


@pytest.mark.parametrize(("deviation", "moneyness", "method"), [(0.5, 0.7, "antithetic"), (6.0, 1.3, "plain")])
@pytest.mark.repeated
def test_they_hold_without_a_control_too(deviation, moneyness, method):
    m = market(deviation, moneyness)
    shares = held(European(m), vanilla.closed_form(m), method)
    assert all(map(holds_in_95_of_100, shares))


BARRIERS = [
    (0.5, 1.0, True, 120.0, False),  # up-and-out: pays in a narrow strip
    (6.0, 1.3, True, 80.0, False),  # down-and-out: pays where one path in a billion goes
    (6.0, 0.7, False, 120.0, True),
]


@pytest.mark.parametrize(("deviation", "moneyness", "call", "barrier", "knocks_in"), BARRIERS)
@pytest.mark.repeated
def test_a_barriers_intervals_hold_in_95_of_100_cases(deviation, moneyness, call, barrier, knocks_in):
    option = ContinuousBarrier(market(deviation, moneyness, call), barrier, knocks_in)
    shares = held(option, by_many(option))
    assert all(map(holds_in_95_of_100, shares))


@pytest.mark.parametrize(("deviation", "moneyness"), [(1.0, 0.7), (6.0, 1.0)])
@pytest.mark.repeated
def test_an_averages_intervals_hold_in_95_of_100_cases(deviation, moneyness):
    option = Asian(market(deviation, moneyness), 12)
    shares = held(option, by_many(option))
    assert all(map(holds_in_95_of_100, shares))


def basket(deviation, moneyness, assets=5):
    return Basket(
        True,
        100.0 / moneyness,
        1.0,
        0.05,
        np.full(assets, 100.0),
        deviation * np.linspace(0.6, 1.0, assets),
        np.full(assets, 1 / assets),
        np.full(assets, 0.02),
        factor(np.full((assets, assets), 0.3) + 0.7 * np.eye(assets)),
    )


@pytest.mark.parametrize(
    ("deviation", "moneyness", "method"), [(0.2, 1.0, "control_variate"), (6.0, 1.3, "plain"), (0.2, 1.0, "sobol")]
)
@pytest.mark.repeated
def test_a_baskets_intervals_hold_in_95_of_100_cases(deviation, moneyness, method):
    option = basket(deviation, moneyness, 3)
    truth = by_many(option)[0]
    size = 1_024 if method == "sobol" else 2_000
    runs = (pricing.price(option, method, size, seed).price.interval for seed in range(SEEDS))
    assert holds_in_95_of_100(sum(low <= truth <= high for low, high in runs) / SEEDS)


@pytest.mark.repeated
def test_a_discrete_barriers_intervals_hold_in_95_of_100_cases():
    option = DiscreteBarrier(market(6.0, 1.0), 80.0, False, False, 4)
    truth = by_many(option)[0]
    runs = (pricing.price(option, "control_variate", 1_000, seed).price.interval for seed in range(SEEDS))
    assert holds_in_95_of_100(sum(low <= truth <= high for low, high in runs) / SEEDS)


@pytest.mark.parametrize("method", ["plain", "antithetic", "control_variate", "sobol"])
def test_a_price_that_one_path_in_a_billion_makes_is_found(method):
    m = Market(True, 100.0, 320.0, 1.0, 0.0, 0.0, 0.2)  # 5.9 deviations out of the money
    truth = vanilla.closed_form(m)[0]
    price = pricing.price(European(m), method, 2_000, 1).price
    assert 0 < price.standard_error < truth / 10
    assert price.interval[0] <= truth <= price.interval[1]
    assert price.hits > FEWEST_HITS


@pytest.mark.parametrize("method", ["plain", "antithetic", "control_variate", "sobol"])
def test_a_put_at_a_volatility_of_1000_percent_is_nearly_its_strike(method):
    m = Market(False, 100.0, 100.0, 1.0, 0.0, 0.0, 10.0)
    price = pricing.price(European(m), method, 100_000, 1).price
    truth = vanilla.closed_form(m)[0]
    assert truth == pytest.approx(99.99994267, abs=1e-8)
    assert price.interval[0] <= truth <= price.interval[1] <= 100.0
    assert 0 < price.standard_error < 1e-6


class Dearer(European):
    @property
    def bounds(self):
        return 11.0, 12.0


def test_an_estimate_outside_of_its_bounds_is_moved_to_them():
    price = pricing.price(Dearer(Market(True, 100.0, 100.0, 1.0, 0.05, 0.0, 0.2)), "plain", 1_000, 1).price
    assert (price.value, price.interval[0]) == (11.0, 11.0)


def test_a_price_is_within_what_arbitrage_allows():
    for call in (True, False):
        for seed in range(60):
            option = DiscreteBarrier(market(1.0, 1.0, call), 99.9, False, True, 3)
            price = pricing.price(option, "control_variate", 1_000, seed).price
            low, high = option.bounds
            assert low <= price.interval[0] <= price.value <= price.interval[1] <= high
