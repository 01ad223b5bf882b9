"""Value at risk against the confidence level of a share alone, with a put held on it, and with a call sold on it."""

from typing import Any

from docs.plots.house import BLUE, GREEN, ORANGE, axes, write
from throughline.testing import run_task

LEVELS = [0.90, 0.925, 0.95, 0.975, 0.99, 0.995]
SHARE = {"symbol": "AAPL", "quantity": 100, "price": 150.0, "volatility": 0.3}


def draw() -> None:
    plot = axes("100 AAPL at 150, ten days", "confidence level", "value at risk")
    for name, colour, positions in (
        ("the shares alone", BLUE, [SHARE]),
        ("with a put at 140 on each", GREEN, [SHARE, _option("put", 140.0, 100)]),
        ("with a call at 160 sold on each", ORANGE, [SHARE, _option("call", 160.0, -100)]),
    ):
        plot.plot(LEVELS, [_value_at_risk(positions, level) for level in LEVELS], color=colour, label=name)
    plot.set_ylim(bottom=0)
    plot.legend()
    write(plot, "protective_put")


def _option(right: str, strike: float, quantity: int) -> dict[str, Any]:
    terms = {"right": right, "strike": strike, "maturity": 0.25, "volatility": 0.32, "rate": 0.03, "underlying": "AAPL"}
    return {"symbol": f"AAPL {right} {strike:g}", "quantity": quantity, "price": 150.0, "option": terms}


def _value_at_risk(positions: list[dict[str, Any]], level: float) -> float:
    data = {"positions": positions, "confidence_level": level, "distribution": "lognormal", "seed": 1}
    found: float = run_task("calculate_var", data).result["var_amount"]
    return found
