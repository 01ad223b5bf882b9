"""A monte_carlo_pricing task answers extreme terms with right values, or says in a note or an error what cannot be."""

from math import exp, isfinite
from typing import Any

import pytest

import risk  # noqa: F401 – declares the tasks
from risk.quant import black_scholes
from throughline import InvalidTaskData
from throughline.testing import run_task

METHODS = ["plain", "antithetic", "control_variate", "sobol"]
EUROPEAN = {
    "style": "european",
    "right": "call",
    "spot": 100.0,
    "strike": 100.0,
    "maturity": 1.0,
    "rate": 0.05,
    "volatility": 0.2,
}
STYLES: dict[str, dict[str, Any]] = {
    "european": {},
    "arithmetic": {"style": "asian"},
    "geometric": {"style": "asian", "averaging": "geometric"},
    "continuous": {"style": "barrier", "barrier": 1e-9, "kind": "down-and-out"},
    "discrete": {
        "style": "barrier",
        "barrier": 1e9,
        "kind": "up-and-in",
        "monitoring": "discrete",
        "observations": 12,
    },
}


def priced(option, **data):
    return run_task("monte_carlo_pricing", {"option": option, "simulations": 1_000} | data).result


def basket(option):
    asset = {name: option[name] for name in ("spot", "volatility")}
    rest = {name: value for name, value in option.items() if name not in {"spot", "volatility", "style"}}
    return rest | {"style": "basket", "assets": [asset | {"weight": 0.5}, asset | {"weight": 0.5}]}


def finite(value):
    if isinstance(value, dict):
        return all(map(finite, value.values()))
    if isinstance(value, list):
        return all(map(finite, value))
    return not isinstance(value, float) or isfinite(value)


@pytest.mark.parametrize(
    ("terms", "named"),
    [
        ({"spot": 1e-300}, "spot"),
        ({"strike": 1e-300}, "strike"),
        ({"volatility": 5e-324}, "volatility 4.94066e-324, maturity 1"),
        ({"volatility": 1e-308}, "volatility 1e-308"),
        ({"maturity": 1e-300}, "maturity 1e-300"),
        ({"volatility": 10.0, "maturity": 100.0}, "volatility 10, maturity 100"),
    ],
)
@pytest.mark.parametrize("as_basket", [False, True])
def test_terms_that_no_price_can_be_simulated_from_are_refused_by_name(terms, named, as_basket):
    option = EUROPEAN | terms
    with pytest.raises(InvalidTaskData, match=named.replace("(", r"\(")):
        priced(basket(option) if as_basket else option)


@pytest.mark.parametrize(
    "terms",
    [
        {"spot": 1e-12, "strike": 1e12},
        {"spot": 1e12, "strike": 1e-12},
        {"rate": 1.0, "maturity": 100.0},
        {"rate": -1.0, "maturity": 100.0},
        {"volatility": 10.0, "maturity": 4.0},
        {"volatility": 1e-6},
        {"maturity": 1e-10},
    ],
)
@pytest.mark.parametrize("style", [*STYLES, "basket"])
@pytest.mark.parametrize("right", ["call", "put"])
def test_extreme_terms_give_finite_figures_and_an_error_or_a_note(terms, style, right):
    option = EUROPEAN | {"right": right} | terms
    for method in METHODS:
        moved = {"continuous": max(option["spot"], 1e-6), "discrete": min(option["spot"], 1e6)}
        spread = {"spot": moved.get(style, option["spot"])}
        result = priced(basket(option) if style == "basket" else option | STYLES[style] | spread, method=method)
        assert finite(result)
        assert result["standard_error"] or result["notes"]


@pytest.mark.parametrize("style", [*STYLES, "basket"])
def test_a_price_without_a_chance_has_no_error_and_reaches_no_precision(style):
    option = EUROPEAN | {"spot": 1e-11, "strike": 1e12} | STYLES.get(style, {})
    option |= {"barrier": 1e-12} if style == "continuous" else {}
    result = priced(basket(option) if style == "basket" else option, precision={"relative": 0.1})
    assert (result["price"], result["standard_error"], result["simulations"]) == (0.0, None, 0)
    assert result["confidence_interval"] == [0.0, pytest.approx(1e-113 * exp(-0.05), abs=0)]
    assert set(result["greeks"].values()) == {None}
    assert result["precision_reached"] is False
    assert "the price is below 9.51e-114" in result["notes"][0]
    assert "precision of 0.1" in result["notes"][-1]


