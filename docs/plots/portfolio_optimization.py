"""The efficient frontier of the page's example, with its assets, the least risky weights and the tangency portfolio."""

from typing import Any

from docs.plots.house import BLUE, GREEN, GREY, ORANGE, axes, write
from risk.portfolio_optimization.model import EXAMPLE
from throughline.testing import run_task


def draw() -> None:
    plot = axes("Three assets, riskless rate 2 %", "volatility of a year", "expected return of a year")
    for limits, colour, name in (({}, BLUE, "long only"), ({"long_only": False}, GREY, "with short sales")):
        points = _result(**limits, frontier_points=50)["frontier"]
        line = [[point[of] for point in points] for of in ("volatility", "expected_return")]
        plot.plot(*line, color=colour, linestyle="-" if colour == BLUE else "--", label=f"frontier, {name}")
    best = _result()
    slope = best["sharpe_ratio"]
    plot.plot([0, 0.2], [0.02, 0.02 + 0.2 * slope], color=ORANGE, linewidth=1, label=f"Sharpe ratio {slope:.3f}")
    for found, colour, name in (
        (_result(objective="minimum_variance"), GREEN, "least variance"),
        (best, ORANGE, "highest Sharpe ratio"),
    ):
        plot.plot(found["volatility"], found["expected_return"], "o", color=colour, label=name)
    for asset in EXAMPLE["assets"]:
        at = (asset["volatility"], asset["expected_return"])
        plot.plot(*at, "s", color=GREY, markersize=4)
        plot.annotate(asset["symbol"], at, xytext=(6, -4), textcoords="offset points")
    plot.set_xlim(0, 0.3)
    plot.legend(loc="lower right")
    write(plot, "portfolio_optimization")


def _result(**other: Any) -> dict[str, Any]:
    found: dict[str, Any] = run_task("portfolio_optimization", EXAMPLE | other).result
    return found
