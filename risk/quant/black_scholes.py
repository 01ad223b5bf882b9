"""European options in closed form: what positions are repriced with, and a control for what has no closed form."""

from math import pi

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from risk.quant.streams import Array


def price(
    call: bool,
    spot: ArrayLike,
    strike: float,
    maturity: float,
    rate: float,
    dividend_yield: float,
    volatility: ArrayLike,
) -> Array:
    """Price (as `spot` and `volatility` broadcast); a spot of 0 is the limit."""
    sign = 1.0 if call else -1.0
    spots = np.maximum(np.asarray(spot, dtype=float), 1e-300)
    deviation = np.asarray(volatility, dtype=float) * np.sqrt(maturity)
    d1 = (np.log(spots / strike) + (rate - dividend_yield) * maturity) / deviation + deviation / 2
    paid: Array = sign * spots * np.exp(-dividend_yield * maturity) * ndtr(sign * d1)
    struck: Array = sign * strike * np.exp(-rate * maturity) * ndtr(sign * (d1 - deviation))
    value: Array = paid - struck
    return value


def of_lognormal(call: bool, mean_log: float, deviation: float, strike: float, discount: float) -> float:
    """Discounted payoff's mean, of a price whose logarithm is normal: what all of these formulas come down to."""
    forward = float(np.exp(mean_log + deviation**2 / 2))
    d1 = (float(np.log(forward / strike)) + deviation**2 / 2) / deviation
    sign = 1.0 if call else -1.0
    inside = forward * float(ndtr(sign * d1)) - strike * float(ndtr(sign * (d1 - deviation)))
    return discount * sign * inside


def density(x: ArrayLike) -> Array:
    """Of the standard normal."""
    heights: Array = np.exp(-(np.asarray(x, dtype=float) ** 2) / 2) / np.sqrt(2 * pi)
    return heights
