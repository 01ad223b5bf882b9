"""An arithmetic average's simulated price and interval against the number of simulations, by method."""

from typing import Any

from docs.plots.house import BLUE, GREEN, GREY, ORANGE, axes, write
from throughline.testing import run_task

SIMULATIONS = [1_000, 4_000, 16_000, 64_000, 256_000]
REFERENCE = 4_000_000
METHODS = {"plain": BLUE, "antithetic": ORANGE, "sobol": GREEN}


def draw() -> None:
    plot = axes("Call at 100 on the average of 12 monthly prices, spot 100", "simulations", "price and 95 % interval")
    for place, (method, colour) in enumerate(METHODS.items()):
        results = [_result(method, number) for number in SIMULATIONS]
        prices = [r["price"] for r in results]
        halves = [(r["confidence_interval"][1] - r["confidence_interval"][0]) / 2 for r in results]
        beside = [number * 1.12 ** (place - 1) for number in SIMULATIONS]
        plot.errorbar(beside, prices, yerr=halves, color=colour, fmt="o", markersize=3, capsize=3, label=method)
    plot.axhline(
        _result("control_variate", REFERENCE)["price"], color=GREY, linewidth=1, label="control_variate, 4,000,000"
    )
    plot.set_xscale("log")
    plot.legend()
    write(plot, "monte_carlo_pricing")


def _result(method: str, simulations: int) -> dict[str, Any]:
    option = {"style": "asian", "right": "call", "spot": 100.0, "strike": 100.0, "maturity": 1.0, "rate": 0.05}
    data = {"option": option | {"volatility": 0.2}, "method": method, "simulations": simulations, "seed": 1}
    found: dict[str, Any] = run_task("monte_carlo_pricing", data).result
    return found
