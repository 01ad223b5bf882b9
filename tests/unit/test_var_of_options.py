"""The value at risk of options and bonds is that of their prices in every scenario, not of their deltas."""

import numpy as np
import pytest
from scipy.special import ndtr, ndtri, stdtrit

import risk  # noqa: F401 – declares the tasks
from risk.calculate_var.model import CalculateVarData
from risk.errors import NotCalculable
from risk.quant import scenarios, value_at_risk
from risk.quant.instruments import Bond, Option
from risk.quant.portfolio import over_horizon
from risk.quant.repricing import Book, Factors, repriced_gains
from risk.quant.stopwatch import Stopwatch
from risk.quant.streams import chunk_sizes
from throughline import InvalidTaskData
from throughline.testing import run_task

SHARE = {"symbol": "X", "quantity": 100, "price": 100.0, "volatility": 0.3}


def option(right, strike, quantity=100, maturity=0.5, **more):
    terms = {"right": right, "strike": strike, "maturity": maturity, "volatility": 0.25, "rate": 0.03}
    position = {"symbol": f"X {right} {strike:g}", "quantity": quantity, "price": 100.0, "volatility": 0.3}
    return position | {"option": terms | {"underlying": "X"}} | more


def bond(quantity=10, price=95.0, **terms):
    return {"symbol": "B", "quantity": quantity, "price": price, "bond": {"coupon": 0.04, "maturity": 7.3} | terms}


def ran(*positions, **data):
    return run_task("calculate_var", {"positions": list(positions)} | data).result


def refused(*positions, **data):
    with pytest.raises(InvalidTaskData) as raised:
        ran(*positions, **data)
    return str(raised.value)


def gain(position, spot):
    """Of a position in X when its price becomes `spot`, by Black and Scholes' formula as the book prints it."""
    if "option" not in position:
        return position["quantity"] * (spot - 100.0)
    terms = position["option"]
    sign = 1 if terms["right"] == "call" else -1
    years, strike, rate = terms["maturity"], terms["strike"], terms["rate"]
    deviation = terms["volatility"] * np.sqrt(years)

    def price(s):
        d1 = (np.log(s / strike) + rate * years) / deviation + deviation / 2
        return sign * (s * ndtr(sign * d1) - strike * np.exp(-rate * years) * ndtr(sign * (d1 - deviation)))

    return position["quantity"] * (price(spot) - price(100.0))


def truth(positions, days, confidence, distribution):
    """Value at risk and expected shortfall by the quantiles of the price itself, a million of equal probability."""
    shares = (np.arange(1_000_000) + 0.5) / 1_000_000
    deviation = 0.3 * np.sqrt(days / 252)
    moves = deviation * (stdtrit(4, shares) / np.sqrt(2) if distribution == "student_t" else ndtri(shares))
    spot = 100 * (np.exp(moves - deviation**2 / 2) if distribution == "lognormal" else np.maximum(1 + moves, 1e-12))
    losses = np.sort(-sum(gain(position, spot) for position in positions))
    at = round(1_000_000 * confidence)
    return losses[at - 1], losses[at:].mean()


STRATEGIES = {
    "long call": [option("call", 105.0)],
    "short put": [option("put", 95.0, -100)],
    "covered call": [SHARE, option("call", 105.0, -100)],
    "protective put": [SHARE, option("put", 95.0)],
    "long straddle": [option("call", 100.0), option("put", 100.0)],
    "short strangle": [option("call", 110.0, -100), option("put", 90.0, -100)],
}


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize(("days", "confidence"), [(1, 0.95), (10, 0.99), (60, 0.95)])
@pytest.mark.parametrize("distribution", ["normal", "lognormal", "student_t"])
def test_options_lose_what_their_prices_at_the_quantiles_say(strategy, days, confidence, distribution):
    positions = STRATEGIES[strategy]
    result = ran(*positions, time_horizon=days, confidence_level=confidence, distribution=distribution)
    at_risk, shortfall = truth(positions, days, confidence, distribution)
    assert abs(result["var_amount"] - at_risk) < 4 * result["standard_error"]
    assert abs(result["expected_shortfall"] - shortfall) < 5 * result["expected_shortfall_standard_error"]
    parts = [line["contribution"] for line in result["contributions"]]
    assert sum(parts) == pytest.approx(result["var_amount"])


def test_a_long_option_never_loses_more_than_its_price():
    result = ran(option("call", 130.0, maturity=0.05), time_horizon=252, confidence_level=0.99)
    (line,) = result["contributions"]
    assert result["var_amount"] <= result["portfolio_value"] == pytest.approx(line["value"])
    assert line["value"] == pytest.approx(100 * line["option_price"])
    assert result["var_amount"] == pytest.approx(line["value"], rel=1e-3)


