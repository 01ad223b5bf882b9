"""Positions repriced in full: what each gains in a scenario that changes prices and yields."""

from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from risk.quant.instruments import Bond, Option
from risk.quant.portfolio import Portfolio
from risk.quant.scenarios import Losses
from risk.quant.stopwatch import Stopwatch
from risk.quant.streams import Array, chunk_rows, stream

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Book:
    """n positions: `quantities` and `prices` (n,), of the underlying for options, dirty for bonds.

    `option_at` and `bond_at` are the numbers of the positions that are in options or bonds, whose terms are arrays in
    that order, and `yields` are the bonds'. `passed` years go by until all of it is priced again.
    """

    quantities: Array
    prices: Array
    options: Option
    option_at: Numbers
    bonds: Bond
    bond_at: Numbers
    yields: Array
    passed: float = 0.0

    @property
    def option_prices(self) -> Array:
        return self.options.price(self.prices[self.option_at])

    @property
    def values(self) -> Array:
        """What each position is worth (n,), negative when short."""
        prices = self.prices.copy()
        prices[self.option_at] = self.option_prices
        values: Array = self.quantities * prices
        return values

    def gains(self, changes: Array) -> Array:
        """Gains (scenarios, n) from `changes` (scenarios, n): a bond's of its yield, else a return of the price.

        A return below −1 is taken as −1: no price falls below 0.
        """
        returns = np.maximum(changes, -1.0)
        gains: Array = returns * (self.quantities * self.prices)
        if len(at := self.option_at):
            spots = self.prices[at] * (1 + returns[:, at])
            then = self.options.price(spots, passed=self.passed)
            gains[:, at] = self.quantities[at] * (then - self.option_prices)
        if len(at := self.bond_at):
            then = self.bonds.price(self.yields + changes[:, at], passed=self.passed)
            gains[:, at] = self.quantities[at] * (then - self.prices[at])
        return gains


@dataclass(frozen=True)
class Factors:
    """What drives a book: `joint` holds the m factors' changes over the horizon, `of` (n,) the number of each
    position's factor, `yields` (m,) tells which are yields, whose changes stay normal when prices are lognormal.
    Without lognormal prices all are jointly Student's t of `degrees` of freedom, normal when there is no end of them.
    """

    joint: Portfolio
    of: Numbers
    yields: NDArray[np.bool_]
    lognormal: bool = False
    degrees: float = inf


def repriced_gains(book: Book, factors: Factors, seed: int, watch: Stopwatch) -> tuple[Losses, int]:
    """Gains (scenarios, n) of each position, chunk by chunk, and the scenarios of a chunk.

    Each factor moves as a Brownian motion from now to the horizon. What expires on the way is worth its payoff at the
    price of that day, so the motion is drawn at each such day and at the horizon.
    """
    joint, count = factors.joint, len(factors.joint.means)
    shares, day = _days(book)
    steps = np.sqrt(np.diff(shares, prepend=0.0))[:, None]
    prices = ~factors.yields & factors.lognormal
    centre = np.outer(shares, joint.means - np.where(prices, joint.deviations**2 / 2, 0.0))
    loadings = None if joint.loadings is None else np.ascontiguousarray(joint.loadings.T)

    def draw(chunk: int, rows: int) -> Array:
        watch.start()
        random = stream(seed, chunk)
        normals = random.standard_normal((rows, len(shares), count))
        if factors.degrees < inf:
            normals *= np.sqrt((factors.degrees - 2) / random.chisquare(factors.degrees, (rows, 1, 1)))
        watch.lap("draw")
        moves = normals * joint.deviations if loadings is None else normals @ loadings
        watch.lap("correlate")
        changes = np.cumsum(moves * steps, axis=1) + centre
        np.expm1(changes, out=changes, where=prices)
        gains = book.gains(changes[:, day, factors.of])
        watch.lap("reprice")
        return gains

    return draw, chunk_rows(max(count * len(shares), len(book.prices)))


def _days(book: Book) -> tuple[Array, Numbers]:
    """The share of the horizon that has passed on each day that is drawn (rising, the last is 1), and each position's
    day (n,)."""
    last = np.ones(len(book.prices))
    if book.passed > 0:
        last[book.option_at] = np.minimum(np.asarray(book.options.maturity) / book.passed, 1.0)
    shares, day = np.unique(np.append(last, 1.0), return_inverse=True)
    return shares, day[:-1]
