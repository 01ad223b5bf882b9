"""European, Asian, barrier and basket options as functions of standard normals: payoffs, sensitivities, controls.

A payoff turns normals (rows, k) into samples (rows, 1 + sensitivities + controls): discounted payoff, derivatives,
controls. Derivatives are pathwise where the payoff is continuous, and by likelihood ratio where it jumps or has a kink.
Theta is a year of time passing while the option's dates stay; it follows path by path from the Black–Scholes equation,
which every price here solves until its first date.
One control each: a second halves the error again, but the intervals then hold the truth in 91 to 93 of 100 cases.
"""

from dataclasses import dataclass
from math import exp, log, sqrt
from typing import Protocol

import numpy as np

from risk.quant.black_scholes import of_lognormal
from risk.quant.streams import Array


class Payoff(Protocol):
    """An option that can be simulated."""

    @property
    def normals(self) -> int: ...

    @property
    def sensitivities(self) -> list[str]: ...

    @property
    def expected_controls(self) -> Array: ...

    def __call__(self, normals: Array) -> Array: ...


@dataclass(frozen=True)
class Market:
    """One asset under the riskless measure, and the option's right, strike and expiry."""

    call: bool
    spot: float
    strike: float
    maturity: float
    rate: float
    dividend_yield: float
    volatility: float

    @property
    def sign(self) -> float:
        return 1.0 if self.call else -1.0

    @property
    def discount(self) -> float:
        return exp(-self.rate * self.maturity)

    @property
    def drift(self) -> float:
        return self.rate - self.dividend_yield - self.volatility**2 / 2

    @property
    def forward(self) -> float:
        return self.spot * exp((self.rate - self.dividend_yield) * self.maturity)

    def terminal(self, normals: Array) -> Array:
        prices: Array = self.spot * np.exp(self.drift * self.maturity + self.volatility * sqrt(self.maturity) * normals)
        return prices

    def theta(self, value: Array, delta: Array, gamma: Array) -> Array:
        """Of samples of the value and its derivatives."""
        carry = (self.rate - self.dividend_yield) * self.spot
        passing: Array = self.rate * value - carry * delta - (self.volatility * self.spot) ** 2 / 2 * gamma
        return passing

    def vanilla(self, strike: float) -> float:
        """A European option's price, in closed form."""
        return of_lognormal(
            self.call,
            log(self.spot) + self.drift * self.maturity,
            self.volatility * sqrt(self.maturity),
            strike,
            self.discount,
        )


GREEKS = ["delta", "gamma", "vega", "rho", "theta"]


@dataclass(frozen=True)
class European:
    """Delta, vega and rho pathwise; gamma pathwise on the likelihood ratio's delta. Control: the price."""

    market: Market
    normals: int = 1

    @property
    def sensitivities(self) -> list[str]:
        return GREEKS

    @property
    def expected_controls(self) -> Array:
        m = self.market
        return np.array([m.forward])

    def __call__(self, normals: Array) -> Array:
        m, z = self.market, normals[:, 0]
        root = sqrt(m.maturity)
        prices = m.terminal(z)
        payoff = m.discount * np.maximum(m.sign * (prices - m.strike), 0.0)
        inside = np.where(payoff > 0, m.discount * m.sign, 0.0)
        paid = inside * prices
        delta = paid / m.spot
        gamma = inside * m.strike * z / (m.spot**2 * m.volatility * root)
        return np.column_stack(
            [
                payoff,
                delta,
                gamma,
                paid * (root * z - m.volatility * m.maturity),
                m.maturity * (paid - payoff),
                m.theta(payoff, delta, gamma),
                prices,
            ]
        )


@dataclass(frozen=True)
class Asian:
    """On an average of prices. Control of the arithmetic one: the geometric one, whose price has a closed form."""

    market: Market
    normals: int
    geometric: bool = False

    @property
    def sensitivities(self) -> list[str]:
        return GREEKS

    @property
    def geometric_price(self) -> float:
        """Kemna and Vorst 1990, for n equally spaced dates: the logarithm of the average is normal."""
        m, n = self.market, self.normals
        mean = log(m.spot) + m.drift * m.maturity * (n + 1) / (2 * n)
        deviation = m.volatility * sqrt(m.maturity * (n + 1) * (2 * n + 1) / (6 * n * n))
        return of_lognormal(m.call, mean, deviation, m.strike, m.discount)

    @property
    def expected_controls(self) -> Array:
        m, n = self.market, self.normals
        growth = np.exp((m.rate - m.dividend_yield) * m.maturity * np.arange(1, n + 1) / n)
        mean = m.spot * float(growth.mean())
        return np.array([mean if self.geometric else self.geometric_price])

    def __call__(self, normals: Array) -> Array:
        m, n = self.market, self.normals
        step = m.maturity / n
        times = step * np.arange(1, n + 1)
        motion = np.cumsum(normals, axis=1) * sqrt(step)
        logs = m.drift * times + m.volatility * motion
        prices = m.spot * np.exp(logs)
        arithmetic = prices.mean(axis=1)
        by_volatility, by_rate = motion - m.volatility * times, times
        if self.geometric:
            average = m.spot * np.exp(logs.mean(axis=1))
            vega, rho = average * by_volatility.mean(axis=1), average * by_rate.mean()
        else:
            average = arithmetic
            vega, rho = (prices * by_volatility).mean(axis=1), (prices @ by_rate) / n
        payoff = m.discount * np.maximum(m.sign * (average - m.strike), 0.0)
        inside = np.where(payoff > 0, m.discount * m.sign, 0.0)
        delta = inside * average / m.spot
        gamma = inside * m.strike * normals[:, 0] / (m.spot**2 * m.volatility * sqrt(step))
        columns = [
            payoff,
            delta,
            gamma,
            inside * vega,
            inside * rho - m.maturity * payoff,
            m.theta(payoff, delta, gamma),
        ]
        if self.geometric:
            return np.column_stack([*columns, arithmetic])
        geometric = m.spot * np.exp(logs.mean(axis=1))
        return np.column_stack([*columns, m.discount * np.maximum(m.sign * (geometric - m.strike), 0.0)])