def test_no_price_falls_below_zero_where_options_are_repriced():
    wild = {"volatility": 3.0}
    result = ran(SHARE | wild, option("call", 100.0, 1, **wild), time_horizon=252, confidence_level=0.99)
    assert result["var_amount"] == pytest.approx(result["portfolio_value"])
    assert "none falls below 0" in result["assumptions"]["prices"]


def test_a_bond_is_repriced_from_the_yield_that_its_price_implies():
    data = {"confidence_level": 0.99, "time_horizon": 20, "distribution": "lognormal"}  # of prices, not of yields
    result = ran(bond(yield_volatility=0.2), **data)
    priced = Bond(0.04, 7.3)
    at = result["contributions"][0]["yield"]
    assert float(priced.price(at)) == pytest.approx(95.0)
    worst = 10 * (95.0 - float(priced.price(at + 0.2 * np.sqrt(20 / 252) * ndtri(0.99))))
    assert abs(result["var_amount"] - worst) < 4 * result["standard_error"]
    assert result["portfolio_value"] == 950.0


def test_a_bond_and_a_share_move_together_by_the_sign_that_the_result_states():
    shares = SHARE | {"quantity": 1}
    against = ran(bond(), shares, correlations=[[1, 0.99], [0.99, 1]], distribution="lognormal")
    along = ran(bond(), shares, correlations=[[1, -0.99], [-0.99, 1]], distribution="lognormal")
    assert against["var_amount"] < 0.8 * along["var_amount"]
    assert "falls when the other rises" in along["assumptions"]["bonds"]


def test_options_and_their_underlying_are_one_risk():
    # Put-call parity: a share and a put, less a call, is worth the discounted strike in every scenario.
    result = ran(SHARE, option("put", 100.0), option("call", 100.0, -100))
    assert result["portfolio_value"] == pytest.approx(10_000 * np.exp(-0.015))
    assert result["var_amount"] == pytest.approx(0.0, abs=1e-8)
    tables = ran(SHARE, option("put", 100.0), bond(), correlations=[[1, 0.2], [0.2, 1]], seed=3)
    rows = [[1, 1, 0.2], [1, 1, 0.2], [0.2, 0.2, 1]]
    assert ran(SHARE, option("put", 100.0), bond(), correlations=rows, seed=3)["var_amount"] == tables["var_amount"]


def test_an_underlying_without_volatility_has_the_implied_one_nearest_to_the_money():
    calls = [option("call", strike, volatility=None) for strike in (140.0, 102.0)]
    calls[0]["option"]["volatility"] = 0.6
    result = ran(*calls, distribution="lognormal", seed=1)
    said = ran(*[call | {"volatility": 0.25} for call in calls], distribution="lognormal", seed=1)
    assert result["var_amount"] == said["var_amount"]
    assert "nearest to the money" in result["assumptions"]["underlying_volatility"]
    assert not {"underlying_volatility", "volatility"} & said["assumptions"].keys()


def test_at_the_horizon_an_option_has_lost_its_time():
    held = {"distribution": "lognormal", "confidence_level": 0.9, "time_horizon": 63, "reprice_at": "horizon"}
    result = ran(option("call", 100.0), **held)
    call = Option(True, 100.0, 0.5, 0.25, 0.03)
    worst = 100 * np.exp(-(0.15**2) / 2 + 0.15 * ndtri(0.1))
    expected = 100 * float(call.price(100.0) - call.price(worst, passed=0.25))
    assert abs(result["var_amount"] - expected) < 4 * result["standard_error"]


def test_an_option_that_expires_on_the_way_pays_by_the_price_of_that_day():
    call = option("call", 90.0, maturity=10 / 252)
    held = {"distribution": "lognormal", "confidence_level": 0.9, "time_horizon": 40, "reprice_at": "horizon"}
    deviation = 0.3 * np.sqrt(10 / 252)
    paid = 100 * max(0.0, 100 * np.exp(-(deviation**2) / 2 + deviation * ndtri(0.1)) - 90.0)
    result = ran(call, **held)
    assert abs(result["var_amount"] - (result["portfolio_value"] - paid)) < 4 * result["standard_error"]
    # With the share beside it, by simulating day by day what the two are worth together.
    steps = np.random.default_rng(5).standard_normal((200_000, 40)) * 0.3 / np.sqrt(252) - 0.3**2 / 252 / 2
    prices = 100 * np.exp(np.cumsum(steps, axis=1))
    losses = 100 * (prices[:, -1] - 100) + ran(call)["portfolio_value"] - 100 * np.maximum(prices[:, 9] - 90, 0)
    both = ran(SHARE | {"quantity": -100}, call, **held)
    assert abs(both["var_amount"] - np.quantile(losses, 0.9)) < 5 * both["standard_error"]
    assert not any("reprice_at" in note for note in both["notes"])
    assert any("reprice_at" in note for note in ran(call, time_horizon=40)["notes"])


