"""What a stress test's result says of each scenario, and which of them is the worst."""

from math import isnan
from typing import Any, Final

import numpy as np

from risk.errors import NotCalculable
from risk.quant.shocks import Scenario
from risk.quant.streams import Array
from risk.quant.stress import Outcome
from risk.stress_test.model import StressedPosition, StressTestData

MOST_OF_WORST: Final = 20  # symbols


def calculable(figures: Array, what: str, asked: StressTestData) -> Array:
    """The figures; raises `NotCalculable` for the first that is too large to be a number (NaN is one not covered)."""
    if np.isinf(figures).any():
        place = int(np.flatnonzero(np.isinf(figures))[0])
        raise NotCalculable(f"{asked.positions_at}[{place}]: its {what} is too large a number; give less extreme terms")
    return figures


def scenario_told(scenario: Scenario, asked: StressTestData, values: Array, outcome: Outcome) -> dict[str, Any]:
    """One scenario of the result: null is what it does not cover, and its sum is over what it does."""
    calculable(outcome.gains, f"profit and loss in {scenario.name}", asked)
    positions = asked.positions
    not_covered: dict[str, float] = {}
    for i in np.flatnonzero(~outcome.covered):
        symbol = positions[i].symbol
        not_covered[symbol] = not_covered.get(symbol, 0.0) + float(values[i])
    dates = {"start": scenario.start, "end": scenario.end} if scenario.historical else {}
    return (
        {"name": scenario.name, "title": scenario.title, "source": scenario.source}
        | dates
        | {
            "profit_and_loss": outcome.total,
            "positions": _positions_told(positions, outcome),
            "not_covered": [{"symbol": symbol, "value": value} for symbol, value in not_covered.items()],
        }
    )


def _positions_told(positions: list[StressedPosition], outcome: Outcome) -> list[dict[str, Any]]:
    columns = (outcome.shocks, outcome.gains, outcome.volatility_changes, outcome.rate_changes)
    told = []
    for position, *figures in zip(positions, *(column.tolist() for column in columns), strict=True):
        shock, gain, volatility_change, rate_change = (None if isnan(each) else each for each in figures)
        line: dict[str, Any] = {
            "symbol": position.symbol,
            "shock": shock,
            "profit_and_loss": gain,
            "covered": gain is not None,
        }
        if position.option is not None:
            line |= {"volatility_change": volatility_change, "rate_change": rate_change}
        elif position.bond is not None:
            line["rate_change"] = rate_change
        told.append(line)
    return told


def _largest(positions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What most of a scenario's sum is made of, by symbol; the largest first."""
    by_symbol: dict[str, float] = {}
    for position in positions:
        if position["covered"]:
            by_symbol[position["symbol"]] = by_symbol.get(position["symbol"], 0.0) + position["profit_and_loss"]
    largest = sorted(by_symbol.items(), key=lambda each: -abs(each[1]))[:MOST_OF_WORST]
    return [{"symbol": symbol, "profit_and_loss": gain} for symbol, gain in largest]


def worst(told: list[dict[str, Any]]) -> dict[str, Any]:
    """The scenario with the lowest sum; scenarios that cover no position have none and are not compared."""
    compared = [scenario for scenario in told if scenario["profit_and_loss"] is not None]
    lowest = min(compared, key=lambda scenario: float(scenario["profit_and_loss"]), default=None)
    return {
        "worst_scenario": lowest and lowest["name"],
        "worst_profit_and_loss": lowest and lowest["profit_and_loss"],
        "worst_positions": _largest(lowest["positions"]) if lowest else [],
    }
