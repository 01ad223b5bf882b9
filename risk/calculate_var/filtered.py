"""The returns of a `calculate_var` task in the volatility of today, where that is asked for."""

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from risk.calculate_var.model import DEFAULT_DECAY, CalculateVarData
from risk.observed import checkpoint_of
from risk.quant import ewma
from risk.quant.loss_measure import LossMeasure
from risk.quant.streams import Array
from risk.quant.trading_days import TRADING_DAYS_A_YEAR
from throughline import Run

_STALE: Final = 10.0  # times a day's volatility: days without a change came before it


@dataclass(frozen=True)
class Filtered:
    """`returns` (T, n) of the symbols over days, with what to tell of how they were rescaled."""

    returns: Array
    decay: float | None = None
    told: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def with_error(self, measure: LossMeasure, daily: Array) -> LossMeasure:
        """The measure of rescaled gains (T,), with the error of the volatility that they were rescaled to."""
        if self.decay is None:
            return measure
        return ewma.with_error_of_volatility(measure, ewma.relative_error(daily, self.decay))


def filtered(var: CalculateVarData, run: Run) -> Filtered:
    """As observed, when no filter is asked for."""
    returns = np.array(var.portfolio_data.returns)
    if var.volatility_filter is None:
        return Filtered(returns)
    decay = var.decay if var.decay is not None else DEFAULT_DECAY
    forecasts = ewma.variances(returns, decay, checkpoint_of(run))
    ratios = ewma.ratios(forecasts)
    symbols = [position.risk for position in var.portfolio_data.positions]
    if len(symbols) > returns.shape[1]:
        symbols = list(dict.fromkeys(symbols))
    yearly = np.sqrt(forecasts[-1] * TRADING_DAYS_A_YEAR).tolist()
    told = {"volatilities": dict(zip(symbols, yearly, strict=True))}
    return Filtered(np.maximum(returns * ratios, -1), decay, told, tuple(_notes(ratios, symbols)))


def assumed_of(var: CalculateVarData) -> dict[str, Any]:
    """What the filter took and the client did not say."""
    if var.volatility_filter is None:
        return {}
    taken: dict[str, Any] = {} if var.decay is not None else {"decay": DEFAULT_DECAY}
    return taken | {
        "volatility": "exponentially weighted, without a mean, from the sample's variance on; the intervals allow for "
        "its error as if it had not changed of late"
    }


def _notes(ratios: Array, symbols: list[str]) -> list[str]:
    stale = (ratios > _STALE).sum(axis=0).tolist()
    return [
        f"{symbol}: {days:,} returns were multiplied by more than {_STALE:g}, since prices hardly moved before "
        "them; the filtered figures rest on that."
        for days, symbol in zip(stale, symbols, strict=True)
        if days
    ]