def test_no_error_is_stated_of_a_mean_loss_from_prices_that_are_never_drawn():
    # A call sold at a volatility of 600 %: the mean of the worst 5 % is 1,961, of 100,000 scenarios' 135 ± 103.
    sold = option("call", 100.0, -1, maturity=5) | {"volatility": 6.0}
    held = {"distribution": "lognormal", "time_horizon": 252}
    result = ran(sold, **held)
    assert result["expected_shortfall_standard_error"] is None
    assert result["expected_shortfall_interval"] is None
    assert result["standard_error"] is not None
    assert any("what a rise of 'X' costs on average" in note for note in result["notes"])
    covered = ran(sold, SHARE | {"quantity": 1, "volatility": 6.0}, **held)
    calm = ran(sold | {"volatility": 1.0}, **held)
    assert covered["expected_shortfall_interval"] is not None
    assert calm["expected_shortfall_interval"] is not None


def test_sold_options_are_told_with_the_bound_of_their_loss():
    def notes(*positions):
        return " ".join(ran(*positions, simulations=1_000)["notes"])

    assert "no bound if X rises: calls on 50 more" in notes(SHARE | {"quantity": 50}, option("call", 110.0, -100))
    assert "no bound" not in notes(SHARE, option("call", 110.0, -100))
    assert "puts sold on X cost up to 9500" in notes(option("put", 95.0, -100))
    assert notes(option("put", 95.0, -100), option("put", 95.0, 100)) == ""


@pytest.mark.parametrize("strategy", ["long call", "long straddle"])
@pytest.mark.parametrize("measured", ["value at risk", "expected shortfall"])
@pytest.mark.repeated
def test_the_95_percent_interval_holds_the_truth_in_95_of_100_cases(strategy, measured):
    positions = STRATEGIES[strategy]
    terms = [position["option"] for position in positions]
    book = Book(
        quantities=np.array([float(position["quantity"]) for position in positions]),
        prices=np.full(len(positions), 100.0),
        options=Option(
            np.array([t["right"] == "call" for t in terms]),
            np.array([t["strike"] for t in terms]),
            np.full(len(terms), 0.5),
            np.full(len(terms), 0.25),
            np.full(len(terms), 0.03),
        ),
        option_at=np.arange(len(terms)),
        bonds=Bond(np.empty(0), np.empty(0), np.empty(0, dtype=int), np.empty(0)),
        bond_at=np.empty(0, dtype=int),
        yields=np.empty(0),
    )
    joint = over_horizon(np.zeros(1), np.array([0.3]), np.zeros(1), 10)
    factors = Factors(joint, np.zeros(len(terms), dtype=int), np.array([False]), lognormal=True)
    at_risk, shortfall = truth(positions, 10, 0.95, "lognormal")
    held = 0
    for seed in range(1_000):
        gains, rows = repriced_gains(book, factors, seed, Stopwatch())
        measure = value_at_risk.simulate(scenarios.summed(gains), chunk_sizes(2_000, rows), 0.95).measure
        assert measure.confidence_interval and measure.shortfall_interval
        if measured == "value at risk":
            low, high = measure.confidence_interval
            held += low <= at_risk <= high
        else:
            low, high = measure.shortfall_interval
            held += low <= shortfall <= high
    assert 930 <= held <= 970


