"""A shock moves prices by symbol, beta or class, reprices options and bonds, and says what it does not cover."""

import json

import pytest
from pydantic import ValidationError

import risk  # noqa: F401 – declares the tasks
from risk.errors import NotCalculable
from risk.quant.instruments import Bond, Option
from risk.stress_test.model import EXAMPLE, StressTestData
from throughline.testing import run_task

CRASH = {"name": "crash", "shocks": {"equity": -0.2, "gold": 0.1}}
CALL = {"right": "call", "strike": 100.0, "maturity": 1.0, "volatility": 0.2, "rate": 0.05}
EUROS = {
    "symbol": "EURUSD",
    "quantity": 1e6,
    "price": 1.1,
    "asset_class": "currency",
    "option": {"right": "call", "strike": 1.1, "maturity": 1.0, "volatility": 0.08},
}
TEN_YEARS = {"symbol": "T", "quantity": 10, "price": 100.0, "bond": {"coupon": 0.02, "maturity": 10}}


def held(**terms):
    return {"symbol": "A", "quantity": 10, "price": 100.0} | terms


def stressed(*positions, history=(), **scenario):
    """The result of the positions under history's scenarios, or under the caller's own."""
    own = [{"name": "own"} | scenario] if scenario else []
    data = {"positions": list(positions), "scenarios": list(history), "custom_scenarios": own}
    return run_task("stress_test", data).result


def lines(*positions, **scenario):
    return stressed(*positions, **scenario)["scenarios"][0]["positions"]


def refused(**data):
    with pytest.raises(ValidationError) as error:
        StressTestData.model_validate({"positions": [held()], "scenarios": []} | data)
    return str(error.value)


@pytest.mark.parametrize(
    ("terms", "gain"),
    [
        ({}, -200),
        ({"quantity": -10}, 200),
        ({"asset_class": "gold"}, 100),
        ({"beta": 1.5}, -300),
        ({"beta": 9.0}, -1_000),
        ({"symbol": "X", "beta": 1.5}, -500),
    ],
)
def test_a_price_moves_by_symbol_else_by_beta_else_by_class(terms, gain):
    both = (held(**terms), held(symbol="X"))
    line = lines(*both, shocks=CRASH["shocks"], symbols={"X": -0.5})[0]
    assert (line["profit_and_loss"], line["covered"]) == (pytest.approx(gain), True)


def test_an_option_is_repriced_in_full():
    line = lines(held(option=CALL), shocks={"equity": -0.2}, volatility_change=0.5, rate_change=0.01)[0]
    then = Option(call=True, strike=100.0, maturity=1.0, volatility=0.3, rate=0.06).price(80.0)
    assert line["profit_and_loss"] == pytest.approx(10 * (then - 10.450584), abs=1e-5)
    assert (line["shock"], line["volatility_change"], line["rate_change"]) == (-0.2, 0.5, 0.01)


def test_an_option_moves_with_the_symbol_of_its_underlying():
    option = held(symbol="A C100", option=CALL | {"underlying": "A"})
    assert lines(option, symbols={"A": -0.3})[0]["shock"] == -0.3


def test_a_worthless_underlying_leaves_a_put_its_strike():
    line = lines(held(option=CALL | {"right": "put", "rate": 0.0}), shocks={"equity": -1.0})[0]
    put = Option(call=False, strike=100.0, maturity=1.0, volatility=0.2).price(100.0)
    assert line["profit_and_loss"] == pytest.approx(10 * (100 - put))


def test_stocks_fear_does_not_move_a_currency_option():
    """The VIX's relative change once made 114,429 of an option worth 35,098."""
    result = stressed(EUROS, history=["covid_2020"])
    line = result["scenarios"][0]["positions"][0]
    assert [line[key] for key in ("shock", "profit_and_loss", "covered", "volatility_change")] == [
        None,
        None,
        False,
        None,
    ]
    assert result["scenarios"][0]["profit_and_loss"] is None
    assert result["scenarios"][0]["not_covered"] == [{"symbol": "EURUSD", "value": pytest.approx(35_098, abs=1)}]
    assert (result["worst_scenario"], result["worst_profit_and_loss"]) == (None, None)
    assert any("EURUSD" in note and "null, not zero" in note for note in result["notes"])


