"""American and Bermudan options by simulation, between a lower bound and an upper one.

The lower bound is what a holder gets who follows a rule fitted on other paths. The upper one is that of a holder who
sees each path to its end and pays a martingale for it (Rogers 2002, "Monte Carlo valuation of American options"):
E max (payoff − M) is at least the price for every martingale M from 0, and equal to it for the value's own. Both take
M from the claims that the rule was fitted to, without nested simulation, and for the lower bound M is a control. A
call is the put with spot and strike, rate and dividend yield exchanged (McDonald and Schroder 1998).
"""

from dataclasses import dataclass
from math import exp, expm1, inf, log, sqrt
from typing import Final

import numpy as np
from scipy.special import log_ndtr

from risk.quant import black_scholes
from risk.quant.checkpoint import Checkpoint, Progress, unobserved
from risk.quant.estimate import Estimate, Moments
from risk.quant.exercise import Put, fitted
from risk.quant.exercise_paths import Paths, european_slopes
from risk.quant.intervals import Z_95
from risk.quant.market import GREEKS, Market
from risk.quant.stopwatch import Stopwatch
from risk.quant.streams import Array, chunk_sizes, stream

ROWS: Final = 4_096  # paths of a chunk: at most some 20 ms a date
BETWEEN: Final = 4  # moments from one date to the next at which the upper bound of an American option looks
_ROUNDING: Final = 1e-12
_LEAST_DEVIATION: Final = 1e-6  # of the price's logarithm: less moves no price by more than a millionth of the spot
FEWEST_HITS: Final = 30  # exercises in the money, below which a mean of them has no interval


@dataclass(frozen=True)
class Exercise:
    """On `dates` equally spaced dates, the last one at expiry, or at any time, for which they then stand."""

    dates: int
    any_time: bool


@dataclass(frozen=True)
class Bounded:
    """The price lies between the bounds. `greeks` are of the lower one.

    `exact`: the bounds are the same in closed form, for exercise now (`at_once`) or never before expiry. With fewer
    than `FEWEST_HITS` exercises in the money the bounds are those in closed form, which need none.
    """

    lower: Estimate
    upper: Estimate
    greeks: dict[str, Estimate]
    simulations: int
    hits: int
    exact: bool = False
    at_once: bool = False

    @property
    def price(self) -> Estimate:
        """Midway from the lower bound's low end to the upper bound's high end, which is its error."""
        low, high = self.lower.value - self.lower.half_width, self.upper.value + self.upper.half_width
        half = max(0.0, high - low) / 2
        return Estimate((low + high) / 2, half / Z_95, half)


def price(
    market: Market,
    exercise: Exercise,
    simulations: int,
    seed: int,
    *,
    relative: float | None = None,
    checkpoint: Checkpoint = unobserved,
    watch: Stopwatch | None = None,
) -> Bounded:
    """Simulates at most `simulations` paths; fewer when half the interval is at most `relative` × the price.

    An American option's lower bound is that of the dates too: so much its holder can have. Its upper bound looks
    `BETWEEN` times as often, and is extrapolated to all times as the reciprocal of their number (Howison 2007).
    """
    limits = _limits(market, exercise)
    if limits[0] >= limits[1] * (1 - _ROUNDING):
        return _exact(market, limits)
    watch = watch or Stopwatch()
    watch.start()
    rule = fitted(_as_put(market, exercise.dates), seed, checkpoint)
    watch.lap("estimate")
    paths = Paths(rule, BETWEEN if exercise.any_time else 1, watch)
    moments, hits, sizes = Moments(2 + len(GREEKS)), 0, chunk_sizes(simulations, ROWS)
    for chunk, rows in enumerate(sizes):
        found = paths.draw(stream(seed, chunk + 1), rows, checkpoint, chunk / len(sizes))
        hits += found.hits
        moments.add(_of_option(market, found.samples, rule.put))
        watch.lap("estimate")
        bounded = _bounded(market, moments, limits, hits)
        checkpoint(Progress((chunk + 1) / len(sizes), bounded.price.value, bounded.price.interval))
        if bounded.exact or (relative is not None and _settled(bounded, relative)):
            break
    return bounded


def _settled(bounded: Bounded, relative: float) -> bool:
    """Whether it is narrow enough, or cannot come to be: no number of paths closes the gap between the bounds."""
    lower, upper = bounded.lower, bounded.upper
    gap = upper.value - lower.value - upper.half_width - lower.half_width
    return bounded.hits >= FEWEST_HITS and (bounded.price.within(relative) or gap > 2 * relative * upper.value)


