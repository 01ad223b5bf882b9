"""One asset under the riskless measure, and what an option on it has to pay: right, strike and expiry."""

from dataclasses import dataclass
from math import exp, log, sqrt

import numpy as np

from risk.quant.streams import Array

GREEKS = ["delta", "gamma", "vega", "rho", "theta"]


@dataclass(frozen=True)
class Market:
    """Maturity in years; rate, dividend yield and volatility a year, the rates continuously compounded."""

    call: bool
    spot: float
    strike: float
    maturity: float
    rate: float
    dividend_yield: float
    volatility: float

    @property
    def sign(self) -> float:
        """Of the payoff's slope where it pays."""
        return 1.0 if self.call else -1.0

    @property
    def discount(self) -> float:
        return exp(-self.rate * self.maturity)

    @property
    def drift(self) -> float:
        """Of the price's logarithm, a year."""
        return self.rate - self.dividend_yield - self.volatility**2 / 2

    @property
    def deviation(self) -> float:
        """Of the price's logarithm at expiry."""
        return self.volatility * sqrt(self.maturity)

    @property
    def mean_log(self) -> float:
        """Of the price's logarithm at expiry."""
        return log(self.spot) + self.drift * self.maturity

    @property
    def prepaid(self) -> float:
        """The asset at expiry, paid for today."""
        return self.spot * exp(-self.dividend_yield * self.maturity)

    @property
    def forward(self) -> float:
        return self.spot * exp((self.rate - self.dividend_yield) * self.maturity)

    def terminal(self, normals: Array) -> Array:
        prices: Array = np.exp(self.mean_log + self.deviation * normals)
        return prices

    def theta(self, value: Array, delta: Array, gamma: Array) -> Array:
        """Of samples of the value and its derivatives, by the Black–Scholes equation."""
        carry = (self.rate - self.dividend_yield) * self.spot
        passing: Array = self.rate * value - carry * delta - (self.volatility * self.spot) ** 2 / 2 * gamma
        return passing
