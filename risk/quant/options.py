"""European and Asian options as functions of normals: payoffs, sensitivities, controls.

A payoff turns normals (rows, k) into samples (rows, 1 + sensitivities + controls) of the claim that is simulated in the
option's place (risk.quant.parity): discounted payoff, derivatives, controls. Derivatives are pathwise, gamma by
likelihood ratio on the pathwise delta (Glasserman 2004, chapter 7). Theta is a year of time passing while the option's
dates stay; it follows path by path from the Black–Scholes equation, which every price here solves until its first date.
"""

from dataclasses import dataclass
from functools import cached_property
from math import exp, log, sqrt
from typing import Final, Protocol

import numpy as np

from risk.quant import comonotonic, importance, parity
from risk.quant.importance import LEAST, Along, Proposal
from risk.quant.market import GREEKS, Market
from risk.quant.parity import Claim, Told
from risk.quant.streams import Array

_DATES: Final = 4  # of an average, each of which may be most of it


class Payoff(Protocol):
    """An option that can be simulated."""

    @property
    def normals(self) -> int: ...

    @property
    def sensitivities(self) -> list[str]: ...

    @property
    def proposal(self) -> Proposal | None:
        """None when no path moves the price by as much as a number can say."""
        ...

    @property
    def negligible(self) -> float:
        """What the simulated claim is worth at most when `proposal` is None; 0 when it is worth nothing."""
        ...

    @property
    def told(self) -> Told: ...

    @property
    def bounds(self) -> tuple[float, float]:
        """No-arbitrage bounds of the price."""
        ...

    @property
    def expected_controls(self) -> Array: ...

    def __call__(self, normals: Array) -> Array: ...


def vanilla_bounds(call: bool, prepaid: float, struck: float) -> tuple[float, float]:
    """Merton 1973: an option is worth no less than its forward and no more than what it is on."""
    return (max(0.0, prepaid - struck), prepaid) if call else (max(0.0, struck - prepaid), struck)


@dataclass(frozen=True)
class European:
    """Exercised at expiry."""

    market: Market
    normals: int = 1

    @property
    def sensitivities(self) -> list[str]:
        return GREEKS

    @property
    def expected_controls(self) -> Array:
        return np.empty(0)

    @cached_property
    def claim(self) -> Claim:
        m = self.market
        deep = (log(m.strike) - m.mean_log) / m.deviation
        return Claim(parity.kind(deep, m.deviation), m.strike, m.discount)

    @cached_property
    def proposal(self) -> Along | None:
        return importance.lognormal(self.claim, self.market.mean_log, self.market.deviation, np.ones(1))

    @property
    def negligible(self) -> float:
        return LEAST * self.market.discount * self.market.strike

    @property
    def told(self) -> Told:
        m = self.market
        asset = np.array([m.prepaid, m.prepaid / m.spot, 0.0, 0.0, 0.0, m.dividend_yield * m.prepaid])
        struck = parity.of_strike(m.strike * m.discount, m.rate, m.maturity, len(GREEKS))
        return parity.told(m.call, self.claim.kind, asset, struck)

    @property
    def bounds(self) -> tuple[float, float]:
        m = self.market
        return vanilla_bounds(m.call, m.prepaid, m.strike * m.discount)

    def __call__(self, normals: Array) -> Array:
        m, z = self.market, normals[:, 0]
        prices = m.terminal(z)
        value, slope = self.claim(prices)
        paid = slope * prices
        delta = paid / m.spot
        gamma = delta * (z / m.deviation - 1) / m.spot
        columns = [value, delta, gamma, paid * (sqrt(m.maturity) * z - m.volatility * m.maturity)]
        return np.column_stack([*columns, m.maturity * (paid - value), m.theta(value, delta, gamma)])


