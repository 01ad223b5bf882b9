"""Value at risk and expected shortfall against the confidence level, of normal, lognormal and Student's t returns."""

from docs.plots.house import BLUE, GREEN, ORANGE, axes, write
from throughline.testing import run_task

LEVELS = [0.90, 0.925, 0.95, 0.975, 0.99, 0.995, 0.999]


def draw() -> None:
    plot = axes("100 AAPL at 150, ten days", "confidence level", "loss")
    for distribution, colour in (("normal", BLUE), ("lognormal", ORANGE), ("student_t", GREEN)):
        name = "Student's t, 4 degrees" if distribution == "student_t" else distribution
        results = [_result(level, distribution) for level in LEVELS]
        plot.plot(LEVELS, [r["var_amount"] for r in results], color=colour, label=f"value at risk, {name}")
        shortfalls = [r["expected_shortfall"] for r in results]
        plot.plot(LEVELS, shortfalls, color=colour, linestyle="--", label=f"expected shortfall, {name}")
    plot.legend()
    write(plot, "calculate_var")


def _result(level: float, distribution: str) -> dict[str, float]:
    positions = [{"symbol": "AAPL", "quantity": 100, "price": 150.0, "volatility": 0.2}]
    data = {"positions": positions, "confidence_level": level, "distribution": distribution, "seed": 1}
    found: dict[str, float] = run_task("calculate_var", data).result
    return found
