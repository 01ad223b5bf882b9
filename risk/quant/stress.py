"""What a scenario does to each position: its price moves by symbol, beta or class; options and bonds are repriced.

NaN stands for what a scenario does not cover, which is not the same as a change of zero.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from risk.quant.instruments import Bond, Option
from risk.quant.shocks import Scenario
from risk.quant.streams import Array

NOT_COVERED: Final = float("nan")
Places = NDArray[np.int64]


@dataclass(frozen=True)
class Position:
    """`quantity` pieces at `price`, which is the underlying's when there is an option."""

    symbol: str
    quantity: float
    price: float
    asset_class: str
    beta: float | None = None
    underlying: str | None = None

    def named(self, scenario: Scenario) -> float | None:
        """The change that the scenario has for it alone: by symbol, else by beta. A price cannot lose more than all."""
        for symbol in (self.symbol, self.underlying):
            if symbol in scenario.symbols:
                return scenario.symbols[symbol]
        if self.beta is None:
            return None
        move = scenario.market_move
        return NOT_COVERED if move is None else max(-1.0, self.beta * move)


@dataclass(frozen=True)
class Outcome:
    """Of one scenario, (n,) each: relative price changes, changes of volatilities and of rates, and gains."""

    shocks: Array
    volatility_changes: Array
    rate_changes: Array
    gains: Array

    @property
    def covered(self) -> NDArray[np.bool_]:
        return ~np.isnan(self.gains)

    @property
    def total(self) -> float | None:
        """The sum over the positions that are covered; None when none is."""
        return float(self.gains[self.covered].sum()) if self.covered.any() else None


@dataclass(frozen=True)
class Portfolio:
    """Positions; `options` and `bonds` hold the terms of those at `option_at` and `bond_at`, `yields` the bonds'."""

    positions: list[Position]
    option_at: Places
    options: Option
    bond_at: Places
    bonds: Bond
    yields: Array

    @cached_property
    def _quantities(self) -> Array:
        return np.array([each.quantity for each in self.positions])

    @cached_property
    def _spots(self) -> Array:
        return np.array([each.price for each in self.positions])

    @cached_property
    def _prices(self) -> Array:
        """What a piece of each position is worth today."""
        prices = self._spots.copy()
        prices[self.option_at] = self.options.price(self._spots[self.option_at])
        return prices

    @property
    def values(self) -> Array:
        """(n,): what each position is worth today."""
        worth: Array = self._quantities * self._prices
        return worth

    def under(self, scenario: Scenario) -> Outcome:
        """The scenario's changes, and the gains from them."""
        named = [position.named(scenario) for position in self.positions]
        by_class = [scenario.shocks.get(position.asset_class, NOT_COVERED) for position in self.positions]
        shocks = np.array([other if one is None else one for one, other in zip(named, by_class, strict=True)])
        volatilities, rates = np.full_like(shocks, NOT_COVERED), np.full_like(shocks, NOT_COVERED)
        then = self._spots * (1 + shocks)
        if scenario.rates is not None:
            rates[self.option_at] = scenario.rates.at(self.options.maturity)
            repriced = self._repriced_by_rates(scenario, named)
            at = self.bond_at[repriced]
            rates[at] = scenario.rates.at(np.asarray(self.bonds.maturity)[repriced])
            yields = self.yields + np.nan_to_num(rates[self.bond_at])
            then[at] = self.bonds.price(yields)[repriced]
            shocks[at] = then[at] / self._spots[at] - 1
        volatilities[self.option_at] = self._volatility_changes(scenario)
        then[self.option_at] = self._options_then(scenario, shocks, volatilities, rates)
        gains = self._quantities * (then - self._prices) + 0.0  # + 0.0: none of a falling position is no −0.0
        return Outcome(shocks, volatilities, rates, gains)

    def _repriced_by_rates(self, scenario: Scenario, named: list[float | None]) -> NDArray[np.bool_]:
        """(bonds,): which of them the rates move: those that no change is named for alone, before any of their class.

        Corporate bonds in a caller's own scenario only: history's rates are the Treasury's, without their spread.
        """
        with_spread = {"corporate_bond"} if scenario.historical else set()
        return np.array(
            [named[i] is None and self.positions[i].asset_class not in with_spread for i in self.bond_at], dtype=bool
        )

    def _volatility_changes(self, scenario: Scenario) -> Array:
        """(options,), by class and maturity."""
        classes = np.array([self.positions[i].asset_class for i in self.option_at])
        changes, years = np.full(len(classes), NOT_COVERED), np.asarray(self.options.maturity)
        for asset_class in set(classes.tolist()):
            curve, members = scenario.volatility_of(asset_class), classes == asset_class
            if curve is not None:
                changes[members] = curve.at(years[members])
        return changes

    def _options_then(self, scenario: Scenario, *changes: Array) -> Array:
        """(options,): prices after the changes of spots, volatilities and rates; NaN where not covered.

        In history everything moved, so that an option is not covered unless its underlying is. In a caller's own
        scenario what is not named stays: one of underlying, volatility and rate is enough.
        """
        found = [each[self.option_at] for each in changes]
        spot, volatility, rate = (np.nan_to_num(each) for each in found)
        then = self.options.price(self._spots[self.option_at] * (1 + spot), volatility, rate)
        unknown = np.isnan(found[0]) if scenario.historical else np.isnan(found).all(axis=0)
        prices: Array = np.where(unknown, NOT_COVERED, then)
        return prices