@pytest.mark.parametrize(("days", "change"), [(30, 3.283), (93, 2.580), (182, 1.780), (365, 1.257)])
def test_an_equity_option_of_history_has_the_volatility_change_of_its_maturity(days, change):
    option = CALL | {"maturity": days / 365}
    line = lines(held(option=option), history=["covid_2020"])[0]
    assert line["volatility_change"] == pytest.approx(change, abs=0.0005)
    then = Option(True, 100.0, days / 365, 0.2 * (1 + line["volatility_change"]), 0.05 + line["rate_change"])
    now = Option(True, 100.0, days / 365, 0.2, 0.05)
    assert line["profit_and_loss"] == pytest.approx(10 * (then.price(100 * (1 - 0.3392)) - now.price(100.0)))


def test_an_option_whose_volatility_has_no_source_keeps_it_and_says_so():
    gold = held(symbol="GOLD", asset_class="gold", option=CALL)
    result = stressed(gold, history=["gfc_2007_2009"])
    assert result["scenarios"][0]["positions"][0]["volatility_change"] is None
    assert any("no source for the volatility of the options in GOLD, which is kept" in note for note in result["notes"])
    assert "oil alone" in result["assumptions"]["volatilities_of_history"]


def test_what_a_scenario_does_not_cover_is_told_apart_from_a_change_of_zero():
    gap, zero = held(symbol="G", asset_class="currency"), held(symbol="Z", asset_class="gold")
    result = stressed(held(), gap, zero, shocks={"equity": -0.2, "gold": 0.0})
    scenario = result["scenarios"][0]
    assert [line["shock"] for line in scenario["positions"]] == [-0.2, None, 0.0]
    assert [line["profit_and_loss"] for line in scenario["positions"]] == [-200, None, 0.0]
    assert (scenario["profit_and_loss"], scenario["not_covered"]) == (-200, [{"symbol": "G", "value": 1_000}])
    assert any("worst_scenario compares" in note for note in result["notes"])
    assert stressed(held(), shocks={"equity": -0.2})["notes"] == []


def test_a_beta_is_not_covered_where_nothing_moves_the_market():
    assert lines(held(beta=1.2), shocks={"gold": 0.1})[0]["profit_and_loss"] is None
    assert lines(held(beta=1.2), market=-0.1)[0]["profit_and_loss"] == pytest.approx(-120)


def test_lots_of_one_symbol_are_one_line_of_what_is_not_covered():
    result = stressed(held(asset_class="gold"), held(asset_class="gold", quantity=5), shocks={"equity": -0.1})
    assert result["scenarios"][0]["not_covered"] == [{"symbol": "A", "value": 1_500}]


def test_a_rate_change_reprices_a_bond_from_the_yield_of_its_price():
    line = lines(TEN_YEARS, rate_change=0.01)[0]
    then = Bond(0.02, 10.0).price(0.03)
    assert line["profit_and_loss"] == pytest.approx(10 * (then - 100))
    assert (line["shock"], line["rate_change"]) == (pytest.approx(then / 100 - 1), 0.01)
    assert then == pytest.approx(91.4157, abs=1e-4)  # 20 payments of 1 and the face at 1.5 % each half-year


def test_a_treasury_of_history_moves_by_the_yield_at_its_maturity():
    line = lines(TEN_YEARS, history=["rates_2022"])[0]
    assert line["rate_change"] == pytest.approx(0.0236)
    assert line["profit_and_loss"] == pytest.approx(10 * (Bond(0.02, 10.0).price(0.0436) - 100))


