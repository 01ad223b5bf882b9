"""A shock moves prices by symbol, by beta or by class, reprices options in full, and says where it is from."""

from dataclasses import replace
from datetime import date
from typing import get_args

import pytest

import risk  # noqa: F401 – declares the tasks
from risk.quant.history import CATALOGUE, Scenario
from risk.quant.instruments import Option
from risk.quant.stress import Position, gains
from risk.stress_test.model import EXAMPLE, AssetClass, ScenarioName
from throughline.testing import run_task

CRASH = Scenario("crash", "Crash", "test", shocks={"equity": -0.2, "gold": 0.1}, symbols={"X": -0.5})


def moved(**position):
    held = Position("A", 10, 100.0, "equity")
    return gains([replace(held, **position)], CRASH)[0]


@pytest.mark.parametrize(
    ("position", "expected"),
    [
        ({}, -200),
        ({"quantity": -10}, 200),
        ({"asset_class": "gold"}, 100),
        ({"asset_class": "currency"}, 0),
        ({"beta": 1.5}, -300),
        ({"beta": 9.0}, -1_000),
        ({"symbol": "X", "beta": 1.5}, -500),
    ],
)
def test_a_price_moves_by_symbol_else_by_beta_else_by_class(position, expected):
    assert moved(**position) == pytest.approx(expected)


def test_an_option_is_repriced_in_full():
    option = Option(call=True, strike=100.0, maturity=1.0, volatility=0.2, rate=0.05, dividend_yield=0.0)
    scenario = Scenario("s", "s", "test", shocks={"equity": -0.2}, volatility_change=0.5, rate_change=0.01)
    then = Option(call=True, strike=100.0, maturity=1.0, volatility=0.3, rate=0.06, dividend_yield=0.0).price(80.0)
    position = Position("A", 10, 100.0, "equity", option=option)
    assert gains([position], scenario)[0] == pytest.approx(10 * (then - 10.450584), abs=1e-5)
    assert position.value == pytest.approx(104.50584)


def test_a_worthless_underlying_leaves_a_put_its_strike():
    put = Option(call=False, strike=100.0, maturity=1.0, volatility=0.2, rate=0.0, dividend_yield=0.0)
    assert put.price(0.0) == pytest.approx(100.0)


def test_the_catalogue_is_what_the_contract_offers_and_each_scenario_is_dated_and_sourced():
    assert set(CATALOGUE) == set(get_args(ScenarioName))
    for scenario in CATALOGUE.values():
        assert date.fromisoformat(scenario.start) < date.fromisoformat(scenario.end)
        assert len(scenario.source) > 20
        assert set(scenario.shocks) <= set(get_args(AssetClass))
        assert scenario.shocks["equity"] < -0.15


LEVELS = [
    ("black_monday_1987", "equity", "224.84", 1 - 57.86 / (224.84 + 57.86)),
    ("black_monday_1987", "volatility", "from 36.37 to 150.19", 150.19 / 36.37),
    ("dotcom_2000_2002", "equity", "from 1,527.46 to 776.76", 776.76 / 1527.46),
    ("lehman_2008", "equity", "to 752.44", 752.44 / 1251.70),
    ("lehman_2008", "volatility", "from 25.66 to 80.86", 80.86 / 25.66),
    ("gfc_2007_2009", "equity", "from 1,565.15 to 676.53", 676.53 / 1565.15),
    ("gfc_2007_2009", "volatility", "from 16.12 to 49.68", 49.68 / 16.12),
    ("covid_2020", "oil", "from 53.31 to 23.33", 23.33 / 53.31),
    ("covid_2020", "volatility", "from 14.38 to 61.59", 61.59 / 14.38),
    ("rates_2022", "equity", "from 4,766.18 to 3,839.50", 3839.50 / 4766.18),
]


@pytest.mark.parametrize(("name", "what", "seen", "ratio"), LEVELS)
def test_a_shock_is_the_quotient_of_the_levels_that_its_source_gives(name, what, seen, ratio):
    scenario = CATALOGUE[name]
    assert seen in scenario.source
    if what == "volatility":
        assert scenario.volatility_change == pytest.approx(ratio - 1, abs=0.005)
    else:
        assert scenario.shocks[what] == pytest.approx(ratio - 1, abs=0.0006)


def test_a_shock_that_its_source_gives_as_a_change_stands_in_it_digit_by_digit():
    quoted = {
        ("black_monday_1987", "equity"): "−20.5 %",
        ("covid_2020", "equity"): "−33.92 %",
        ("gfc_2007_2009", "equity"): "−56.8 %",
        ("rates_2022", "equity"): "−19.4 %",
        ("rates_2022", "government_bond"): "−12.5 %",
        ("rates_2022", "corporate_bond"): "−15.76 %",
        ("rates_2022", "crypto"): "−64.34 %",
    }
    for (name, kind), said in quoted.items():
        assert said in CATALOGUE[name].source
        assert CATALOGUE[name].shocks[kind] == pytest.approx(float(said.strip("−% ")) / -100)
    checked = set(quoted) | {(name, what) for name, what, _, _ in LEVELS}
    assert {(name, kind) for name, scenario in CATALOGUE.items() for kind in scenario.shocks} <= checked
    assert "+2.330 points" in CATALOGUE["rates_2022"].source
    assert CATALOGUE["rates_2022"].rate_change == 0.0233


def test_the_worst_scenario_is_named_and_positions_add_up():
    result = run_task("stress_test", EXAMPLE).result
    worst = min(result["scenarios"], key=lambda scenario: scenario["profit_and_loss"])
    assert result["worst_scenario"] == worst["name"] == "lehman_2008"
    assert sum(p["profit_and_loss"] for p in worst["positions"]) == pytest.approx(result["worst_profit_and_loss"])
    assert result["assumptions"]["unnamed_classes"]
    assert [scenario["name"] for scenario in result["scenarios"]][-1] == "tech sell-off"