def test_a_price_that_no_path_moves_is_its_bound():
    result = priced(EUROPEAN | {"right": "put", "spot": 1e-12, "strike": 1e12}, precision={"relative": 0.1})
    assert result["price"] == pytest.approx(1e12 * exp(-0.05))
    assert (result["standard_error"], result["precision_reached"]) == (0.0, True)
    assert (result["greeks"]["gamma"], result["greeks"]["delta"]["value"]) == (None, -1.0)
    assert "to within 9.51e-114" in result["notes"][0]


def test_what_a_basket_far_out_of_the_money_is_worth_at_most_allows_for_one_asset_alone():
    # By two moments it is 29 deviations away; the largest of five alone needs 19, all as one need 12.
    assets = [{"spot": 100.0, "volatility": 0.2, "weight": 0.2}] * 5
    option = {"style": "basket", "right": "call", "strike": 1_200.0, "maturity": 1.0, "rate": 0.05, "assets": assets}
    result = priced(option)
    as_one = float(black_scholes.price(True, 100.0, 1_200.0, 1.0, 0.05, 0.0, 0.2))
    assert result["confidence_interval"] == [0.0, pytest.approx(as_one, rel=1e-6, abs=0)]
    assert (result["price"], result["standard_error"]) == (0.0, None)


@pytest.mark.parametrize("method", METHODS)
def test_a_call_far_out_of_the_money_reaches_its_precision_at_its_own_price(method):
    option = EUROPEAN | {"strike": 300.0}
    result = priced(option, method=method, precision={"relative": 0.02}, simulations=100_000)
    truth = float(black_scholes.price(True, 100.0, 300.0, 1.0, 0.05, 0.0, 0.2))
    assert result["precision_reached"]
    assert result["price"] == pytest.approx(truth, rel=0.05)


def test_a_precision_that_was_not_reached_is_told_with_the_reason():
    result = priced(
        EUROPEAN | {"style": "barrier", "barrier": 90.0, "kind": "down-and-in"}, precision={"relative": 1e-5}
    )
    assert result["precision_reached"] is False
    assert "precision of 1e-05 was not reached" in result["notes"][-1]


KNOCKED = {"style": "barrier", "barrier": 110.0, "kind": "up-and-out"}


@pytest.mark.parametrize("strike", [111.0, 120.0])
@pytest.mark.parametrize("monitoring", ["continuous", "discrete"])
def test_a_barrier_that_ends_the_option_wherever_it_pays_makes_it_worth_nothing(monitoring, strike):
    option = EUROPEAN | KNOCKED | {"strike": strike, "monitoring": monitoring, "observations": 12}
    result = priced(option, precision={"relative": 0.01})
    assert (result["price"], result["standard_error"], result["precision_reached"]) == (0.0, 0.0, True)
    assert "barrier ends it" in result["notes"][0]
    into = priced(option | {"kind": "up-and-in"})
    assert into["price"] == pytest.approx(float(black_scholes.price(True, 100, strike, 1, 0.05, 0, 0.2)), rel=1e-12)
    assert "vanilla option, priced in closed form" in into["notes"][0]


def test_a_barrier_next_to_the_spot_and_one_out_of_reach():
    near = priced(EUROPEAN | {"style": "barrier", "barrier": 99.999999, "kind": "down-and-out"}, simulations=10_000)
    assert 0 < near["standard_error"] < near["price"] < 1e-5
    far = priced(EUROPEAN | {"style": "barrier", "barrier": 1e-9, "kind": "down-and-out"})
    assert far["price"] == pytest.approx(10.450583572185565, rel=1e-12)


def test_notes_are_empty_when_there_is_nothing_to_say():
    result = priced(EUROPEAN, simulations=20_000)
    assert result["notes"] == []
    assert all(greek["standard_error"] > 0 for greek in result["greeks"].values())


def test_what_too_few_paths_carry_is_null_and_a_note_says_so():
    option = EUROPEAN | {"style": "barrier", "barrier": 101.0, "kind": "up-and-out", "strike": 99.0}
    result = priced(option | {"volatility": 4.0, "monitoring": "discrete", "observations": 250})
    assert result["standard_error"] is None
    assert result["confidence_interval"][0] == 0.0
    assert result["confidence_interval"][1] > 90
    assert "simulations carry the price, too few for a standard error" in result["notes"][0]
