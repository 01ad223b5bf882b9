"""The shocks of history: each stands as its source has it, and moves only what the source is about."""

from datetime import date
from pathlib import Path
from typing import get_args

import pytest

from risk.quant.history import CATALOGUE
from risk.quant.shocks import VolatilityCurve
from risk.stress_test.model import AssetClass, ScenarioName

LEVELS = [
    ("black_monday_1987", "equity", "224.84", 1 - 57.86 / (224.84 + 57.86)),
    ("dotcom_2000_2002", "equity", "from 1,527.46 to 776.76", 776.76 / 1527.46),
    ("lehman_2008", "equity", "to 752.44", 752.44 / 1251.70),
    ("lehman_2008", "oil", "from 101.19 to 48.86", 48.86 / 101.19),
    ("lehman_2008", "gold", "from 750.25 to 738.00", 738.00 / 750.25),
    ("gfc_2007_2009", "equity", "from 1,565.15 to 676.53", 676.53 / 1565.15),
    ("gfc_2007_2009", "oil", "from 80.23 to 47.01", 47.01 / 80.23),
    ("gfc_2007_2009", "gold", "from 736.00 to 923.75", 923.75 / 736.00),
    ("covid_2020", "oil", "from 53.31 to 23.33", 23.33 / 53.31),
    ("rates_2022", "equity", "from 4,766.18 to 3,839.50", 3839.50 / 4766.18),
    ("rates_2022", "oil", "from 75.33 to 80.16", 80.16 / 75.33),
]
INDICES = {("equity", 30): "VIX", ("equity", 93): "VIX3M", ("equity", 182): "VIX6M", ("oil", 30): "OVX"}


def levels(curve):
    assert isinstance(curve, VolatilityCurve)
    return curve.levels


def test_the_catalogue_is_what_the_contract_offers_and_each_scenario_is_dated_and_sourced():
    assert list(CATALOGUE) == list(get_args(ScenarioName))
    for scenario in CATALOGUE.values():
        assert date.fromisoformat(scenario.start) < date.fromisoformat(scenario.end)
        assert len(scenario.source) > 20
        assert set(scenario.shocks) <= set(get_args(AssetClass))
        assert scenario.shocks["equity"] < -0.15


@pytest.mark.parametrize(("name", "what", "seen", "ratio"), LEVELS)
def test_a_shock_is_the_quotient_of_the_levels_that_its_source_gives(name, what, seen, ratio):
    scenario = CATALOGUE[name]
    assert seen in scenario.source
    assert scenario.shocks[what] == pytest.approx(ratio - 1, abs=0.0006)


def test_a_shock_that_its_source_gives_as_a_change_stands_in_it_digit_by_digit():
    quoted = {
        ("black_monday_1987", "equity"): "−20.5 %",
        ("covid_2020", "equity"): "−33.92 %",
        ("gfc_2007_2009", "equity"): "−56.8 %",
        ("rates_2022", "equity"): "−19.4 %",
        ("rates_2022", "government_bond"): "−12.5 %",
        ("rates_2022", "corporate_bond"): "−15.76 %",
        ("rates_2022", "crypto"): "−64.34 %",
    }
    for (name, kind), said in quoted.items():
        assert said in CATALOGUE[name].source
        assert CATALOGUE[name].shocks[kind] == pytest.approx(float(said.strip("−% ")) / -100)
    checked = set(quoted) | {(name, what) for name, what, _, _ in LEVELS}
    assert {(name, kind) for name, scenario in CATALOGUE.items() for kind in scenario.shocks} <= checked


def test_every_level_of_a_volatility_stands_in_the_source_under_the_name_of_its_index():
    for scenario in CATALOGUE.values():
        for asset_class, curve in scenario.volatilities.items():
            for days, (before, after) in levels(curve).items():
                index = "VXO)" if scenario.start < "1990" else INDICES[asset_class, days]
                assert f"{index} from {before:.2f} to {after:.2f}" in scenario.source


def test_a_volatility_moves_as_its_index_does_and_less_beyond_the_longest_one():
    equity = CATALOGUE["covid_2020"].volatilities["equity"]
    days = [7, 30, 93, 182, 365, 728]
    found = equity.at([each / 365 for each in days])
    vix, vix3m, vix6m = 61.59 / 14.38 - 1, 56.64 / 15.82 - 1, 46.59 / 16.76 - 1
    assert found == pytest.approx([vix, vix, vix3m, vix6m, vix6m * (182 / 365) ** 0.5, vix6m / 2])
    assert vix3m > equity.at(130 / 365) > vix6m


def test_the_volatility_of_stocks_moves_no_option_on_another_class():
    for scenario in CATALOGUE.values():
        assert set(scenario.volatilities) <= {"equity", "oil"}
        assert scenario.volatility_of("currency") is None


def test_yields_move_by_maturity_and_ten_years_in_2022_by_236_basis_points():
    rates = CATALOGUE["rates_2022"].rates
    assert rates is not None
    found = rates.at([0.01, 1, 2, 6, 10, 50])
    assert found == pytest.approx([0.0406, 0.0434, 0.0368, (4 * 0.0273 + 0.0236) / 5, 0.0236, 0.0207])
    assert {name for name, each in CATALOGUE.items() if each.rates is None} == {"black_monday_1987", "dotcom_2000_2002"}


PAGE = Path(__file__).resolve().parents[2] / "docs" / "howto" / "calculations.md"


def row(scenario):
    """Of the page's table: prices, volatilities by the days that their index looks ahead, and two yields."""
    volatilities = [
        f"{asset_class} "
        + ", ".join(f"{signed(after / before - 1)} ({days})" for days, (before, after) in levels(curve).items())
        for asset_class, curve in scenario.volatilities.items()
    ]
    yields = [f"{signed(100 * change, '.2f', '')}" for change in scenario.rates.at([2, 10])] if scenario.rates else []
    cells = [
        f"`{scenario.name}`",
        f"{scenario.start} to {scenario.end}",
        ", ".join(
            f"{asset_class.replace('_', ' ')} {signed(change, '.1%')}"
            for asset_class, change in scenario.shocks.items()
        ),
        "; ".join(volatilities) or "none",
        " and ".join(yields) or "none",
    ]
    return f"| {' | '.join(cells)} |"


def signed(change, form=".0%", unit=" %"):
    return f"{change:+{form}}".replace("-", "−").replace("%", unit)


def test_the_page_has_a_row_for_each_scenario_with_what_it_covers():
    page = PAGE.read_text(encoding="utf-8")
    assert [row(scenario) for scenario in CATALOGUE.values() if row(scenario) not in page] == []
