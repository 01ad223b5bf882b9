"""Option pricing against plain Monte Carlo, at the standard error that the default way reaches."""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

from functools import partial

import numpy as np

from tests.bench.ratio import say, versus
from worker.quant import pricing
from worker.quant.barrier import ContinuousBarrier
from worker.quant.covariance import factor
from worker.quant.options import Asian, Basket, European, Market, Payoff

MARKET = Market(True, 100.0, 100.0, 1.0, 0.05, 0.0, 0.2)
METHODS: tuple[pricing.Method, ...] = ("control_variate", "sobol")
CORRELATIONS = np.full((5, 5), 0.3) + 0.7 * np.eye(5)
FIVE = np.full(5, 100.0)
OPTIONS: dict[str, Payoff] = {
    "European": European(MARKET),
    "arithmetic Asian": Asian(MARKET, 12),
    "barrier": ContinuousBarrier(MARKET, 90.0, False),
    "basket of five": Basket(
        True, 100.0, 1.0, 0.05, FIVE, np.full(5, 0.2), FIVE / 500, np.zeros(5), factor(CORRELATIONS)
    ),
}


def by_hand():
    """The price alone, as one writes it in numpy."""
    normals = np.random.Generator(np.random.PCG64(1)).standard_normal(100_000)
    paid = np.exp(-0.05) * np.maximum(100 * np.exp(0.03 + 0.2 * normals) - 100, 0)
    return paid.mean(), paid.std() / np.sqrt(len(paid))


def against_numpy() -> None:
    option = European(MARKET)
    for method in METHODS:
        ours, plain = versus(partial(pricing.price, option, method, 100_000, 1), by_hand)
        error, plain_error = pricing.price(option, method, 100_000, 1).price.standard_error, by_hand()[1]
        faster = plain * (plain_error / error) ** 2 / ours
        detail = f"{ours * 1e3:.1f} ms with all sensitivities, {plain * 1e3:.1f} ms for the price alone"
        what = f"European, {method}, times faster than four lines of numpy at equal error"
        say(what, faster, 5, at_most=False, detail=detail)


def main() -> None:
    against_numpy()
    for name, option in OPTIONS.items():
        for method in METHODS:
            ours, plain = versus(
                partial(pricing.price, option, method, 100_000, 1),
                partial(pricing.price, option, "plain", 100_000, 1),
                4,
            )
            error = float(
                np.mean([pricing.price(option, method, 100_000, seed).price.standard_error for seed in range(5)])
            )
            plain_error = pricing.price(option, "plain", 100_000, 1).price.standard_error
            # Plain simulation needs (its error / ours)² times the paths to get there.
            faster = plain * (plain_error / error) ** 2 / ours
            detail = (
                f"standard error {error:.2g} in {ours * 1e3:.0f} ms, plain {plain_error:.2g} in {plain * 1e3:.0f} ms"
            )
            say(f"{name}, {method}, times faster than plain at equal error", faster, 5, at_most=False, detail=detail)


if __name__ == "__main__":
    main()
