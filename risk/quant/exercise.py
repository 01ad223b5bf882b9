"""When to exercise a put early: its value on each date, fitted backwards by least squares to claims with a known price.

Longstaff and Schwartz (2001) regress on functions of the price, and know no function's expectation. Here, as Glasserman
and Yu propose (2004, "Simulation for American options: regression now or regression later?"), the value on a date is
regressed on the prices of claims: cash, the asset, the European put, and short puts that expire on that date. What they
cost a date earlier is the value of holding on; and their discounted prices are martingales, without which there is no
upper bound (Rogers 2002; Haugh and Kogan 2004).
"""

from dataclasses import dataclass
from functools import cached_property
from math import exp, log, sqrt
from typing import Final

import numpy as np
from scipy.special import ndtr

from risk.quant.checkpoint import Checkpoint, Progress
from risk.quant.streams import Array, stream

STATES: Final = 4_096  # simulated prices on each date that the values are fitted to
# Strikes of the short puts, as powers of strike / boundary times the boundary. Of some ten sets tried on five options,
# this one left the bounds nearest to each other for its size.
_POWERS: Final = np.array([-0.5, -0.2, 0.0, 0.25, 0.7])
_GRID: Final = 257  # prices at which the boundary is looked for


@dataclass(frozen=True)
class Put:
    """On one asset that follows a geometric Brownian motion, exercisable on `dates` equally spaced dates."""

    spot: float
    strike: float
    maturity: float
    rate: float
    dividend_yield: float
    volatility: float
    dates: int

    @property
    def step(self) -> float:
        return self.maturity / self.dates

    @property
    def drift(self) -> float:
        return self.rate - self.dividend_yield - self.volatility**2 / 2

    def european(self, spots: Array, years: float) -> Array:
        """(n,) prices of the European put, `years` before its expiry."""
        prices: Array = self.puts(spots, np.array([self.strike]), years)[:, 0]
        return prices

    def puts(self, spots: Array, strikes: Array, years: float) -> Array:
        """(n, strikes) prices of European puts; `black_scholes.price` takes longer, for digits not seen here."""
        if years <= 0:
            return np.maximum(strikes - spots[:, None], 0.0)
        deviation = self.volatility * sqrt(years)
        below = (np.log(strikes) - self.drift * years - np.log(spots)[:, None]) / deviation
        paid = strikes * exp(-self.rate * years) * ndtr(below)
        prices: Array = paid - spots[:, None] * exp(-self.dividend_yield * years) * ndtr(below - deviation)
        return prices

    @property
    def boundaries(self) -> tuple[float, float]:
        """Between which the highest price lies at which exercise pays: the perpetual option's, and that before expiry.

        Merton (1973) and Kim (1990). Without a positive rate there is no such pair, and all below the strike is open.
        """
        if self.rate <= 0:
            return self.strike * exp(-self.volatility * sqrt(self.maturity)), self.strike
        latest = self.strike * min(1.0, self.rate / self.dividend_yield if self.dividend_yield > 0 else 1.0)
        half = self.volatility**2 / 2
        slope = self.rate - self.dividend_yield - half
        spread = sqrt(slope**2 + 4 * half * self.rate)
        # The negative root's h / (h − 1), in the form that does not cancel.
        share = (
            (slope + spread) / (slope + spread + 2 * half) if slope > 0 else 1 / (1 + (spread - slope) / 2 / self.rate)
        )
        return min(self.strike * share, latest), latest


@dataclass(frozen=True)
class Holding:
    """What stands for the put's value on one date: so many of each claim, bought on the date before."""

    put: Put
    date: int  # on which its short puts expire
    strikes: Array
    amounts: Array  # of cash and asset paid on that date, European put, short puts

    def worth(self, spots: Array, time: float, european: Array | None = None) -> Array:
        """(n,) its price at a time up to its date."""
        put, years = self.put, self.date * self.put.step - time
        if european is None:
            european = put.european(spots, put.maturity - time)
        value: Array = put.puts(spots, self.strikes, years) @ self.amounts[3:]
        value += self.amounts[0] * exp(-put.rate * years)
        value += self.amounts[1] * exp(-put.dividend_yield * years) * spots
        value += self.amounts[2] * european
        return value


@dataclass(frozen=True)
class Rule:
    """`holdings[k]` stands for the put's value on date k + 1, and its worth on date k for that of not exercising."""

    put: Put
    holdings: list[Holding]

    @cached_property
    def least(self) -> float:
        """At and above it exercise never pays."""
        return self.put.boundaries[1]


def fitted(put: Put, seed: int, checkpoint: Checkpoint) -> Rule:
    """From the last date back; the prices come by a Brownian bridge, so that one date at a time is in memory."""
    random = stream(seed, 0)
    motion = random.standard_normal(STATES) * sqrt(put.maturity)
    holdings: list[Holding] = []
    boundary = put.boundaries[1]
    for date in range(put.dates, 0, -1):
        time = date * put.step
        spots = put.spot * np.exp(put.drift * time + put.volatility * motion)
        holding = _fit(put, date, spots, boundary, holdings[-1] if holdings else None)
        holdings.append(holding)
        boundary = _boundary(put, holding, time - put.step)
        before = (date - 1) / date
        motion = before * motion + sqrt(put.step * before) * random.standard_normal(STATES)
        checkpoint(Progress(0.0))
    return Rule(put, holdings[::-1])


def _fit(put: Put, date: int, spots: Array, boundary: float, next_holding: Holding | None) -> Holding:
    european = put.european(spots, put.maturity - date * put.step)
    if next_holding is None:
        return Holding(put, date, np.empty(0), np.array([0.0, 0.0, 1.0]))
    kept = next_holding.worth(spots, date * put.step, european)
    values = np.maximum(np.maximum(put.strike - spots, kept), european)
    strikes = boundary * (put.strike / boundary) ** _POWERS
    short = put.puts(spots, strikes, 0.0)
    claims = np.column_stack([np.full_like(spots, put.strike), spots, european, short])
    amounts = np.linalg.lstsq(claims, values, rcond=1e-12)[0]
    amounts[0] *= put.strike
    return Holding(put, date, strikes, amounts)


def _boundary(put: Put, holding: Holding, time: float) -> float:
    """The highest price at which exercise is worth as much as the holding."""
    low, high = put.boundaries
    grid = np.exp(np.linspace(log(low), log(high), _GRID))
    pays = np.flatnonzero(put.strike - grid >= holding.worth(grid, time))
    return float(grid[pays[-1]]) if len(pays) else low
