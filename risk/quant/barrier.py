"""Barrier options, watched at all times or at some dates; derivatives by likelihood ratio, since the payoff jumps."""

from dataclasses import dataclass
from math import log, sqrt

import numpy as np

from risk.quant.options import GREEKS, Market
from risk.quant.streams import Array


def _controlled(market: Market) -> Array:
    return np.array([market.vanilla(market.strike)])


@dataclass(frozen=True)
class ContinuousBarrier:
    """Watched at all times: each path counts with the probability that a Brownian bridge from spot to its end stays
    clear of the barrier, which is exact in one step. Derivatives: likelihood ratio, with the probability's own."""

    market: Market
    barrier: float
    knocks_in: bool
    normals: int = 1

    @property
    def sensitivities(self) -> list[str]:
        return GREEKS

    @property
    def expected_controls(self) -> Array:
        return _controlled(self.market)

    def __call__(self, normals: Array) -> Array:
        m, z = self.market, normals[:, 0]
        deviation = m.volatility * sqrt(m.maturity)
        prices = m.terminal(z)
        payoff = m.discount * np.maximum(m.sign * (prices - m.strike), 0.0)
        score = z / (m.spot * deviation)
        curvature = score**2 - score / m.spot - 1 / (m.spot * deviation) ** 2
        # d log-density / dσ at a fixed end: z moves by √T − z / σ.
        vega_score = (z**2 - 1) / m.volatility - z * sqrt(m.maturity)
        clear, first, second, by_volatility = self._survival(prices)
        value = payoff * clear
        delta = payoff * (clear * score + first)
        gamma = payoff * (clear * curvature + 2 * first * score + second)
        return np.column_stack(
            [
                value,
                delta,
                gamma,
                payoff * (clear * vega_score + by_volatility),
                value * (z * sqrt(m.maturity) / m.volatility - m.maturity),
                m.theta(value, delta, gamma),
                payoff,
            ]
        )

    def _survival(self, prices: Array) -> tuple[Array, Array, Array, Array]:
        """Probability that the path counts, and its derivatives by spot (first, second) and volatility, end fixed."""
        m = self.market
        variance = m.volatility**2 * m.maturity
        start, end = log(m.spot / self.barrier), np.log(prices / self.barrier)
        alive = start * end > 0
        hit = np.where(alive, np.exp(np.where(alive, -2 * start * end / variance, 0.0)), 1.0)
        slope = np.where(alive, 2 * end / (variance * m.spot), 0.0)
        first = slope * hit
        second = -hit * slope * (slope + 1 / m.spot)
        by_volatility = np.where(alive, -hit * 4 * start * end / (variance * m.volatility), 0.0)
        if self.knocks_in:
            return hit, -first, -second, -by_volatility
        return 1 - hit, first, second, by_volatility


@dataclass(frozen=True)
class DiscreteBarrier:
    """Watched at equally spaced dates, the last one at expiry; derivatives by likelihood ratio."""

    market: Market
    barrier: float
    up: bool
    knocks_in: bool
    normals: int

    @property
    def sensitivities(self) -> list[str]:
        return GREEKS

    @property
    def expected_controls(self) -> Array:
        return _controlled(self.market)

    def __call__(self, normals: Array) -> Array:
        m = self.market
        step = m.maturity / self.normals
        logs = np.cumsum(m.drift * step + m.volatility * sqrt(step) * normals, axis=1)
        level = log(self.barrier / m.spot)
        hit = (logs >= level).any(axis=1) if self.up else (logs <= level).any(axis=1)
        prices = m.spot * np.exp(logs[:, -1])
        vanilla = m.discount * np.maximum(m.sign * (prices - m.strike), 0.0)
        payoff = np.where(hit == self.knocks_in, vanilla, 0.0)
        first = normals[:, 0]
        deviation = m.volatility * sqrt(step)
        score = first / (m.spot * deviation)
        curvature = score**2 - score / m.spot - 1 / (m.spot * deviation) ** 2
        vega_score = ((normals**2 - 1) / m.volatility - normals * sqrt(step)).sum(axis=1)
        rho_score = normals.sum(axis=1) * sqrt(step) / m.volatility - m.maturity  # the discount's share included
        delta, gamma = payoff * score, payoff * curvature
        return np.column_stack(
            [payoff, delta, gamma, payoff * vega_score, payoff * rho_score, m.theta(payoff, delta, gamma), vanilla]
        )
