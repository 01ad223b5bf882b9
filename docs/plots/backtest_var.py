"""A year of gains against the value at risk of the day before, with its exceptions."""

import numpy as np

from docs.plots.house import BLUE, GREY, ORANGE, axes, write
from throughline.testing import run_task

DAYS = 250


def draw() -> None:
    gains, stated = _year()
    data = {"profit_and_loss": gains.tolist(), "value_at_risk": stated.tolist(), "confidence_level": 0.99}
    result = run_task("backtest_var", data).result
    at = result["exception_indices"]
    zone = result["traffic_light"]["zone"]
    plot = axes(f"{len(at)} exceptions in {DAYS} days at 99 %: {zone}", "day", "profit and loss")
    plot.bar(np.arange(DAYS), gains, color=GREY, width=1.0, label="profit and loss")
    plot.step(np.arange(DAYS), -stated, color=BLUE, where="mid", label="value at risk")
    plot.plot(at, gains[at], "o", color=ORANGE, label="exceptions")
    plot.legend()
    write(plot, "backtest_var")


def _year() -> tuple[np.ndarray, np.ndarray]:
    """Gains whose volatility trebles in the second half, and a value at risk from the 60 days before, as if normal."""
    normals = np.random.default_rng(12).standard_normal(DAYS + 60)
    gains = 100 * normals * np.where(np.arange(DAYS + 60) < 190, 1.0, 3.0)
    stated = [2.326 * gains[day : day + 60].std() for day in range(DAYS)]
    return np.round(gains[60:], 2), np.round(stated, 2)
