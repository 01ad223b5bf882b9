"""Positions of one symbol are one risk, however they are split into lots."""

import numpy as np
import pytest

import risk  # noqa: F401 – declares the tasks
from throughline import InvalidTaskData
from throughline.testing import run_task

X = {"symbol": "X", "quantity": 100, "price": 150.0}
Y = {"symbol": "Y", "quantity": 50, "price": 80.0, "volatility": 0.3}
RETURNS = np.random.default_rng(4).normal(0, 0.01, (60, 2)).tolist()
METHODS = [
    {"method": "monte_carlo", "simulations": 2_000},
    {"method": "monte_carlo", "simulations": 2_000, "distribution": "lognormal"},
    {"method": "parametric"},
    {"method": "historical"},
]


def ran(*positions, **data):
    return run_task("calculate_var", {"positions": list(positions)} | data).result


def refused(*positions, **data):
    with pytest.raises(InvalidTaskData) as raised:
        ran(*positions, **data)
    return str(raised.value)


def figures(result):
    return {key: result[key] for key in ("var_amount", "expected_shortfall", "confidence_interval", "portfolio_value")}


def by_positions(method, columns):
    return {"returns": [[row[c] for c in columns] for row in RETURNS]} if method["method"] == "historical" else {}


@pytest.mark.parametrize("method", METHODS)
def test_two_lots_risk_what_one_of_both_risks(method):
    lots = ran(X, Y, X, **method, **by_positions(method, [0, 1, 0]))
    whole = ran(X | {"quantity": 200}, Y, **method, **by_positions(method, [0, 1]))
    assert figures(lots) == figures(whole)
    first, other, second = (part["contribution"] for part in lots["contributions"])
    assert first == second == pytest.approx(whole["contributions"][0]["contribution"] / 2)
    assert other == whole["contributions"][1]["contribution"]
    assert "lots" in lots["assumptions"]
    assert "lots" not in whole["assumptions"]


@pytest.mark.parametrize("method", METHODS)
def test_a_lot_sold_short_cancels_one_that_is_held(method):
    result = ran(X, Y, X | {"quantity": -100}, **method, **by_positions(method, [0, 1]))
    alone = ran(X | {"quantity": 1e-9}, Y, seed=result.get("seed", 0), **method, **by_positions(method, [0, 1]))
    assert result["var_amount"] == pytest.approx(alone["var_amount"])
    assert sum(part["contribution"] for part in result["contributions"]) == pytest.approx(result["var_amount"])
    assert result["portfolio_value"] == 4_000


@pytest.mark.parametrize("method", METHODS)
def test_nothing_but_lots_that_cancel_risks_nothing(method):
    result = ran(X, X | {"quantity": -100}, **method, **by_positions(method, [0]))
    assert result["var_amount"] == 0
    assert [part["contribution"] for part in result["contributions"]] == [0, 0]


def test_lots_of_different_prices_are_worth_the_sum_and_share_by_value():
    result = ran(X, X | {"price": 50.0}, method="parametric")
    assert result["var_amount"] == pytest.approx(ran(X | {"price": 200.0}, method="parametric")["var_amount"])
    first, second = (part["contribution"] for part in result["contributions"])
    assert first == pytest.approx(3 * second)


def test_what_one_lot_says_of_its_symbol_holds_for_the_others():
    said = ran(X | {"volatility": 0.4, "drift": 0.05}, X, method="parametric")
    assert (
        said["var_amount"]
        == ran(X | {"quantity": 200, "volatility": 0.4, "drift": 0.05}, method="parametric")["var_amount"]
    )
    assert not {"volatility", "drift"} & said["assumptions"].keys()


@pytest.mark.parametrize("method", METHODS[:3])
def test_a_matrix_may_have_a_row_for_each_position_or_for_each_symbol(method):
    symbols, positions = [[1, 0.3], [0.3, 1]], [[1, 0.3, 1], [0.3, 1, 0.3], [1, 0.3, 1]]
    assert figures(ran(X, Y, X, correlations=symbols, **method)) == figures(
        ran(X, Y, X, correlations=positions, **method)
    )
    z = {"symbol": "Z", "quantity": 50, "price": 80.0}
    symbols, positions = [[4, 1], [1, 9]], [[4, 1, 4], [1, 9, 1], [4, 1, 4]]
    assert figures(ran(X, z, X, covariance=symbols, **method)) == figures(ran(X, z, X, covariance=positions, **method))


@pytest.mark.parametrize(
    ("lot", "data", "words"),
    [
        ({"volatility": 0.3}, {}, r"positions[2].volatility is 0.3 and positions[0].volatility 0.2"),
        ({"drift": 0.3}, {}, r"positions[2].drift is 0.3 and positions[0].drift 0.1"),
        (
            {},
            {"correlations": [[1, 0, 0.5], [0, 1, 0], [0.5, 0, 1]]},
            "correlations[0][2] is 0.5, but positions 0 and 2",
        ),
        ({}, {"correlations": [[1, 0, 1], [0, 1, 0.5], [1, 0.5, 1]]}, "correlations[0] and correlations[2] differ"),
        (
            {},
            {"method": "historical", "returns": [[0.01, 0.02, 0.03]] * 20},
            "returns[0][0] and returns[0][2] differ, but positions 0 and 2",
        ),
    ],
)
def test_lots_that_contradict_each_other_are_refused_with_their_indices(lot, data, words):
    assert words in refused(X | {"volatility": 0.2, "drift": 0.1}, Y, X | lot, **data)


def test_a_covariance_that_tells_lots_apart_is_refused():
    assert "covariance[0][1] is 0.02, but positions 0 and 1" in refused(X, X, covariance=[[0.04, 0.02], [0.02, 0.04]])
    assert "covariance[0] and covariance[1] differ" in refused(X, X, covariance=[[0.04, 0.04], [0.04, 0.09]])


def test_ten_thousand_lots_need_no_matrix_larger_than_their_symbols():
    lots = [X | {"quantity": 0.01}, Y | {"quantity": 0.01}] * 5_000
    matrix = {"correlations": [[1, 0.3], [0.3, 1]], "method": "parametric"}
    whole = ran(X | {"quantity": 50}, Y | {"quantity": 50}, **matrix)
    assert ran(*lots, **matrix)["var_amount"] == pytest.approx(whole["var_amount"])
