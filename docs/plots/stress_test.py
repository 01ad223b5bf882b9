"""How much a volatility rose in each crisis, by an option's maturity: the points are what its source has."""

from docs.plots.house import BLUE, GREEN, GREY, ORANGE, axes, write
from risk.quant.history import CATALOGUE
from risk.quant.shocks import VolatilityCurve
from throughline.testing import run_task

COLOURS = {"black_monday_1987": GREY, "lehman_2008": BLUE, "gfc_2007_2009": GREEN, "covid_2020": ORANGE}
DAYS = [7, 14, 21, 30, 40, 50, 60, 75, 93, 110, 130, 155, 182, 220, 270, 320, 365, 450, 550, 730]


def draw() -> None:
    plot = axes("Options on equity", "days to expiry", "relative change of the implied volatility")
    for name, changes in _results().items():
        plot.plot(DAYS, changes, color=COLOURS[name], label=name)
        curve = CATALOGUE[name].volatilities["equity"]
        assert isinstance(curve, VolatilityCurve)
        sourced = list(curve.levels)
        plot.plot(sourced, curve.at([days / 365 for days in sourced]), "o", color=COLOURS[name])
    plot.set_ylim(bottom=0)
    plot.legend()
    write(plot, "stress_test")


def _results() -> dict[str, list[float]]:
    terms = {"right": "call", "strike": 100.0, "volatility": 0.2}
    position = {"quantity": 1, "price": 100.0}
    positions = [position | {"symbol": f"{days} days", "option": terms | {"maturity": days / 365}} for days in DAYS]
    result = run_task("stress_test", {"positions": positions, "scenarios": list(COLOURS)}).result
    return {
        scenario["name"]: [line["volatility_change"] for line in scenario["positions"]]
        for scenario in result["scenarios"]
    }
