"""What a stress test takes for what the client did not say, and the choices that he could not know."""

from typing import Any

from risk.instruments import BondTerms, OptionTerms
from risk.quant.shocks import Scenario
from risk.stress_test.model import StressTestData

_VOLATILITY = (
    "changes of the S&P 500's (VIX, VIX3M, VIX6M) and crude oil's (OVX) volatility indices, for options on equity and "
    "on oil alone: linear in 1 / √days between 30, 93 and 182 days, × √(longest / days) beyond the longest one"
)
_RATES = "changes of US Treasury yields at the maturity, added to options' rates and government bonds' yields"


def assumptions(asked: StressTestData, scenarios: list[Scenario]) -> dict[str, Any]:
    """Of the whole result."""
    options = [position.option for position in asked.positions if position.option is not None]
    bonds = [position.bond for position in asked.positions if position.bond is not None]
    return {
        "time": "each scenario's changes happen at once",
        "not_covered": "what a scenario names no change for is null, not zero, and left out of its sum",
        **_of_positions(asked),
        **_of_terms(options, bonds),
        **_of_history(asked, [scenario for scenario in scenarios if scenario.historical]),
    }


def _of_positions(asked: StressTestData) -> dict[str, Any]:
    taken: dict[str, Any] = {} if asked.scenarios is not None else {"scenarios": asked.names}
    unnamed = [each for each in asked.positions if each.asset_class is None]
    if any(each.bond is None and (each.beta is None or each.option) for each in unnamed):
        taken["asset_class"] = "equity"
    if any(each.bond is not None for each in unnamed):
        taken["asset_class_of_bonds"] = "government_bond"
    betas = any(each.beta is not None for each in asked.positions)
    if betas and any(own.market is None and "equity" in own.shocks for own in asked.custom_scenarios):
        taken["market"] = "the shock of the class equity"
    return taken


def _of_terms(options: list[OptionTerms], bonds: list[BondTerms]) -> dict[str, Any]:
    taken: dict[str, Any] = {}
    if options:
        taken["options"] = "European, repriced in full by Black–Scholes"
    if bonds:
        taken["bonds"] = "repriced in full from the yield that the price implies"
    for terms, names in ((options, ("rate", "dividend_yield")), (bonds, ("coupons_a_year", "face"))):
        for name in names:
            if any(name not in each.model_fields_set for each in terms):
                taken[name] = type(terms[0]).model_fields[name].default
    return taken


def _of_history(asked: StressTestData, history: list[Scenario]) -> dict[str, Any]:
    taken: dict[str, Any] = {}
    if history and any(each.kind == "equity" or each.beta is not None for each in asked.positions):
        taken["equity_of_history"] = "every equity moves as the S&P 500, or beta times as much"
    options = any(each.option is not None for each in asked.positions)
    if options and any(scenario.volatilities for scenario in history):
        taken["volatilities_of_history"] = _VOLATILITY
    if any(each.option or each.bond for each in asked.positions) and any(scenario.rates for scenario in history):
        taken["rates_of_history"] = _RATES
    return taken
