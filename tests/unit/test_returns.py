"""Observed returns: what an asset can have returned is taken; prices, percentages and the like are refused by name."""

from itertools import accumulate
from math import log

import numpy as np
import pytest
from pydantic import ValidationError

from risk.calculate_var.model import CalculateVarData
from risk.returns import returns_fit

DAYS = 250


def normal(deviation, mean=0.0, days=DAYS):
    return (mean + deviation * np.random.default_rng(7).standard_normal(days)).tolist()


def prices(start, deviation=0.02, days=DAYS):
    return list(accumulate(normal(deviation, days=days), lambda price, gain: price * (1 + gain), initial=start))


def heavy_tailed(deviation):
    return np.clip(deviation * np.random.default_rng(7).standard_t(3, DAYS), -0.95, None).tolist()


def mostly(zeros, others):
    return [0.0] * zeros + others


PLAUSIBLE = {
    "a quiet bond": normal(0.002),
    "a share": normal(0.015, 0.0005),
    "a share that crashes": [*normal(0.015), -0.5, 0.3],
    "a currency in crisis": [*normal(0.03), -0.6],
    "a cryptocurrency": heavy_tailed(0.08),
    "one that moves 20 % a day": [0.2, -0.17] * 30,
    "months of a volatile share": normal(0.12, 0.01, 60),
    "years of 30 %": [0.3, -0.25, 0.35, 0.3] * 6,
    "a deposit, each day the same": [0.0001] * 30,
    "a deposit, each year the same": [0.06] * 30,
    "Treasury bills": normal(0.0001, 0.003, 60),
    "inflation's rates, all above 0": normal(0.03, 0.2, 40),
    "a stale price": [0.0] * DAYS,
    "one valuation of a start-up in between": mostly(DAYS, [1.5, -0.5, 3.0]),
    "a total loss": [*normal(0.02), -1.0],
    "a lottery's ticket": [*normal(0.05), 40.0],
}

SOMETHING_ELSE = {
    "percentages of a share": (normal(1.5, 0.05), "middle value is 0.931 .* percentages.* divide by 100"),
    "percentages of a bond": (normal(0.5), "percentages"),
    "percentages while often not traded": (mostly(200, normal(2.0, days=60)), "percentages"),
    "basis points": (normal(120.0), "basis points.* 10,000"),
    "changes in currency": (np.diff(prices(150.0)).tolist(), "changes of a price in currency.* by the price before"),
    "prices of a share": (prices(150.0), r"all values are above 0 .* prices .* p\[t\] / p\[t − 1\] − 1"),
    "prices of a bitcoin": (prices(60_000.0, 0.03), "prices"),
    "prices of a penny share": (prices(0.2, 0.01), "prices"),
    "an exchange rate": (prices(1.08, 0.005), "gross returns .subtract 1. or prices"),
    "gross returns": (normal(0.01, 1.0), "gross returns"),
    "logarithms of prices": ([log(price) for price in prices(150.0)], "prices or their logarithms"),
    "logarithms of an exchange rate": ([log(price) for price in prices(0.13, 0.005)], "all values are below 0"),
}


@pytest.mark.parametrize("column", PLAUSIBLE.values(), ids=PLAUSIBLE.keys())
@pytest.mark.parametrize("scale", [1, -1], ids=["", "inverse"])
def test_what_an_asset_can_have_returned_is_taken(column, scale):
    returns_fit([[0.01, max(-1.0, scale * value)] for value in column], ["AAPL", "OTHER"], "position")


@pytest.mark.parametrize(("column", "words"), SOMETHING_ELSE.values(), ids=SOMETHING_ELSE.keys())
def test_what_is_no_returns_is_refused_with_its_symbol_and_likely_cause(column, words):
    with pytest.raises(ValueError, match=r"^returns\[\*\]\[1\] \(AAPL\): .*" + words):
        returns_fit([[0.01, value] for value in column], ["OTHER", "AAPL"], "position")


def test_a_year_may_typically_return_more_than_a_day():
    years = [[0.6], [-0.5], [0.9], [-0.4]] * 5
    returns_fit(years, ["NEW"], "asset", periods_a_year=1)
    with pytest.raises(ValueError, match="percentages"):
        returns_fit(years, ["NEW"], "asset")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (-1.5, r"returns\[30\]\[0\] \(AAPL\) is -1\.5: a price cannot lose more than all; 0\.01 is 1 %"),
        (150.0, r"returns\[30\]\[0\] \(AAPL\) is 150: .* more than 100 times"),
        (1e308, r"returns\[30\]\[0\] \(AAPL\) is 1e\+308: .* more than 100 times"),
    ],
)
def test_a_single_value_that_no_return_can_have_is_refused_with_its_place(value, words):
    with pytest.raises(ValueError, match=words):
        returns_fit([[r] for r in [*normal(0.01, days=30), value]], ["AAPL"], "position")


@pytest.mark.parametrize("rows", [[[150.0, 0.01], [151.0, 0.01]] * 10, [[150.0, 90.0]] * 20])
def test_calculate_var_refuses_prices_sent_as_returns(rows):
    positions = [{"symbol": name, "quantity": 1, "price": 160.0} for name in ("AAPL", "MSFT")]
    with pytest.raises(ValidationError, match=r"returns\[\*\]\[0\] \(AAPL\)"):
        CalculateVarData.model_validate({"positions": positions, "method": "historical", "returns": rows})
