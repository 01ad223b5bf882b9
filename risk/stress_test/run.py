"""`stress_test` from its data to its result."""

from typing import Any

import numpy as np

from risk.observed import checkpoint_of
from risk.quant.checkpoint import Progress
from risk.quant.history import CATALOGUE
from risk.quant.shocks import Flat, Scenario
from risk.quant.stress import Portfolio, Position
from risk.stress_test.assumptions import assumptions
from risk.stress_test.model import CustomScenario, StressedPosition, StressTestData
from risk.stress_test.notes import notes
from risk.stress_test.told import calculable, scenario_told, worst
from risk.terms import bonds_of, options_of, yields_of
from throughline import Run


def run(asked: StressTestData, run: Run) -> dict[str, Any]:
    """Profit and loss of each position in each scenario, the worst first named; what is assumed is in the result."""
    checkpoint, scenarios = checkpoint_of(run), _scenarios(asked)
    portfolio = _portfolio(asked)
    values, outcomes, told = calculable(portfolio.values, "value", asked), [], []
    with run.phase("reprice", positions=len(values)):
        for number, scenario in enumerate(scenarios):
            checkpoint(Progress(number / len(scenarios)))
            outcome = portfolio.under(scenario)
            outcomes.append(outcome)
            told.append(scenario_told(scenario, asked, values, outcome))
    return {
        **worst(told),
        "portfolio_value": float(values.sum()),
        "scenarios": told,
        "assumptions": assumptions(asked, scenarios),
        "notes": notes(asked, scenarios, outcomes),
    }


def _portfolio(asked: StressTestData) -> Portfolio:
    options = {i: each.option for i, each in enumerate(asked.positions) if each.option is not None}
    bonds = {i: each.bond for i, each in enumerate(asked.positions) if each.bond is not None}
    prices = np.array([asked.positions[i].price for i in bonds])
    terms = bonds_of(list(bonds.values()))
    yields = yields_of(terms, prices, [f"{asked.positions_at}[{i}]" for i in bonds]) if bonds else prices
    return Portfolio(
        [_position(each) for each in asked.positions],
        np.array(list(options), dtype=int),
        options_of(list(options.values())),
        np.array(list(bonds), dtype=int),
        terms,
        yields,
    )


def _position(data: StressedPosition) -> Position:
    underlying = data.option.underlying if data.option is not None else None
    return Position(data.symbol, data.quantity, data.price, data.kind, data.beta, underlying)


def _scenarios(asked: StressTestData) -> list[Scenario]:
    return [CATALOGUE[name] for name in asked.names] + [_custom(scenario) for scenario in asked.custom_scenarios]


def _custom(data: CustomScenario) -> Scenario:
    return Scenario(
        data.name,
        data.name,
        "the caller",
        shocks={str(name): change for name, change in data.shocks.items()},
        symbols=data.symbols,
        market=data.market,
        every_volatility=None if data.volatility_change is None else Flat(data.volatility_change),
        rates=None if data.rate_change is None else Flat(data.rate_change),
    )
