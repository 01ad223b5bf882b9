"""Barrier options, watched at all times or at some dates; derivatives by likelihood ratio, since the payoff jumps.

An option that ends and one that begins at the same barrier make a vanilla one. Of the two the one worth less is
simulated, and the closed form of the vanilla one gives the other.
"""

from dataclasses import dataclass, replace
from functools import cached_property, partial
from math import exp, log, sqrt
from typing import Final

import numpy as np

from risk.quant import importance, vanilla
from risk.quant.importance import Along
from risk.quant.market import GREEKS, Market
from risk.quant.parity import Told
from risk.quant.streams import Array

_SHIFT: Final = 0.5825971579390107  # −ζ(½) / √(2π): Broadie, Glasserman and Kou 1997


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
        return np.empty(0)

    @cached_property
    def _simulated(self) -> tuple[bool, Along | None]:
        """Whether the option that begins at the barrier is simulated, and how."""
        m = self.market
        kinks = [(log(level) - m.mean_log) / m.deviation for level in (m.strike, self.barrier)]
        struck = m.discount * m.strike
        into, out = (
            importance.matched(partial(self._columns, begins=begins), np.ones(1), kinks, m.deviation, struck)
            for begins in (True, False)
        )
        if into is None or out is None:  # of two that are worth nothing, the one that is asked for
            begins = self.knocks_in if into is out else into is None
        else:
            begins = into.mass <= out.mass
        return begins, into if begins else out

    @property
    def begins(self) -> bool:
        return self._simulated[0]

    @property
    def proposal(self) -> Along | None:
        return self._simulated[1]

    @property
    def negligible(self) -> float:
        return 0.0 if self.void and not self.begins else importance.LEAST * self.market.discount * self.market.strike

    @property
    def void(self) -> bool:
        """Whether an option that ends at the barrier pays beyond it only."""
        strike, up = self.market.strike, self.barrier > self.market.spot
        return self.market.call == up and (strike >= self.barrier if up else strike <= self.barrier)

    @property
    def told(self) -> Told:
        if self.begins == self.knocks_in:
            return Told(np.zeros(1 + len(GREEKS)))
        return Told(vanilla.closed_form(self.market), -1.0)

    @property
    def bounds(self) -> tuple[float, float]:
        return 0.0, max(0.0, float(vanilla.closed_form(self.market)[0]))

    def __call__(self, normals: Array) -> Array:
        return self._columns(normals[:, 0], self.begins)

    def _columns(self, z: Array, begins: bool) -> Array:
        m = self.market
        prices = m.terminal(z)
        payoff = vanilla.payoff(m, prices)
        score = z / (m.spot * m.deviation)
        curvature = score**2 - score / m.spot - 1 / (m.spot * m.deviation) ** 2
        # d log-density / dσ at a fixed end: z moves by √T − z / σ.
        vega_score = (z**2 - 1) / m.volatility - z * sqrt(m.maturity)
        clear, first, second, by_volatility = self._survival(prices, begins)
        value = payoff * clear
        delta = payoff * (clear * score + first)
        gamma = payoff * (clear * curvature + 2 * first * score + second)
        vega = payoff * (clear * vega_score + by_volatility)
        rho = value * (z * sqrt(m.maturity) / m.volatility - m.maturity)
        return np.column_stack([value, delta, gamma, vega, rho, m.theta(value, delta, gamma)])

    def _survival(self, prices: Array, begins: bool) -> tuple[Array, Array, Array, Array]:
        """Probability that the path counts, and its derivatives by spot (first, second) and volatility, end fixed."""
        m = self.market
        variance = m.deviation**2
        start, end = log(m.spot / self.barrier), np.log(prices / self.barrier)
        alive = start * end > 0
        exponent = np.where(alive, -2 * start * end / variance, 0.0)
        hit = np.exp(exponent)
        slope = np.where(alive, 2 * end / (variance * m.spot), 0.0)
        first = slope * hit
        second = -hit * slope * (slope + 1 / m.spot)
        by_volatility = hit * exponent * 2 / m.volatility
        if begins:
            return hit, -first, -second, -by_volatility
        return -np.expm1(exponent), first, second, by_volatility


@dataclass(frozen=True)
class DiscreteBarrier:
    """Watched at equally spaced dates, the last one at expiry; derivatives by likelihood ratio.

    The end of the path is drawn where it matters to a barrier watched at all times that is further away by the factor
    of Broadie, Glasserman and Kou (1997).
    """

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
        return np.empty(0)

    @cached_property
    def _guide(self) -> ContinuousBarrier:
        found = ContinuousBarrier(self.market, self.barrier, self.knocks_in)
        if found.void:
            return found
        away = exp(_SHIFT * self.market.deviation / sqrt(self.normals))
        return ContinuousBarrier(self.market, self.barrier * away if self.up else self.barrier / away, self.knocks_in)

    @cached_property
    def proposal(self) -> Along | None:
        found = self._guide.proposal
        return found and replace(found, direction=np.full(self.normals, 1 / sqrt(self.normals)))

    @property
    def negligible(self) -> float:
        return self._guide.negligible

    @property
    def told(self) -> Told:
        return self._guide.told

    @property
    def bounds(self) -> tuple[float, float]:
        return self._guide.bounds

    def __call__(self, normals: Array) -> Array:
        m = self.market
        step = m.maturity / self.normals
        logs = np.cumsum(m.drift * step + m.volatility * sqrt(step) * normals, axis=1)
        level = log(self.barrier / m.spot)
        hit = (logs >= level).any(axis=1) if self.up else (logs <= level).any(axis=1)
        whole = vanilla.payoff(m, m.spot * np.exp(logs[:, -1]))
        payoff = np.where(hit == self._guide.begins, whole, 0.0)
        first = normals[:, 0]
        deviation = m.volatility * sqrt(step)
        score = first / (m.spot * deviation)
        curvature = score**2 - score / m.spot - 1 / (m.spot * deviation) ** 2
        vega_score = ((normals**2 - 1) / m.volatility - normals * sqrt(step)).sum(axis=1)
        rho_score = normals.sum(axis=1) * sqrt(step) / m.volatility - m.maturity  # the discount's share included
        delta, gamma = payoff * score, payoff * curvature
        columns = [payoff, delta, gamma, payoff * vega_score, payoff * rho_score]
        return np.column_stack([*columns, m.theta(payoff, delta, gamma)])
