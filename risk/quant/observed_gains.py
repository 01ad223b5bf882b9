"""What a portfolio would have gained over the horizon in each stretch of its history."""

from math import sqrt

import numpy as np

from risk.quant.streams import Array

_TOTAL = -1 + 1e-15  # a price that lost all, where a logarithm is taken


def compounded(values: Array, returns: Array, days: int) -> Array:
    """Gains (T − days + 1, n) of positions worth `values` (n,) over each window of `days` of the returns (T, n).

    A window's return is ∏(1 + r) − 1: a position is held, not brought back to its size each day.
    """
    grown = np.log1p(np.maximum(returns, _TOTAL))
    running = np.vstack([np.zeros(returns.shape[1]), np.cumsum(grown, axis=0)])
    gains: Array = np.expm1(running[days:] - running[:-days]) * values
    return gains


def scaled(values: Array, returns: Array, days: int) -> tuple[Array, int]:
    """Gains (T, n) of single days times √days, and how many of them would have lost more than the whole price.

    Those lose all of it: √days knows no floor, a price does.
    """
    stretched = returns * sqrt(days)
    beyond = stretched < -1
    gains: Array = np.maximum(stretched, -1) * values
    return gains, int(beyond.sum())


def of_portfolio(daily_gains: Array, net: float, gross: float, days: int) -> Array:
    """Gains (…, T − days + 1) of the whole over windows of `days`, from its daily gains (…, T) alone.

    Compounded on its net value, which is exact for one position; summed where long and short nearly cancel and no
    net value is left to compound on.
    """
    compounding = abs(net) > gross / 2
    steps = np.log1p(np.maximum(daily_gains / net, _TOTAL)) if compounding else daily_gains
    running = np.cumsum(steps, axis=-1)
    first = np.zeros((*running.shape[:-1], 1))
    windows = running[..., days - 1 :] - np.concatenate([first, running[..., :-days]], axis=-1)
    gains: Array = net * np.expm1(windows) if compounding else windows
    return gains