@pytest.mark.parametrize(
    ("positions", "data", "words"),
    [
        ([option("call", 100.0)], {"method": "parametric"}, "positions[0] is repriced in full"),
        ([SHARE, bond()], {"method": "parametric"}, "positions[1] is repriced in full"),
        ([bond()], {"method": "historical", "returns": [[0.001]] * 30}, "positions[0].bond is not for the historical"),
        ([SHARE], {"reprice_at": "horizon"}, "reprice_at is for options and bonds"),
        ([option("call", 100.0) | {"bond": bond()["bond"]}], {}, "positions[0] has both option and bond"),
        ([bond() | {"volatility": 0.1}], {}, "positions[0].volatility is not for a bond"),
        ([bond() | {"drift": 0.1}], {}, "positions[0].drift is not for a bond"),
        ([SHARE, bond() | {"symbol": "X"}], {}, "positions[1] is in bonds and positions[0] is not"),
        ([bond() | {"symbol": "X"}, option("put", 90.0)], {}, "positions[0] is in bonds and positions[1] is not"),
        ([SHARE, option("call", 100.0, price=5.0)], {}, "positions[1].price is 5 and positions[0].price 100"),
        ([SHARE, option("call", 100.0, volatility=0.2)], {}, "positions[1].volatility is 0.2 and positions[0]"),
        (
            [bond(), bond(yield_volatility=0.01), bond(yield_volatility=0.02)],
            {},
            "positions[2].bond.yield_volatility is 0.02 and positions[1].bond.yield_volatility 0.01",
        ),
        ([bond(yield_volatility=0.01)], {"covariance": [[1e-4]]}, "covariance takes the place of volatilities"),
        ([option("call", 100.0)] * 100, {"simulations": 10_000_000}, "options and bonds are repriced"),
    ],
)
def test_what_cannot_be_repriced_is_refused_with_its_place(positions, data, words):
    assert words in refused(*positions, **data)


def test_a_bonds_price_that_no_yield_gives_is_told_with_its_place():
    with pytest.raises(NotCalculable, match=r"^data\.positions\[1\]\.price: 1e\+06 is the price .* no"):
        ran(SHARE, bond(price=1e6))


def test_options_are_simulated_as_often_as_a_worker_has_time_for():
    asked = {"positions": [option("call", 100.0)] * 10_000}
    allowed = CalculateVarData.model_validate(asked).simulations_allowed
    assert 10_000 < allowed < 100_000
    assert f"at most {allowed:,} here" in refused(*asked["positions"], simulations=100_000)


HISTORY = np.random.default_rng(8).standard_t(5, (400, 2)) * 0.012


@pytest.mark.parametrize("strategy", ["long call", "covered call", "short strangle"])
@pytest.mark.parametrize("scaling", ["square_root", "overlapping"])
def test_a_history_of_the_underlying_reprices_its_options(strategy, scaling):
    positions = STRATEGIES[strategy]
    returns = HISTORY[:, :1].tolist()
    held = {"method": "historical", "confidence_level": 0.9, "time_horizon": 5, "horizon_scaling": scaling}
    result = ran(*positions, returns=returns, **held)
    daily = HISTORY[:, 0]
    windows = np.array([np.prod(1 + daily[i : i + 5]) - 1 for i in range(396)])
    moves = np.sqrt(5) * daily if scaling == "square_root" else windows
    losses = np.sort(-sum(gain(position, 100 * (1 + moves)) for position in positions))
    assert result["var_amount"] == pytest.approx(losses[int(np.ceil(0.9 * len(losses) - 1e-9)) - 1])
    assert sum(line["contribution"] for line in result["contributions"]) == pytest.approx(result["var_amount"])
    stated = result["confidence_interval"] is not None
    assert stated == (scaling == "square_root")
    assert stated or any("No error can be stated of options" in note for note in result["notes"])
    assert "repriced in full" in result["assumptions"]["options"]
    columns = [[row[0]] * len(positions) for row in returns]
    assert ran(*positions, returns=columns, **held)["var_amount"] == result["var_amount"]


def test_filtered_returns_reprice_options_without_an_error():
    held = {"method": "historical", "time_horizon": 1, "volatility_filter": "ewma", "returns": HISTORY[:, :1].tolist()}
    shares, result = ran(SHARE, **held), ran(*STRATEGIES["protective put"], **held)
    assert result["volatilities"] == shares["volatilities"]
    assert 0 < result["var_amount"] < shares["var_amount"]
    assert result["confidence_interval"] is None
    assert any("filtered returns" in note for note in result["notes"])


def test_a_share_beside_an_option_has_its_own_column():
    other = {"symbol": "Y", "quantity": 10, "price": 50.0}
    positions = [other, option("put", 95.0), SHARE]
    result = ran(*positions, method="historical", returns=HISTORY.tolist(), time_horizon=1)
    spot = 100 * (1 + HISTORY[:, 1])
    losses = -(500.0 * HISTORY[:, 0] + gain(positions[1], spot) + gain(SHARE, spot))
    assert result["var_amount"] == pytest.approx(np.sort(losses)[379])


def test_a_history_prices_no_option_that_expired_on_the_way():
    words = refused(
        option("call", 100.0, maturity=0.01),
        method="historical",
        returns=HISTORY[:, :1].tolist(),
        reprice_at="horizon",
    )
    assert "positions[0].option expires within the horizon" in words