@dataclass(frozen=True)
class Basket:
    """On a weighted sum of prices. Control: the weighted geometric mean times the sum of weights, in closed form.

    Gamma, and theta with it: the payoff's second difference by the strike on the same paths, a fifth of the logarithm's
    deviation wide, for its second derivative. A likelihood ratio would need the inverse of the correlations, which
    assets that move as one do not have.
    """

    call: bool
    strike: float
    maturity: float
    rate: float
    spots: Array
    volatilities: Array
    weights: Array
    dividend_yields: Array
    factor: Array  # of the correlations

    @property
    def normals(self) -> int:
        return len(self.spots)

    @property
    def sensitivities(self) -> list[str]:
        each = [f"{name}[{i}]" for name in ("delta", "gamma", "vega") for i in range(self.normals)]
        return [*each, "rho", "theta"]

    @property
    def discount(self) -> float:
        return exp(-self.rate * self.maturity)

    @property
    def _shares(self) -> Array:
        worth: Array = self.weights * self.spots
        shares: Array = worth / worth.sum()
        return shares

    @property
    def _log_drifts(self) -> Array:
        drifts: Array = (self.rate - self.dividend_yields - self.volatilities**2 / 2) * self.maturity
        return drifts

    @property
    def _deviation(self) -> float:
        """Of the geometric mean's logarithm."""
        loading = (self._shares * self.volatilities) @ self.factor
        return sqrt(float(loading @ loading) * self.maturity)

    @property
    def expected_controls(self) -> Array:
        mean = log(float(self.weights @ self.spots)) + float(self._shares @ self._log_drifts)
        geometric = of_lognormal(self.call, mean, max(self._deviation, 1e-12), self.strike, self.discount)
        return np.array([geometric])

    def __call__(self, normals: Array) -> Array:
        sign, root = (1.0 if self.call else -1.0), sqrt(self.maturity)
        correlated = normals @ self.factor.T
        logs = self._log_drifts + self.volatilities * root * correlated
        parts = self.weights * self.spots * np.exp(logs)
        basket = parts.sum(axis=1)
        payoff = self.discount * np.maximum(sign * (basket - self.strike), 0.0)
        inside = np.where(payoff > 0, self.discount * sign, 0.0)[:, None] * parts
        geometric = float(self.weights @ self.spots) * np.exp(logs @ self._shares)
        control = self.discount * np.maximum(sign * (geometric - self.strike), 0.0)
        vegas = inside * (root * correlated - self.volatilities * self.maturity)
        at_strike = self._at_strike(basket)
        spread = (parts * self.volatilities) @ self.factor
        theta = self.rate * payoff - inside @ (self.rate - self.dividend_yields)
        theta -= at_strike / 2 * np.einsum("ij,ij->i", spread, spread)
        return np.column_stack(
            [
                payoff,
                inside / self.spots,
                at_strike[:, None] * (parts / self.spots) ** 2,
                vegas,
                self.maturity * (inside.sum(axis=1) - payoff),
                theta,
                control,
            ]
        )

    def _at_strike(self, basket: Array) -> Array:
        """The payoff's second derivative by the basket, discounted: a second difference is a triangle at the strike.

        Two of them, one half as wide, leave no error of second order in the width (Richardson).
        """
        # Assets may hedge each other so well that the mean hardly moves, though the sum does.
        deviation = max(self._deviation, float(self._shares @ self.volatilities) * sqrt(self.maturity) / 10)
        width = self.strike * min(deviation, 1.0) / 5
        away = np.abs(basket - self.strike)
        wide, narrow = (np.maximum(w - away, 0.0) / w**2 for w in (width, width / 2))
        heights: Array = self.discount * (4 * narrow - wide) / 3
        return heights
