"""What is simulated in the place of a call or a put: the one of three claims whose payoff has the smallest error.

`call`, `put`, and `covered`, which pays the smaller of price and strike. Whatever the price at expiry, call + covered =
price and put + covered = strike, so that any of them gives the others (put–call parity). A call on a price whose
logarithm has a deviation of 6 gets its value from prices that one path in a billion reaches; the covered claim is at
most the strike, and is what is left of the price or of the strike when the option is nearly sure to be worth that much.
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from scipy.special import ndtr

from risk.quant.streams import Array

_NEAR: Final = 0.75  # normals

Kind = Literal["call", "put", "covered"]


def kind(deep: float, deviation: float) -> Kind:
    """The claim to simulate: `deep` is the normal that ends at the strike, `deviation` that of the price's logarithm.

    Between 0 and `deviation` both options are in the money under their own measure: the put under the riskless one, the
    call under the one that counts in the asset. A little further out the covered claim's error is still the smaller.
    """
    if deep < -_NEAR:
        return "put"
    return "call" if deep > deviation + _NEAR else "covered"


@dataclass(frozen=True)
class Claim:
    """What is simulated, on a price at expiry."""

    kind: Kind
    strike: float
    discount: float

    def __call__(self, prices: Array) -> tuple[Array, Array]:
        """Discounted payoffs and their slopes by the price."""
        below = prices < self.strike
        match self.kind:
            case "call":
                slope = np.where(below, 0.0, self.discount)
            case "put":
                slope = np.where(below, -self.discount, 0.0)
            case "covered":
                slope = np.where(below, self.discount, 0.0)
                return self.discount * np.minimum(prices, self.strike), slope
        return slope * (prices - self.strike), slope

    def expected(self, mean_log: float, deviation: float) -> float:
        """Of a price whose logarithm is normal (Black and Scholes 1973)."""
        deep = (np.log(self.strike) - mean_log) / deviation
        forward = float(np.exp(mean_log + deviation**2 / 2))
        sign = -1.0 if self.kind == "call" else 1.0
        paid, struck = forward * float(ndtr(sign * (deep - deviation))), self.strike * float(ndtr(sign * deep))
        match self.kind:
            case "call":
                return self.discount * (paid - struck)
            case "put":
                return self.discount * (struck - paid)
            case "covered":
                return self.discount * (paid + self.strike * float(ndtr(-deep)))


@dataclass(frozen=True)
class Told:
    """The asked option's price and sensitivities are `constants` + `sign` × those of what is simulated."""

    constants: Array
    sign: float = 1.0


def told(call: bool, simulated: Kind, price: Array, strike: Array) -> Told:
    """`price`, `strike`: today's value, then the sensitivities, of the price and of the strike paid at expiry."""
    match simulated:
        case "covered":
            return Told(price if call else strike, -1.0)
        case "call":
            return Told(np.zeros_like(price) if call else strike - price)
        case "put":
            return Told(price - strike if call else np.zeros_like(price))


def of_strike(discounted: float, rate: float, maturity: float, sensitivities: int) -> Array:
    """The strike paid at expiry: its value and sensitivities, of which rho and theta are the last."""
    values = np.zeros(1 + sensitivities)
    values[0], values[-2], values[-1] = discounted, -maturity * discounted, rate * discounted
    return values