def test_rates_come_before_the_class_for_a_bond_with_terms_and_its_symbol_before_rates():
    bare = held(symbol="B", asset_class="government_bond")
    shocks = {"government_bond": -0.1}
    result = stressed(TEN_YEARS, bare, rate_change=0.01, shocks=shocks)
    by_rate, by_class = result["scenarios"][0]["positions"]
    assert by_rate["shock"] == pytest.approx(-0.0858, abs=1e-4)
    assert by_class["shock"] == -0.1
    assert any("rate_change moves T, not the shock of their class" in note for note in result["notes"])
    assert lines(TEN_YEARS, rate_change=0.01, symbols={"T": 0.02})[0]["profit_and_loss"] == pytest.approx(20)


def test_a_bond_without_terms_is_not_moved_by_rates_and_a_note_asks_for_them():
    result = stressed(held(asset_class="government_bond"), rate_change=0.01)
    assert result["scenarios"][0]["positions"][0]["profit_and_loss"] is None
    assert any("give bond to A" in note for note in result["notes"])


def test_the_treasurys_yields_do_not_move_a_corporate_bond_whose_spread_is_unknown():
    corporate = TEN_YEARS | {"asset_class": "corporate_bond"}
    result = stressed(corporate, history=["covid_2020", "rates_2022"])
    assert [each["positions"][0]["shock"] for each in result["scenarios"]] == [None, -0.1576]
    assert any("covid_2020" in note and "without the spread" in note for note in result["notes"])
    assert lines(corporate, rate_change=0.01)[0]["shock"] == pytest.approx(-0.0858, abs=1e-4)


def test_a_bond_whose_price_no_yield_gives_is_named():
    with pytest.raises(NotCalculable, match=r"data\.positions\[1\]\.price: 1e\+06"):
        stressed(held(), TEN_YEARS | {"price": 1e6}, rate_change=0.01)


def test_a_misspelt_symbol_is_refused_with_the_one_that_was_meant():
    scenario = {"name": "own", "symbols": {"APPL": -0.3}}
    message = refused(positions=[held(symbol="AAPL"), held(symbol="MSFT")], custom_scenarios=[scenario])
    assert "custom_scenarios[0].symbols: no position has the symbol 'APPL'; did you mean 'AAPL'?" in message
    assert "did you mean 'A'?" in refused(custom_scenarios=[{"name": "own", "symbols": {"a": -0.3}}])
    assert "did you mean" not in refused(custom_scenarios=[{"name": "own", "symbols": {"quite other": -0.3}}])


def test_a_name_of_two_scenarios_is_refused():
    assert "scenarios[1]: 'covid_2020' names two" in refused(scenarios=["covid_2020", "covid_2020"])
    assert "custom_scenarios[1].name: 'crash' names two" in refused(custom_scenarios=[CRASH, CRASH])
    clash = CRASH | {"name": "covid_2020"}
    assert "custom_scenarios[0].name: 'covid_2020' names two" in refused(scenarios=None, custom_scenarios=[clash])


def test_an_option_that_is_a_bond_and_a_bond_that_is_a_stock_are_refused():
    bond = TEN_YEARS["bond"]
    assert "give option or bond, not both" in refused(positions=[held(option=CALL, bond=bond)])
    assert "must be one of" in refused(positions=[held(bond=bond, asset_class="equity")])
    assert "must shock something" in refused(custom_scenarios=[{"name": "own"}])


@pytest.mark.parametrize(
    ("scenario", "said"),
    [
        ({"shocks": {"gold": 0.1, "equity": -0.1}}, "no position is of the class gold"),
        ({"shocks": {"equity": -0.1}, "market": -0.2}, "no position has a beta"),
        ({"shocks": {"equity": -0.1}, "volatility_change": 0.5}, "no position has an option"),
        ({"shocks": {"equity": -0.1}, "rate_change": 0.01}, "no position has an option or bond terms"),
    ],
)
def test_a_shock_that_moves_nothing_is_told(scenario, said):
    assert [note for note in stressed(held(), **scenario)["notes"] if said in note]


