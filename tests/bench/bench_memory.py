"""The memory of one task at the largest sizes that are allowed, each in a process of its own: peak resident set."""

import multiprocessing
import resource
import sys
from random import Random

import risk  # noqa: F401 – declares the tasks
from tests.bench.ratio import say
from throughline.testing import run_task

POSITION = {"symbol": "A", "quantity": 1, "price": 100.0}
EYE = [[1.0 if i == j else 0.001 for j in range(500)] for i in range(500)]
OPTION = {"right": "call", "strike": 100.0, "maturity": 1.0}
ASIAN = OPTION | {"style": "asian", "spot": 100.0, "volatility": 0.2, "observations": 1_000}
BASKET = OPTION | {"style": "basket", "assets": [{"spot": 100.0, "volatility": 0.2, "weight": 0.02}] * 50}
ASSETS = [{"symbol": f"A{i}", "expected_return": 0.05 + i / 5_000, "volatility": 0.2} for i in range(500)]
HISTORY = {"method": "historical", "horizon_scaling": "overlapping"}


def observed(days: int, symbols: int) -> list[list[float]]:
    random = Random(1)
    return [[random.gauss(0, 0.01) for _ in range(symbols)] for _ in range(days)]


LARGEST = {
    "10,000,000 simulations": ("calculate_var", {"positions": [POSITION], "simulations": 10_000_000}),
    "10,000 positions, lognormal": (
        "calculate_var",
        {"positions": [POSITION] * 10_000, "simulations": 20_000, "distribution": "lognormal"},
    ),
    "500 correlated positions, lognormal": (
        "calculate_var",
        {"positions": [POSITION] * 500, "correlations": EYE, "simulations": 50_000, "distribution": "lognormal"},
    ),
    "10,000 repriced options": (
        "calculate_var",
        {"positions": [POSITION | {"option": OPTION | {"volatility": 0.2}}] * 10_000, "distribution": "lognormal"},
    ),
    "250,000 observed returns": (
        "calculate_var",
        HISTORY | {"positions": [POSITION | {"symbol": f"A{i}"} for i in range(250)], "returns": observed(1_000, 250)},
    ),
    "250,000 observed days": (
        "calculate_var",
        HISTORY | {"positions": [POSITION], "returns": observed(250_000, 1), "volatility_filter": "ewma"},
    ),
    "an average of 1,000 prices": ("monte_carlo_pricing", {"option": ASIAN, "simulations": 20_000}),
    "an average of 1,000 prices, sobol": (
        "monte_carlo_pricing",
        {"option": ASIAN, "simulations": 20_000, "method": "sobol"},
    ),
    "a basket of 50": ("monte_carlo_pricing", {"option": BASKET, "simulations": 100_000}),
    "500 assets with a frontier": (
        "portfolio_optimization",
        {"assets": ASSETS, "correlations": EYE, "frontier_points": 50},
    ),
    "10,000 stressed positions": ("stress_test", {"positions": [POSITION] * 10_000}),
}


def measure(task: str, data: object, told: "multiprocessing.Queue[tuple[float, float]]") -> None:
    unit = 1024 * (1024 if sys.platform == "darwin" else 1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    run_task(task, data)
    told.put((before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit))


def main() -> None:
    context = multiprocessing.get_context("spawn")
    for name, (task, data) in LARGEST.items():
        told = context.Queue()
        process = context.Process(target=measure, args=(task, data, told))
        process.start()
        before, peak = told.get(timeout=300)
        process.join()
        detail = f"the process before the task held {before:.0f} MiB; added by the task {peak - before:.0f} MiB"
        say(f"{name}, peak MiB of the task", peak - before, 256, at_most=True, detail=detail)


if __name__ == "__main__":
    main()
