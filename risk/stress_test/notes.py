"""What a reader must know to use a stress test's figures: what its scenarios do not cover, and what moves nothing."""

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np

from risk.quant.shocks import Scenario
from risk.quant.stress import Outcome
from risk.stress_test.model import CustomScenario, StressedPosition, StressTestData

_NAMED: Final = 5  # names in a sentence
_LARGE_RATE_CHANGE: Final = 0.2  # more likely a change in per cent than a rate of hyperinflation
Held = list[StressedPosition]


def notes(asked: StressTestData, scenarios: list[Scenario], outcomes: list[Outcome]) -> list[str]:
    """One sentence for each thing to know, of the whole result."""
    return [
        *_gaps(asked.positions, scenarios, outcomes),
        *_kept_volatilities(asked.positions, scenarios, outcomes),
        *_apart(asked.positions, scenarios, outcomes),
        *_lost_whole(asked.positions, scenarios),
        *(note for scenario in asked.custom_scenarios for note in _idle(asked.positions, scenario)),
    ]


def _gaps(positions: Held, scenarios: list[Scenario], outcomes: list[Outcome]) -> Iterator[str]:
    """What is not covered, and for bonds that rates would move: why."""
    missing = [
        (scenario, [positions[i] for i in np.flatnonzero(~outcome.covered)])
        for scenario, outcome in zip(scenarios, outcomes, strict=True)
    ]
    yield from _said(
        ((scenario.name, gaps) for scenario, gaps in missing),
        "not covered by {scenarios}: {symbols}; their profit and loss is null, not zero, and in no sum",
    )
    if any(gaps for _, gaps in missing):
        yield "worst_scenario compares sums over the positions that each scenario covers"
    moving = [(scenario, gaps) for scenario, gaps in missing if scenario.rates is not None]
    yield from _said(
        ((scenario.name, [each for each in gaps if _bare_bond(each)]) for scenario, gaps in moving),
        "{scenarios}: rates move bonds by their terms; give bond to {symbols}",
    )
    yield from _said(
        ((scenario.name, [each for each in gaps if each.bond and scenario.historical]) for scenario, gaps in moving),
        "{scenarios}: the yields known are the Treasury's, without the spread of corporate bonds such as {symbols}",
    )


def _bare_bond(position: StressedPosition) -> bool:
    """A bond of which nothing but the price is known."""
    plain = position.bond is None and position.option is None and position.beta is None
    return plain and position.kind in ("government_bond", "corporate_bond")


def _kept_volatilities(positions: Held, scenarios: list[Scenario], outcomes: list[Outcome]) -> Iterator[str]:
    """Options that history reprices at their own volatility; in his own scenario the caller has said so."""
    kept = (
        (scenario.name, [positions[i] for i in np.flatnonzero(outcome.covered & np.isnan(outcome.volatility_changes))])
        for scenario, outcome in zip(scenarios, outcomes, strict=True)
        if scenario.historical
    )
    yield from _said(
        ((name, [position for position in held if position.option]) for name, held in kept),
        "{scenarios}: no source for the volatility of the options in {symbols}, which is kept",
    )


def _apart(positions: Held, scenarios: list[Scenario], outcomes: list[Outcome]) -> Iterator[str]:
    """Positions on one price that the caller gave two ways to move: a hedge looks better or worse than it is."""
    together: dict[str, list[int]] = {}
    for i, position in enumerate(positions):
        together.setdefault(position.priced_by, []).append(i)
    differ = [each for each in together.values() if len({(positions[i].beta, positions[i].kind) for i in each}) > 1]
    moved = (
        (scenario.name, [positions[i] for each in differ for i in _told_apart(positions, scenario, outcome, each)])
        for scenario, outcome in zip(scenarios, outcomes, strict=True)
    )
    yield from _said(
        moved,
        "{scenarios}: {symbols} are on one price, which moves by two changes, since beta or asset_class differ; give "
        "them the same",
    )


def _told_apart(positions: Held, scenario: Scenario, outcome: Outcome, places: list[int]) -> list[int]:
    """Those of the places that beta or class move, when by several changes; not covered counts as one."""
    moved = [i for i in places if not _named(positions[i], scenario)]
    return moved if len(np.unique(outcome.shocks[moved])) > 1 else []


def _lost_whole(positions: Held, scenarios: list[Scenario]) -> Iterator[str]:
    """Positions whose beta asks for a loss of more than the price."""
    steepest = max((abs(each.beta) for each in positions if each.beta is not None), default=0.0)
    lost = (
        (scenario.name, [each for each in positions if _below_all(each, scenario)])
        for scenario in scenarios
        if steepest * abs(scenario.market_move or 0.0) > 1  # else no position is worth a look: there may be 250,000
    )
    yield from _said(lost, "{scenarios}: beta times the market is below −100 % for {symbols}, and taken as that")


def _below_all(position: StressedPosition, scenario: Scenario) -> bool:
    if position.beta is None or _named(position, scenario):
        return False
    return position.beta * (scenario.market_move or 0.0) < -1


def _named(position: StressedPosition, scenario: Scenario) -> bool:
    return position.symbol in scenario.symbols or position.priced_by in scenario.symbols


def _idle(positions: Held, scenario: CustomScenario) -> Iterator[str]:
    """What the caller's scenario names and no position is moved by."""
    kinds = {position.kind for position in positions}
    options = any(position.option for position in positions)
    bonds = [position for position in positions if position.bond]
    for asset_class in scenario.shocks:
        if asset_class not in kinds:
            yield f"{scenario.name}: no position is of the class {asset_class}, whose shock moves nothing"
    if scenario.market is not None and all(position.beta is None for position in positions):
        yield f"{scenario.name}: no position has a beta, so that market moves nothing"
    if scenario.volatility_change is not None and not options:
        yield f"{scenario.name}: no position has an option, so that volatility_change moves nothing"
    if scenario.rate_change is None:
        return
    if abs(scenario.rate_change) >= _LARGE_RATE_CHANGE and (options or bonds):
        yield (
            f"{scenario.name}: rate_change {scenario.rate_change:g} is {100 * scenario.rate_change:g} percentage "
            "points (0.01 is one); bonds' yields below −50 % are taken as that"
        )
    if not options and not bonds:
        yield f"{scenario.name}: no position has an option or bond terms, so that rate_change moves nothing"
    both = [position for position in bonds if position.kind in scenario.shocks and position.beta is None]
    yield from _said([(scenario.name, both)], "{scenarios}: rate_change moves {symbols}, not the shock of their class")


def _said(found: Iterable[tuple[str, Held]], sentence: str) -> Iterator[str]:
    """The sentence for each set of symbols that is not empty, with all scenarios that it is true of."""
    together: dict[tuple[str, ...], list[str]] = {}
    for scenario, positions in found:
        symbols = tuple(dict.fromkeys(position.symbol for position in positions))
        if symbols:
            together.setdefault(symbols, []).append(scenario)
    for symbols, names in together.items():
        yield sentence.format(scenarios=_some(names), symbols=_some(symbols))


def _some(names: Iterable[str]) -> str:
    """The first few, and how many more there are."""
    each = list(names)
    rest = f" and {len(each) - _NAMED:,} more" if len(each) > _NAMED else ""
    return ", ".join(each[:_NAMED]) + rest
