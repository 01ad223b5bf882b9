"""Paths of an early exercise: what a rule earns on each, and the most that was to be had on it less a martingale."""

from dataclasses import dataclass
from math import exp, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from risk.quant.black_scholes import density
from risk.quant.checkpoint import Checkpoint, Progress
from risk.quant.exercise import Holding, Put, Rule
from risk.quant.stopwatch import Stopwatch
from risk.quant.streams import Array

SLOPES: Final = ["by_spot", "by_spot_twice", "by_volatility", "by_rate", "by_dividend_yield"]


@dataclass(frozen=True)
class Drawn:
    """Samples (rows, bounds and slopes) of the put, and how many paths were exercised in the money before expiry."""

    samples: Array
    hits: int


@dataclass
class Paths:
    """`between` moments from one date to the next are looked at for the upper bound: 1 is the dates alone."""

    rule: Rule
    between: int
    watch: Stopwatch

    def draw(self, random: np.random.Generator, rows: int, checkpoint: Checkpoint, done: float) -> Drawn:
        """A chunk: `done` is the share of all chunks before it."""
        put, self._rows = self.rule.put, rows
        self._spots, self._motion, self._martingale = np.full(rows, put.spot), np.zeros(rows), np.zeros(rows)
        self._best, self._best_between = np.full(rows, -np.inf), np.full(rows, -np.inf)
        self._lower, self._slopes = np.zeros(rows), np.zeros((rows, len(SLOPES)))
        self._held, self._hits = np.ones(rows, dtype=bool), 0
        worth = self.rule.holdings[0].worth(self._spots, 0.0)
        for date in range(1, put.dates + 1):
            worth = self._step(random, date, worth)
            checkpoint(Progress(done))
        upper = self._best
        if self.between > 1:
            often = np.maximum(self._best, self._best_between)
            upper = often + (often - self._best) / (self.between - 1)
        return Drawn(np.column_stack([self._lower, upper, self._slopes]), self._hits)

    def _step(self, random: np.random.Generator, date: int, worth: Array) -> Array:
        """To the next date; what holding on is worth then."""
        put, holding = self.rule.put, self.rule.holdings[date - 1]
        before, time = (date - 1) * put.step, date * put.step
        paid = exp(-put.rate * before) * worth
        for part in range(1, self.between):
            self._move(random)
            self._look_between(holding, before + part * put.step / self.between, paid)
        self._move(random)
        if date == 1:
            self._first = self._motion.copy()
        self.watch.lap("draw")
        european = put.european(self._spots, put.maturity - time)
        discount = exp(-put.rate * time)
        self._martingale += discount * holding.worth(self._spots, time, european) - paid
        payoff = np.maximum(put.strike - self._spots, 0.0)
        gain = discount * payoff - self._martingale
        np.maximum(self._best, gain, out=self._best)
        if date < put.dates:
            worth = self.rule.holdings[date].worth(self._spots, time, european)
            exercised = self._held & (payoff >= worth) & (payoff > european)
        else:
            exercised = self._held
        self._exercise(exercised, gain, time)
        self.watch.lap("reprice")
        return worth

    def _move(self, random: np.random.Generator) -> None:
        put = self.rule.put
        step = put.step / self.between
        moved = sqrt(step) * random.standard_normal(self._rows)
        self._motion += moved
        self._spots *= np.exp(put.drift * step + put.volatility * moved)

    def _look_between(self, holding: Holding, time: float, paid: Array) -> None:
        """Where the payoff is above the European price, which no exercise forgoes."""
        put = self.rule.put
        open_ = np.flatnonzero(self._spots < self.rule.least)
        spots = self._spots[open_]
        european = put.european(spots, put.maturity - time)
        within = put.strike - spots >= european
        open_, spots, european = open_[within], spots[within], european[within]
        discount = exp(-put.rate * time)
        martingale = self._martingale[open_] + discount * holding.worth(spots, time, european) - paid[open_]
        gain = discount * (put.strike - spots) - martingale
        self._best_between[open_] = np.maximum(self._best_between[open_], gain)

    def _exercise(self, exercised: NDArray[np.bool_], gain: Array, time: float) -> None:
        """Books the payoff, and its slopes less those of the European put at that moment, whose means are known.

        Slopes are pathwise at the rule as it is: at the best rule holding and exercise are worth the same at the
        boundary, so that its own move changes nothing (Piterbarg 2004). By spot twice: the likelihood ratio of the
        first step.
        """
        put, at = self.rule.put, np.flatnonzero(exercised)
        self._lower[at] = gain[at]
        self._held &= ~exercised
        years = put.maturity - time
        if years <= 0 or not len(at):
            return  # at expiry both are the same
        self._hits += len(at)
        spots, motion, first = self._spots[at], self._motion[at], self._first[at]
        in_money = (spots < put.strike).astype(float)
        discount = exp(-put.rate * time)
        delta, cash, vega = european_terms(put, spots, years)
        held, struck = discount * (-in_money - delta) * spots, discount * (in_money * put.strike - cash)
        self._slopes[at, 0] = held / put.spot
        self._slopes[at, 1] = -struck * first / (put.spot**2 * put.volatility * put.step)
        self._slopes[at, 2] = held * (motion - put.volatility * time) - discount * vega
        self._slopes[at, 3] = -time * struck + discount * years * cash
        self._slopes[at, 4] = -time * held + discount * years * delta * spots


def european_terms(put: Put, spots: Array, years: float) -> tuple[Array, Array, Array]:
    """(n,) each, of the European put: its delta, the cash part of its price (price − delta × spot), and its vega."""
    deviation = put.volatility * sqrt(years)
    below = (np.log(put.strike / spots) - put.drift * years) / deviation
    carried = exp(-put.dividend_yield * years)
    delta, cash = -carried * ndtr(below - deviation), put.strike * exp(-put.rate * years) * ndtr(below)
    return delta, cash, spots * carried * density(below - deviation) * sqrt(years)


def european_slopes(put: Put) -> Array:
    """(slopes,) of the European put today, which the samples are added to."""
    spot, years = np.array([put.spot]), put.maturity
    (delta,), (cash,), (vega,) = european_terms(put, spot, years)
    gamma = vega / (put.spot**2 * put.volatility * years)
    return np.array([delta, gamma, vega, -years * cash, -years * delta * put.spot])
