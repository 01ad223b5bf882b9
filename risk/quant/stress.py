"""What a shock does to each position: its price moves by symbol, by beta or by class; options are repriced in full."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from risk.quant.history import Scenario
from risk.quant.instruments import Option
from risk.quant.streams import Array

_POSITIONS_PER_CHUNK: Final = 250  # some 10 ms of options


@dataclass(frozen=True)
class Position:
    """`quantity` pieces at `price`, which is the underlying's when there is an option."""

    symbol: str
    quantity: float
    price: float
    asset_class: str
    beta: float | None = None
    option: Option | None = None

    @property
    def value(self) -> float:
        return self.quantity * (self.price if self.option is None else float(self.option.price(self.price)))

    def shock(self, scenario: Scenario) -> float:
        """Relative change of the price: by symbol, else by beta, else by class. A price cannot lose more than all."""
        if self.symbol in scenario.symbols:
            return scenario.symbols[self.symbol]
        if self.beta is not None:
            return max(-1.0, self.beta * scenario.market_move)
        return scenario.shocks.get(self.asset_class, 0.0)

    def gain(self, scenario: Scenario) -> float:
        moved = self.price * (1 + self.shock(scenario))
        if self.option is None:
            return self.quantity * (moved - self.price)
        then = self.option.price(moved, scenario.volatility_change, scenario.rate_change)
        return self.quantity * float(then - self.option.price(self.price))


def gains(positions: list[Position], scenario: Scenario, between: Callable[[], None] = lambda: None) -> Array:
    """Profit and loss (n,) of each position; `between` is called after every few hundred of them."""
    found = np.empty(len(positions))
    for number, position in enumerate(positions):
        found[number] = position.gain(scenario)
        if number % _POSITIONS_PER_CHUNK == _POSITIONS_PER_CHUNK - 1:
            between()
    return found
