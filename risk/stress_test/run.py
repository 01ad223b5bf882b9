"""`stress_test` from its data to its result."""

from functools import partial
from typing import Any

from risk.observed import checkpoint_of
from risk.quant.checkpoint import Progress
from risk.quant.history import CATALOGUE, Scenario
from risk.quant.instruments import Option
from risk.quant.stress import Position, gains
from risk.stress_test.model import CustomScenario, StressedPosition, StressTestData
from throughline import Run


def run(asked: StressTestData, run: Run) -> dict[str, Any]:
    """Profit and loss of each position in each scenario, the worst first named; assumptions are in the result."""
    positions = [_position(position) for position in asked.positions]
    scenarios, checkpoint = _scenarios(asked), checkpoint_of(run)
    told = []
    with run.phase("reprice", positions=len(positions)):
        for number, scenario in enumerate(scenarios):
            tell = partial(checkpoint, Progress(number / len(scenarios)))
            found = gains(positions, scenario, tell)
            told.append(_told(scenario, positions, found.tolist()))
    worst = min(told, key=lambda scenario: float(scenario["profit_and_loss"]))
    return {
        "worst_scenario": worst["name"],
        "worst_profit_and_loss": worst["profit_and_loss"],
        "portfolio_value": sum(position.value for position in positions),
        "scenarios": told,
        "assumptions": _assumptions(asked),
    }


def _position(data: StressedPosition) -> Position:
    option = data.option
    terms = (
        None
        if option is None
        else Option(
            option.right == "call",
            option.strike,
            option.maturity,
            option.volatility,
            option.rate,
            option.dividend_yield,
        )
    )
    return Position(data.symbol, data.quantity, data.price, data.asset_class, data.beta, terms)


def _scenarios(asked: StressTestData) -> list[Scenario]:
    names = list(CATALOGUE) if asked.scenarios is None else asked.scenarios
    return [CATALOGUE[name] for name in names] + [_custom(scenario) for scenario in asked.custom_scenarios]


def _custom(data: CustomScenario) -> Scenario:
    return Scenario(
        data.name,
        data.name,
        "the caller",
        shocks={str(name): change for name, change in data.shocks.items()},
        symbols=data.symbols,
        market=data.market,
        volatility_change=data.volatility_change,
        rate_change=data.rate_change,
    )


def _told(scenario: Scenario, positions: list[Position], found: list[float]) -> dict[str, Any]:
    dates = {"start": scenario.start, "end": scenario.end} if scenario.start else {}
    return (
        {"name": scenario.name, "title": scenario.title, "source": scenario.source}
        | dates
        | {
            "profit_and_loss": sum(found),
            "positions": [
                {"symbol": position.symbol, "shock": position.shock(scenario), "profit_and_loss": gain}
                for position, gain in zip(positions, found, strict=True)
            ],
        }
    )


def _assumptions(asked: StressTestData) -> dict[str, Any]:
    taken: dict[str, Any] = {"options": "European, repriced in full by Black–Scholes at once"}
    if asked.scenarios is None:
        taken["scenarios"] = list(CATALOGUE)
    if any("asset_class" not in p.model_fields_set and p.beta is None for p in asked.positions):
        taken["asset_class"] = "equity"
    options = [position.option for position in asked.positions if position.option is not None]
    for name in ("rate", "dividend_yield"):
        if any(name not in option.model_fields_set for option in options):
            taken[name] = 0.0
    unshocked = "classes that a scenario names no shock for keep their price"
    return taken | {"unnamed_classes": unshocked}
