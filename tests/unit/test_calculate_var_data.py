"""The data of a calculate_var task: what is valid, and how a mistake in it is reported."""

import pytest
from pydantic import ValidationError

from risk.calculate_var.model import EXAMPLE, CalculateVarData
from throughline import PermanentError
from throughline.testing import run_task

POSITION = {"symbol": "AAPL", "quantity": 100, "price": 150.0}
OPTION = {"right": "put", "strike": 100.0, "maturity": 1.0, "volatility": 0.2}
BOND = {"coupon": 0.03, "maturity": 9.0}
HISTORY = {"method": "historical", "returns": [[0.01], [-0.01]] * 10}


def many(count):
    return [POSITION | {"symbol": f"S{i}"} for i in range(count)]


def with_positions(*positions, **rest):
    return {"portfolio_data": {"positions": list(positions)}} | rest


def test_the_example_is_valid_and_defaults_count_as_not_given():
    data = CalculateVarData.model_validate(EXAMPLE)
    assert (data.confidence_level, data.time_horizon, data.simulations) == (0.95, 10, 100_000)
    assert data.model_fields_set == {"portfolio_data"}


def test_positions_are_accepted_at_the_top_of_the_data():
    data = CalculateVarData.model_validate({"positions": [POSITION], "time_horizon": 1})
    assert data.portfolio_data.positions[0].symbol == "AAPL"
    assert data.time_horizon == 1


@pytest.mark.parametrize(
    ("data", "where"),
    [
        ({}, "portfolio_data"),
        ([], ""),
        ({"portfolio_data": []}, "portfolio_data"),
        (with_positions(), "portfolio_data.positions"),
        (with_positions(POSITION | {"price": "150"}), "portfolio_data.positions.0.price"),
        (with_positions(POSITION, POSITION | {"price": 0}), "portfolio_data.positions.1.price"),
        (with_positions(POSITION | {"price": float("nan")}), "portfolio_data.positions.0.price"),
        (with_positions(POSITION | {"quantity": float("inf")}), "portfolio_data.positions.0.quantity"),
        (with_positions(POSITION | {"quantity": True}), "portfolio_data.positions.0.quantity"),
        (with_positions(POSITION | {"volatilty": 0.3}), "portfolio_data.positions.0.volatilty"),
        (with_positions(POSITION | {"volatility": 0}), "portfolio_data.positions.0.volatility"),
        (with_positions(POSITION, confidence_level=1), "confidence_level"),
        (with_positions(POSITION, confidence_level=0), "confidence_level"),
        (with_positions(POSITION, time_horizon=0), "time_horizon"),
        (with_positions(POSITION, time_horizon=1.5), "time_horizon"),
        (with_positions(POSITION, simulations=10), "simulations"),
        (with_positions(*[POSITION] * 10_001), "portfolio_data.positions"),
        ({"portfolio_data": {"positions": [POSITION], "correlations": [[2.0]]}}, "portfolio_data.correlations"),
    ],
)
def test_a_mistake_is_reported_with_its_path(data, where):
    with pytest.raises(ValidationError) as raised:
        CalculateVarData.model_validate(data)
    assert ".".join(map(str, raised.value.errors()[0]["loc"])) == where


@pytest.mark.parametrize(
    ("correlations", "words"),
    [
        ([[1.0]], "must be 2 × 2"),
        ([[1.0, 0.2], [0.2]], "must be 2 × 2"),
        ([[1.0, 0.2], [0.3, 1.0]], "symmetric: row 1, column 0 holds 0.3, and row 0, column 1 holds 0.2"),
        ([[1.0, 0.2], [0.2, 0.9]], r"correlations\[1\]\[1\] must be 1"),
    ],
)
def test_a_matrix_that_does_not_fit_says_why(correlations, words):
    portfolio = {"positions": many(2), "correlations": correlations}
    with pytest.raises(ValidationError, match=words):
        CalculateVarData.model_validate({"portfolio_data": portfolio})


def test_more_draws_than_a_worker_has_time_for_are_refused_with_what_would_fit():
    with pytest.raises(ValidationError, match="simulations can be at most 100,000 here"):
        CalculateVarData.model_validate(with_positions(*many(10_000), simulations=200_000, distribution="lognormal"))


@pytest.mark.parametrize(
    ("rest", "words"),
    [
        ({"method": "historical"}, r"Value error, returns is missing"),
        ({"method": "parametric", "simulations": 5_000}, "are for the simulation, not for parametric"),
        ({"horizon_scaling": "overlapping"}, "horizon_scaling is for the historical method, not for monte_carlo"),
        ({"returns": [[0.01]] * 20}, "is for the historical method, not for monte_carlo"),
        ({"method": "historical", "returns": [[0.01, 0.02]] * 20}, r"returns\[0\] must hold 1 returns"),
        ({"covariance": [[0.0]]}, r"covariance\[0\]\[0\] must be above 0"),
        ({"covariance": [[0.04]], "correlations": [[1.0]]}, "give one or the other"),
    ],
)
def test_fields_that_contradict_each_other_are_refused(rest, words):
    with pytest.raises(ValidationError, match=words):
        CalculateVarData.model_validate({"positions": [POSITION]} | rest)


@pytest.mark.parametrize(
    ("rest", "words"),
    [
        ({"method": "historical"}, "{}returns is missing"),
        (
            {"method": "parametric", "positions": [POSITION | {"option": OPTION}]},
            r"{}positions\[0\] is repriced in full",
        ),
        ({"positions": [POSITION | {"bond": BOND}], **HISTORY}, r"{}positions\[0\]\.bond is not for the historical"),
    ],
)
def test_what_a_mistake_says_names_fields_where_the_client_put_them(rest, words):
    portfolio = {"positions": [POSITION]} | {name: rest[name] for name in ("positions", "returns") if name in rest}
    options = {name: value for name, value in rest.items() if name not in portfolio}
    for data, at in ((portfolio | options, ""), ({"portfolio_data": portfolio} | options, r"portfolio_data\.")):
        with pytest.raises(ValidationError, match=f"Value error, {words.format(at)}"):
            CalculateVarData.model_validate(data)


@pytest.mark.parametrize(
    ("task_type", "portfolio", "named"),
    [
        ("calculate_var", {"positions": many(3), "correlations": [[1], [0.9, 1], [0.9, -0.9, 1]]}, "correlations"),
        ("calculate_var", {"positions": [POSITION | {"price": 1e6, "bond": BOND}]}, r"positions\[0\]\.price"),
        ("stress_test", {"positions": [POSITION | {"price": 1e6, "bond": BOND}]}, r"positions\[0\]\.price"),
    ],
)
def test_what_cannot_be_calculated_is_named_where_the_client_put_it(task_type, portfolio, named):
    for data, path in (
        (portfolio, rf"data\.{named}"),
        ({"portfolio_data": portfolio}, rf"data\.portfolio_data\.{named}"),
    ):
        with pytest.raises(PermanentError, match=f"^{path}"):
            run_task(task_type, data)


def test_a_matrix_that_would_not_fit_into_a_worker_is_refused_with_what_would():
    with pytest.raises(ValidationError, match="correlations can be at most 500 × 500; there are 501 positions"):
        CalculateVarData.model_validate({"positions": many(501), "correlations": [[1.0]]})
