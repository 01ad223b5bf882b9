"""Option pricing with its sensitivities against plain Monte Carlo for the price alone, at equal standard error."""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

from collections.abc import Callable
from functools import partial
from math import sqrt

import numpy as np

from risk.quant import american, pricing
from risk.quant.barrier import ContinuousBarrier
from risk.quant.basket import Basket
from risk.quant.covariance import factor
from risk.quant.market import Market
from risk.quant.options import Asian, European, Payoff
from risk.quant.streams import Array
from tests.bench.ratio import say, versus

MARKET = Market(True, 100.0, 100.0, 1.0, 0.05, 0.0, 0.2)
METHODS: tuple[pricing.Method, ...] = ("control_variate", "sobol")
CORRELATIONS = np.full((5, 5), 0.3) + 0.7 * np.eye(5)
PATHS = 100_000
CHOLESKY = np.linalg.cholesky(CORRELATIONS)
FIVE = np.full(5, 100.0)
OPTIONS: dict[str, Payoff] = {
    "European": European(MARKET),
    "arithmetic Asian": Asian(MARKET, 12),
    "barrier": ContinuousBarrier(MARKET, 90.0, False),
    "basket of five": Basket(
        True, 100.0, 1.0, 0.05, FIVE, np.full(5, 0.2), FIVE / 500, np.zeros(5), factor(CORRELATIONS)
    ),
}


def european_by_hand():
    normals = np.random.Generator(np.random.PCG64(1)).standard_normal(PATHS)
    return 100 * np.exp(0.03 + 0.2 * normals)


def asian_by_hand():
    steps = np.random.Generator(np.random.PCG64(1)).standard_normal((PATHS, 12))
    return 100 * np.exp(np.cumsum(0.03 / 12 + 0.2 * sqrt(1 / 12) * steps, axis=1)).mean(axis=1)


def barrier_by_hand():
    """One step, and a bridge's chance to have stayed above 90: the strongest plain way, no path of many dates."""
    ends = european_by_hand()
    survival = 1 - np.exp(-2 * np.log(100 / 90) * np.log(np.maximum(ends, 90) / 90) / 0.04)
    return 100 + np.maximum(ends - 100, 0) * survival


def basket_by_hand():
    normals = np.random.Generator(np.random.PCG64(1)).standard_normal((PATHS, 5)) @ CHOLESKY.T
    return 100 * np.exp(0.03 + 0.2 * normals).mean(axis=1)


BY_HAND: dict[str, Callable[[], Array]] = {
    "European": european_by_hand,
    "arithmetic Asian": asian_by_hand,
    "barrier": barrier_by_hand,
    "basket of five": basket_by_hand,
}


def price_only(ends: Callable[[], Array]) -> tuple[float, float]:
    """The price alone and its error, as one writes it in numpy."""
    paid = np.exp(-0.05) * np.maximum(ends() - 100, 0)
    return float(paid.mean()), float(paid.std() / np.sqrt(len(paid)))


AMERICAN = Market(False, 36.0, 40.0, 1.0, 0.06, 0.0, 0.2)  # Longstaff and Schwartz 2001, table 1, first row
DATES = 50


def american_by_hand() -> tuple[float, float]:
    """Longstaff and Schwartz as in a textbook: antithetic paths, a cubic of those in the money, one set of paths."""
    m, step = AMERICAN, AMERICAN.maturity / DATES
    half = np.random.Generator(np.random.PCG64(1)).standard_normal((DATES, PATHS // 2))
    moves = m.drift * step + m.volatility * sqrt(step) * np.concatenate([half, -half], axis=1)
    prices = m.spot * np.exp(np.cumsum(moves, axis=0))
    paid, discount = np.maximum(m.strike - prices[-1], 0), np.exp(-m.rate * step)
    for at in prices[-2::-1]:
        paid *= discount
        payoff = m.strike - at
        within = np.flatnonzero(payoff > 0)
        held = np.polyval(np.polyfit(at[within], paid[within], 3), at[within])
        now = within[payoff[within] > held]
        paid[now] = payoff[now]
    pairs = discount * (paid[: PATHS // 2] + paid[PATHS // 2 :]) / 2
    return float(pairs.mean()), float(pairs.std() / sqrt(PATHS // 2))


def bounded() -> american.Bounded:
    return american.price(AMERICAN, american.Exercise(DATES, False), 20_000, 1)


def compare_american() -> None:
    """The rival's error is its standard error alone: its bias has no bound, ours is within the error."""
    price, rival_error = american_by_hand()
    ours, plain = versus(bounded, american_by_hand, 4)
    found = bounded()
    assert abs(found.price.value - price) < 4 * rival_error + 0.01, "the rival prices something else"
    error = found.price.standard_error
    detail = (
        f"standard error {error:.2g}, with the gap between the bounds, in {ours * 1e3:.0f} ms with all sensitivities; "
        f"{rival_error:.2g} in {plain * 1e3:.0f} ms for the lower bound alone in numpy; the gap "
        f"{found.upper.value - found.lower.value:.2g} of {found.price.value:.4g}"
    )
    what = "American, 50 dates, times faster than plain least squares at equal error"
    say(what, plain * (rival_error / error) ** 2 / ours, 100, at_most=False, detail=detail)


def main() -> None:
    compare_american()
    for name, option in OPTIONS.items():
        rival = partial(price_only, BY_HAND[name])
        price, rival_error = rival()
        for method in METHODS:
            ours, plain = versus(partial(pricing.price, option, method, PATHS, 1), rival, 6)
            found = [pricing.price(option, method, PATHS, seed).price for seed in range(5)]
            assert abs(found[0].value - price) < 4 * rival_error, f"{name}: the rival prices something else"
            error = float(np.mean([each.standard_error for each in found]))
            # The rival needs (its error / ours)² times the paths to get there.
            faster = plain * (rival_error / error) ** 2 / ours
            detail = (
                f"standard error {error:.2g} in {ours * 1e3:.0f} ms with all sensitivities; "
                f"{rival_error:.2g} in {plain * 1e3:.1f} ms for the price alone in numpy"
            )
            what = f"{name}, {method}, times faster than plain at equal error"
            say(what, faster, 5, at_most=False, detail=detail)


if __name__ == "__main__":
    main()
