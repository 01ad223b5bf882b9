"""What a scenario says of prices, of options' volatilities and of interest rates, by class and by maturity."""

from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np
from numpy.typing import ArrayLike

from risk.quant.streams import Array

DAYS_A_YEAR: Final = 365
Levels = tuple[float, float]  # on the first and on the last date


class Curve(Protocol):
    """A change for each maturity in years, (n,) for (n,)."""

    def at(self, years: ArrayLike) -> Array: ...


@dataclass(frozen=True)
class Flat:
    """The same change at every maturity."""

    change: float

    def at(self, years: ArrayLike) -> Array:
        return np.full(np.shape(years), self.change)


@dataclass(frozen=True)
class VolatilityCurve:
    """Relative changes of implied volatilities, from levels of volatility indices by the days they look ahead.

    Between two indices the change is linear in 1 / √days. Beyond the longest one it falls as √(its days / days): the
    inverse square root of time by which traders put vegas of different maturities on one scale (Interactive Brokers,
    "VR(T) time decay and term adjusted Vega columns in Risk Navigator", ibkr.info/tag/risk-navigator). Below the
    shortest one it is that one's.
    """

    levels: dict[int, Levels]  # in per cent, by days

    def at(self, years: ArrayLike) -> Array:
        days = sorted(self.levels, reverse=True)
        changes = [self.levels[each][1] / self.levels[each][0] - 1 for each in days]
        nearness = 1 / np.sqrt(np.asarray(years, dtype=float) * DAYS_A_YEAR)
        found: Array = np.interp(nearness, [0.0, *(each**-0.5 for each in days)], [0.0, *changes])
        return found


@dataclass(frozen=True)
class YieldCurve:
    """Changes of yields, from levels in per cent by years to maturity: linear between them, flat outside of them."""

    levels: dict[float, Levels]

    def at(self, years: ArrayLike) -> Array:
        maturities = sorted(self.levels)
        changes = [round(self.levels[each][1] - self.levels[each][0], 9) / 100 for each in maturities]
        found: Array = np.interp(np.asarray(years, dtype=float), maturities, changes)
        return found


@dataclass(frozen=True)
class Scenario:
    """Relative price changes by symbol and class; `market` moves what has a beta. What is absent is not covered."""

    name: str
    title: str
    source: str
    start: str = ""
    end: str = ""
    shocks: dict[str, float] = field(default_factory=dict)
    symbols: dict[str, float] = field(default_factory=dict)
    market: float | None = None
    volatilities: dict[str, Curve] = field(default_factory=dict)  # by class
    every_volatility: Curve | None = None  # of the classes that `volatilities` has not
    rates: Curve | None = None

    @property
    def historical(self) -> bool:
        """Everything moved then: what it does not name is unknown. In a caller's own it is what stays."""
        return bool(self.start)

    @property
    def market_move(self) -> float | None:
        return self.shocks.get("equity") if self.market is None else self.market

    def volatility_of(self, asset_class: str) -> Curve | None:
        return self.volatilities.get(asset_class, self.every_volatility)
