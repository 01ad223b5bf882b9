"""Options and bonds priced in full: many at once, over many scenarios, from what drives them."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import elementwise

from risk.quant import black_scholes
from risk.quant.streams import Array

LOWEST_YIELD: Final = -0.5
HIGHEST_YIELD: Final = 10.0
_FLOW_ROUNDING: Final = 1e-9  # of a coupon period: a maturity of 3 × (1 / 12) years is 1 period of a quarter


@dataclass(frozen=True)
class Option:
    """European options: each field is one number, or an array (n,) with one for each of n options."""

    call: bool | NDArray[np.bool_]
    strike: float | Array
    maturity: float | Array  # years
    volatility: float | Array  # implied, of a year
    rate: float | Array = 0.0
    dividend_yield: float | Array = 0.0

    def price(
        self,
        spot: ArrayLike,
        volatility_change: ArrayLike = 0.0,
        rate_change: ArrayLike = 0.0,
        passed: ArrayLike = 0.0,
    ) -> Array:
        """Price of one option, as the arguments and the terms broadcast: (scenarios, n) for a spot of that shape.

        `volatility_change` is relative, `rate_change` absolute; `passed` years have gone by, and an option that
        expired in them is worth its payoff.
        """
        return black_scholes.price(
            self.call,
            spot,
            self.strike,
            np.asarray(self.maturity) - passed,
            np.asarray(self.rate) + rate_change,
            self.dividend_yield,
            np.asarray(self.volatility) * (1 + np.asarray(volatility_change)),
        )


class NoYield(ValueError):
    """No yield gives a bond its price; `index` of the bond, and the lowest and highest price that one can have."""

    def __init__(self, index: int, lowest: float, highest: float) -> None:
        super().__init__(index, lowest, highest)
        self.index, self.lowest, self.highest = index, lowest, highest


@dataclass(frozen=True)
class Bond:
    """Bonds with a fixed coupon (0: zero-coupon bonds): each field is one number, or an array (n,)."""

    coupon: float | Array  # of a year, as a share of the face
    maturity: float | Array  # years
    coupons_a_year: int | NDArray[np.int64] = 2
    face: float | Array = 100.0

    def price(self, yield_: ArrayLike, passed: ArrayLike = 0.0) -> Array:
        """Dirty price of one bond at a yield that is compounded `coupons_a_year` times a year.

        Σ flowᵢ (1 + y / m)^(−m tᵢ), the annuity as a geometric sum (Fabozzi, Bond Markets, ch. 2). After `passed`
        years the coupons (and the face) paid in them are counted at what was paid. A yield below `LOWEST_YIELD` is
        taken as that.
        """
        m, face = np.asarray(self.coupons_a_year), np.asarray(self.face)
        coupon = np.asarray(self.coupon) * face / m
        left = (np.asarray(self.maturity) - passed) * m
        flows = np.maximum(np.ceil(left - _FLOW_ROUNDING), 0.0)
        to_next = np.maximum(left - (flows - 1), 0.0)
        discount = -np.log1p(np.maximum(yield_, LOWEST_YIELD) / m)
        steps = np.where(discount == 0, 1.0, np.expm1(discount))
        annuity = np.where(discount == 0, flows, np.expm1(flows * discount) / steps)
        to_come = np.exp(to_next * discount) * (coupon * annuity + face * np.exp((flows - 1) * discount))
        paid = coupon * (np.ceil(np.asarray(self.maturity) * m - _FLOW_ROUNDING) - flows)
        value: Array = paid + np.where(flows > 0, to_come, face)
        return value

    def yield_of(self, price: ArrayLike) -> Array:
        """The yield that gives each bond its dirty price; raises `NoYield` outside of LOWEST … HIGHEST_YIELD."""
        prices = np.atleast_1d(np.asarray(price, dtype=float))
        highest, lowest = (np.broadcast_to(self.price(y), prices.shape) for y in (LOWEST_YIELD, HIGHEST_YIELD))
        outside = np.flatnonzero((prices > highest) | (prices < lowest))
        if len(outside):
            first = int(outside[0])
            raise NoYield(first, float(lowest[first]), float(highest[first]))
        terms = (self.coupon, self.maturity, self.coupons_a_year, self.face)
        each = [np.broadcast_to(term, prices.shape) for term in terms]
        bounds = (np.full(prices.shape, LOWEST_YIELD), np.full(prices.shape, HIGHEST_YIELD))
        found: Array = elementwise.find_root(_overpriced, bounds, args=(prices, *each)).x
        return found


def _overpriced(
    yield_: Array, price: Array, coupon: Array, maturity: Array, coupons_a_year: NDArray[np.int64], face: Array
) -> Array:
    """Logarithm of the price at that yield over the one given; the search hands in the bonds it has not done yet."""
    found: Array = np.log(Bond(coupon, maturity, coupons_a_year, face).price(yield_) / price)
    return found