def test_positions_on_one_price_that_move_by_two_changes_are_told():
    share, put = held(beta=1.2), held(symbol="A P", option=CALL | {"right": "put", "underlying": "A"})
    said = (
        "{}: A, A P are on one price, which moves by two changes, since beta or asset_class differ; give them the same"
    )
    assert said.format("covid_2020") in stressed(share, put, history=["covid_2020"])["notes"]
    assert said.format("own") in stressed(share, put | {"asset_class": "gold"}, shocks={"equity": -0.2})["notes"]
    for same in (share, put | {"beta": 1.2}), (share, held(symbol="B")):
        assert stressed(*same, history=["covid_2020"])["notes"] == []
    assert stressed(share, put, symbols={"A": -0.1})["notes"] == []
    assert stressed(share, put, shocks={"equity": -0.2}, symbols={"A P": -0.1})["notes"] == []


def test_a_beta_that_asks_for_more_than_the_price_is_told():
    result = stressed(held(beta=4.0), held(symbol="B", beta=-4.0), shocks={"equity": -0.3})
    assert [line["shock"] for line in result["scenarios"][0]["positions"]] == [-1.0, pytest.approx(1.2)]
    assert result["notes"] == ["own: beta times the market is below −100 % for A, and taken as that"]
    assert stressed(held(beta=4.0), market=-0.3, symbols={"A": -0.1})["notes"] == []


def test_a_change_of_rates_that_looks_like_per_cent_is_told_with_its_size():
    for change, points in ((1.0, "1 is 100"), (-0.25, "-0.25 is -25")):
        assert f"own: rate_change {points} percentage points" in stressed(TEN_YEARS, rate_change=change)["notes"][0]
    assert stressed(TEN_YEARS, rate_change=0.1)["notes"] == []


def test_what_moves_a_beta_is_an_assumption_when_the_caller_did_not_say_it():
    taken = stressed(held(beta=0.5), shocks={"equity": -0.2})["assumptions"]
    assert taken["market"] == "the shock of the class equity"
    assert "market" not in stressed(held(beta=0.5), shocks={"equity": -0.2}, market=-0.3)["assumptions"]
    gold = held(beta=0.1, asset_class="gold")
    assert "S&P 500" in stressed(gold, history=["covid_2020"])["assumptions"]["equity_of_history"]


def test_options_move_by_volatility_or_rates_alone_in_the_callers_own_scenario():
    line = lines(held(option=CALL), volatility_change=0.5)[0]
    assert line["profit_and_loss"] == pytest.approx(10 * (Option(True, 100.0, 1.0, 0.3, 0.05).price(100.0) - 10.450584))
    assert (line["shock"], line["rate_change"], line["covered"]) == (None, None, True)


def test_figures_at_the_ends_of_what_may_be_sent_are_numbers_and_none_is_minus_zero():
    wild = {"strike": 1e-300, "maturity": 100.0, "volatility": 10.0, "rate": -1.0, "dividend_yield": -1.0}
    most = {"quantity": 1e12, "price": 1e12}
    positions = [held(**most, option=CALL | wild), held(**most), held(quantity=0.0), held(**most, option=CALL)]
    result = stressed(*positions, shocks={"equity": 10.0}, volatility_change=10.0, rate_change=-1.0)
    json.dumps(result, allow_nan=False)
    nothing = stressed(held(quantity=0.0), held(quantity=-0.0), shocks={"equity": -0.2})
    assert "-0.0" not in json.dumps(nothing)


def test_the_worst_scenario_is_named_and_positions_add_up():
    result = run_task("stress_test", EXAMPLE).result
    worst = min(result["scenarios"], key=lambda scenario: scenario["profit_and_loss"])
    assert result["worst_scenario"] == worst["name"] == "lehman_2008"
    assert sum(p["profit_and_loss"] for p in worst["positions"]) == pytest.approx(result["worst_profit_and_loss"])
    assert [scenario["name"] for scenario in result["scenarios"]][-1] == "tech sell-off"
    assert result["assumptions"]["equity_of_history"]
