"""European options in closed form: what positions are repriced with."""

from math import pi
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from risk.quant.streams import Array

_SMALLEST: Final = 1e-300
_LEAST_DEVIATION: Final = 1e-100  # so that no quotient by it overflows


def price(
    call: ArrayLike,
    spot: ArrayLike,
    strike: ArrayLike,
    maturity: ArrayLike,
    rate: ArrayLike,
    dividend_yield: ArrayLike,
    volatility: ArrayLike,
) -> Array:
    """Black and Scholes (1973) with Merton's dividend yield (1973), as the arguments broadcast.

    At a spot of 0, a maturity of 0 or below, and a volatility of 0 it is the limit. The value is within its
    no-arbitrage bounds whatever the arguments: it is the discounted intrinsic value plus the out-of-the-money option
    of the same strike (put-call parity), which is never formed as a difference of two numbers near each other.
    """
    years = np.maximum(np.asarray(maturity, dtype=float), 0.0)
    paid = np.asarray(spot, dtype=float) * np.exp(-np.asarray(dividend_yield, dtype=float) * years)
    struck = np.asarray(strike, dtype=float) * np.exp(-np.asarray(rate, dtype=float) * years)
    deviation = np.maximum(np.asarray(volatility, dtype=float) * np.sqrt(years), _LEAST_DEVIATION)
    value = np.maximum(np.where(call, paid - struck, struck - paid), 0.0) + _out_of_the_money(paid, struck, deviation)
    bounded: Array = np.minimum(value, np.where(call, paid, struck))
    return bounded


def _out_of_the_money(paid: Array, struck: Array, deviation: Array) -> Array:
    """The call when the strike is above the forward, else the put; both discounted.

    min(paid, struck) Φ(h + t) − max(paid, struck) Φ(h − t), with h = −|log(paid / struck)| / deviation and
    t = deviation / 2: both Φ are tails, whose digits are all there however small they are.
    """
    apart = np.asarray(np.log(np.maximum(paid, _SMALLEST)) - np.log(np.maximum(struck, _SMALLEST)))
    np.abs(apart, out=apart)
    nearer = np.asarray(deviation / 2 - apart / deviation)
    value = ndtr(nearer)
    value *= np.minimum(paid, struck)
    nearer -= deviation
    farther = ndtr(nearer)
    farther *= np.maximum(paid, struck)
    value -= farther
    positive: Array = np.maximum(value, 0.0)
    return positive


def density(x: ArrayLike) -> Array:
    """Of the standard normal."""
    heights: Array = np.exp(-(np.asarray(x, dtype=float) ** 2) / 2) / np.sqrt(2 * pi)
    return heights
