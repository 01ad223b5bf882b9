"""A shock moves prices by symbol, by beta or by class, reprices options in full, and says where it is from."""

from dataclasses import replace
from datetime import date
from typing import get_args

import pytest

from contracts.stress_test import EXAMPLE, AssetClass, ScenarioName
from worker import stress_task
from worker.quant.checkpoint import unobserved
from worker.quant.history import CATALOGUE, Scenario
from worker.quant.stress import Position, Terms, gains

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
    option = Terms(call=True, strike=100.0, maturity=1.0, volatility=0.2, rate=0.05, dividend_yield=0.0)
    scenario = Scenario("s", "s", "test", shocks={"equity": -0.2}, volatility_change=0.5, rate_change=0.01)
    then = Terms(call=True, strike=100.0, maturity=1.0, volatility=0.3, rate=0.06, dividend_yield=0.0).price(80.0)
    position = Position("A", 10, 100.0, "equity", option=option)
    assert gains([position], scenario)[0] == pytest.approx(10 * (then - 10.450584), abs=1e-5)
    assert position.value == pytest.approx(104.50584)


def test_a_worthless_underlying_leaves_a_put_its_strike():
    put = Terms(call=False, strike=100.0, maturity=1.0, volatility=0.2, rate=0.0, dividend_yield=0.0)
    assert put.price(0.0) == pytest.approx(100.0)


def test_the_catalogue_is_what_the_contract_offers_and_each_scenario_is_dated_and_sourced():
    assert set(CATALOGUE) == set(get_args(ScenarioName))
    for scenario in CATALOGUE.values():
        assert date.fromisoformat(scenario.start) < date.fromisoformat(scenario.end)
        assert len(scenario.source) > 20
        assert set(scenario.shocks) <= set(get_args(AssetClass))
        assert scenario.shocks["equity"] < -0.15


def test_the_worst_scenario_is_named_and_positions_add_up():
    result = stress_task.run(EXAMPLE, unobserved)
    worst = min(result["scenarios"], key=lambda scenario: scenario["profit_and_loss"])
    assert result["worst_scenario"] == worst["name"] == "lehman_2008"
    assert sum(p["profit_and_loss"] for p in worst["positions"]) == pytest.approx(result["worst_profit_and_loss"])
    assert result["assumptions"]["unnamed_classes"]
    assert [scenario["name"] for scenario in result["scenarios"]][-1] == "tech sell-off"