def _as_put(market: Market, dates: int) -> Put:
    terms = (market.strike, market.spot, market.maturity, market.dividend_yield, market.rate)
    if not market.call:
        terms = (market.spot, market.strike, market.maturity, market.rate, market.dividend_yield)
    return Put(*terms, max(market.volatility, _LEAST_DEVIATION / sqrt(market.maturity)), dates)


def _limits(market: Market, exercise: Exercise) -> tuple[float, float]:
    """What the price is between, in closed form: the European one or exercise now, and one that waits for nothing.

    With the martingale N = e^(−(r−q)t) S the put pays (e^(−rt) strike − e^(−qt) N)⁺ today. At most
    (k strike − m N)⁺, with k and m the largest and the least of the two factors up to expiry, or k (strike − m N)⁺
    with m the least of e^((r−q)t): both are submartingales, so that their means at expiry are bounds.
    """
    put = _as_put(market, 1)
    spot, strike, years = put.spot, put.strike, put.maturity
    european = _price(put, spot, put.rate, put.dividend_yield)
    if not exercise.any_time and exercise.dates == 1:
        return european, european
    most = max(1.0, exp(-put.rate * years))
    carry = min(1.0, exp((put.rate - put.dividend_yield) * years))
    apart = most * _price(put, spot * min(1.0, exp(-put.dividend_yield * years)) / most, 0.0, 0.0)
    together = most * _price(put, spot * carry, 0.0, 0.0)
    low = max(european, strike - spot) if exercise.any_time else european
    return low, max(low, min(apart, together, european + _most_premium(put)))


def _most_premium(put: Put) -> float:
    """Of early exercise: the strike's interest, where the price comes below the highest boundary (reflection)."""
    if put.rate <= 0 or put.dividend_yield < 0:
        return inf
    deviation = put.volatility * sqrt(put.maturity)
    apart = log(put.boundaries[1]) - log(put.spot)
    if apart >= 0:
        return put.strike
    moved, tilt = put.drift * put.maturity, 2 * put.drift * apart / put.volatility**2
    reached = exp(log_ndtr((apart - moved) / deviation)) + exp(min(0.0, tilt + log_ndtr((apart + moved) / deviation)))
    return min(1.0, reached) * put.strike * -expm1(-put.rate * put.maturity)


def _price(put: Put, spot: float, rate: float, dividend_yield: float) -> float:
    return float(black_scholes.price(False, spot, put.strike, put.maturity, rate, dividend_yield, put.volatility))


def _of_option(market: Market, samples: Array, put: Put) -> Array:
    """Bounds and Greeks (rows, 2 + Greeks) of the option, from the bounds and slopes of the put in its place."""
    lower, upper = samples[:, 0], samples[:, 1]
    by_spot, by_spot_twice, vega, by_rate, by_dividend_yield = (samples[:, 2:] + european_slopes(put)).T
    if market.call:  # the put is of degree 1 in spot and strike, and the call's spot is its strike
        delta = (lower - put.spot * by_spot) / put.strike
        gamma, rho = by_spot_twice * (put.spot / put.strike) ** 2, by_dividend_yield
    else:
        delta, gamma, rho = by_spot, by_spot_twice, by_rate
    return np.column_stack([lower, upper, delta, gamma, vega, rho, market.theta(lower, delta, gamma)])


def _bounded(market: Market, moments: Moments, limits: tuple[float, float], hits: int) -> Bounded:
    low, high = limits
    lower, upper, *greeks = moments.estimates(np.empty(0))
    if low == _payoff(market) and upper.value + upper.half_width <= low:
        return _exact(market, (low, low))
    if hits < FEWEST_HITS:
        lower, upper = Estimate(low, 0.0, 0.0), Estimate(high, 0.0, 0.0)
    else:
        lower, upper = (
            Estimate(min(max(each.value, low), high), each.standard_error, each.half_width) for each in (lower, upper)
        )
    return Bounded(lower, upper, dict(zip(GREEKS, greeks, strict=True)), moments.count, hits)


def _payoff(market: Market) -> float:
    return market.sign * (market.spot - market.strike)


def _exact(market: Market, limits: tuple[float, float]) -> Bounded:
    price, put = Estimate(limits[1], 0.0, 0.0), _as_put(market, 1)
    at_once = limits[1] == _payoff(market)
    if at_once:
        greeks = [market.sign, 0.0, 0.0, 0.0, 0.0]
    else:
        greeks = _of_option(market, np.array([[price.value] * 2 + [0.0] * len(GREEKS)]), put)[0, 2:].tolist()
    told = {name: Estimate(value, 0.0, 0.0) for name, value in zip(GREEKS, greeks, strict=True)}
    return Bounded(price, price, told, 0, 0, exact=True, at_once=at_once)