@dataclass(frozen=True)
class Asian:
    """On an average of prices at equally spaced dates.

    Control of the arithmetic one: the same claim on the geometric one, which has a closed form (Kemna and Vorst 1990).
    """

    market: Market
    normals: int
    geometric: bool = False

    @property
    def sensitivities(self) -> list[str]:
        return GREEKS

    @property
    def _times(self) -> Array:
        times: Array = self.market.maturity / self.normals * np.arange(1, self.normals + 1, dtype=float)
        return times

    @property
    def _loading(self) -> Array:
        """Of the geometric average's logarithm on each normal."""
        m, n = self.market, self.normals
        loading: Array = m.volatility * sqrt(m.maturity / n) * np.arange(n, 0, -1) / n
        return loading

    @property
    def _geometric(self) -> tuple[float, float]:
        """Mean and deviation of the geometric average's logarithm."""
        mean = log(self.market.spot) + self.market.drift * float(self._times.mean())
        return mean, float(np.linalg.norm(self._loading))

    @property
    def geometric_price(self) -> float:
        """Of the option on the geometric average."""
        m = self.market
        return Claim("call" if m.call else "put", m.strike, m.discount).expected(*self._geometric)

    @cached_property
    def _spread(self) -> tuple[float, float]:
        """Mean and deviation of the average's logarithm; of the arithmetic one, from its two moments (Levy 1992)."""
        if self.geometric:
            return self._geometric
        m, times = self.market, self._times
        carry, variance = m.rate - m.dividend_yield, m.volatility**2
        # Divided by the forward's square, or a variance of 400 would leave a float's range.
        growth = np.exp(carry * (times - times[-1]))
        both = growth[:, None] * growth * np.exp(variance * (np.minimum.outer(times, times) - times[-1]))
        first = growth.mean()
        deviation = sqrt(variance * times[-1] + log(both.mean() / first**2))
        return log(m.spot) + carry * m.maturity + log(first) - deviation**2 / 2, deviation

    @cached_property
    def claim(self) -> Claim:
        mean, deviation = self._spread
        strike = self.market.strike
        return Claim(parity.kind((log(strike) - mean) / deviation, deviation), strike, self.market.discount)

    @cached_property
    def proposal(self) -> Proposal | None:
        mean, deviation = self._geometric
        direction = self._loading / deviation
        if self.geometric:
            return importance.lognormal(self.claim, mean, deviation, direction)
        mean, spread = self._spread
        deep = (log(self.market.strike) - mean) / spread
        dates = np.unique(np.linspace(0, self.normals - 1, _DATES).round().astype(int))
        step = self.market.deviation / sqrt(self.normals)
        loadings = np.where(np.arange(self.normals) <= dates[:, None], step, 0.0)
        logs = log(self.market.spot / self.normals) + self.market.drift * self._times[dates]
        return importance.mixture(
            self.claim, deep, spread, direction, importance.alone(self.market.strike, logs, loadings)
        )

    @property
    def negligible(self) -> float:
        m, times = self.market, self._times
        if self.geometric:
            return LEAST * m.discount * m.strike
        logs = log(m.spot / self.normals) + m.drift * times
        return comonotonic.most(self.claim, logs, m.volatility * np.sqrt(times), self._geometric)

    @property
    def prepaid(self) -> float:
        """The average at expiry, paid for today."""
        m, (mean, deviation) = self.market, self._geometric
        if self.geometric:
            return m.discount * exp(mean + deviation**2 / 2)
        return m.discount * m.spot * float(np.exp((m.rate - m.dividend_yield) * self._times).mean())

    @property
    def told(self) -> Told:
        m, worth, times = self.market, self.prepaid, self._times
        if self.geometric:
            vega = worth * (self._geometric[1] ** 2 / m.volatility - m.volatility * float(times.mean()))
            rho = worth * (float(times.mean()) - m.maturity)
        else:
            grown = m.discount * m.spot * np.exp((m.rate - m.dividend_yield) * times)
            vega, rho = 0.0, float((grown * (times - m.maturity)).mean())
        average = np.array([worth, worth / m.spot, 0.0, vega, rho, m.dividend_yield * worth])
        struck = parity.of_strike(m.strike * m.discount, m.rate, m.maturity, len(GREEKS))
        return parity.told(m.call, self.claim.kind, average, struck)

    @property
    def bounds(self) -> tuple[float, float]:
        m = self.market
        return vanilla_bounds(m.call, self.prepaid, m.strike * m.discount)

    @property
    def expected_controls(self) -> Array:
        return np.empty(0) if self.geometric else np.array([self.claim.expected(*self._geometric)])

    def __call__(self, normals: Array) -> Array:
        m, n, times = self.market, self.normals, self._times
        step = m.maturity / n
        motion = np.cumsum(normals, axis=1) * sqrt(step)
        logs = log(m.spot) + m.drift * times + m.volatility * motion
        geometric = np.exp(logs.mean(axis=1))
        by_volatility = motion - m.volatility * times
        if self.geometric:
            average = geometric
            vega, rho = average * by_volatility.mean(axis=1), average * times.mean()
        else:
            prices = np.exp(logs)
            average = prices.mean(axis=1)
            vega, rho = np.einsum("ij,ij->i", prices, by_volatility) / n, (prices @ times) / n
        value, slope = self.claim(average)
        delta = slope * average / m.spot
        gamma = delta * (normals[:, 0] / (m.volatility * sqrt(step)) - 1) / m.spot
        columns = [value, delta, gamma, slope * vega, slope * rho - m.maturity * value, m.theta(value, delta, gamma)]
        return np.column_stack(columns if self.geometric else [*columns, self.claim(geometric)[0]])
