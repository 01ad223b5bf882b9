"""Correlations and covariances as clients send them: three forms, rounding that is mended, mistakes that are told."""

import json

import numpy as np
import pytest
from pydantic import ValidationError

from risk.calculate_var.model import CalculateVarData
from risk.monte_carlo_pricing.model import MonteCarloPricingData
from risk.portfolio_optimization.model import PortfolioOptimizationData
from risk.quant.covariance import NotPositiveSemidefinite, factor
from throughline.testing import run_task

FULL = [[1.0, 0.3, 0.1], [0.3, 1.0, 0.4], [0.1, 0.4, 1.0]]
TRIANGLE = [[1], [0.3, 1], [0.1, 0.4, 1]]
PACKED = [1, 0.3, 1, 0.1, 0.4, 1]


def value_at_risk(size, **matrix):
    positions = [{"symbol": f"S{i}", "quantity": 1, "price": 100.0} for i in range(size)]
    return CalculateVarData.model_validate({"positions": positions, "method": "parametric"} | matrix)


def optimization(size, **matrix):
    more = {"volatility": 0.2} if "correlations" in matrix else {}
    assets = [{"symbol": f"S{i}", "expected_return": 0.1} | more for i in range(size)]
    return PortfolioOptimizationData.model_validate({"assets": assets} | matrix)


def basket(size, **matrix):
    assets = [{"spot": 100.0, "volatility": 0.2}] * size
    option = {"style": "basket", "right": "call", "strike": 100.0, "maturity": 1.0, "assets": assets}
    return MonteCarloPricingData.model_validate({"option": option | matrix})


@pytest.mark.parametrize("form", [FULL, TRIANGLE, PACKED], ids=["rows", "triangle", "packed"])
def test_every_task_type_takes_a_matrix_in_each_of_its_forms(form):
    assert value_at_risk(3, correlations=form).portfolio_data.correlations == FULL
    assert value_at_risk(3, covariance=form).portfolio_data.covariance == FULL
    assert optimization(3, correlations=form).correlations == FULL
    assert optimization(3, covariance=form).covariance == FULL
    assert basket(3, correlations=form).option.correlations == FULL


def test_the_same_matrix_in_another_form_gives_the_same_result_bit_for_bit():
    def result(form):
        positions = [{"symbol": name, "quantity": 1, "price": 100.0} for name in "ABC"]
        data = {"positions": positions, "correlations": form, "simulations": 1_000}
        return run_task("calculate_var", data).result

    assert result(FULL) == result(TRIANGLE) == result(PACKED)


def test_a_matrix_of_several_lots_has_a_row_for_each_position_or_for_each_symbol_in_every_form():
    lots = [{"symbol": name, "quantity": 1, "price": 100.0} for name in "ABA"]

    def read(form):
        data = {"positions": lots, "correlations": form}
        return CalculateVarData.model_validate(data).portfolio_data.correlations

    assert read([1, 0.3, 1]) == read([[1], [0.3, 1]]) == [[1, 0.3], [0.3, 1]]
    assert read([1, 0.3, 1, 1, 0.3, 1]) == [[1, 0.3, 1], [0.3, 1, 0.3], [1, 0.3, 1]]
    with pytest.raises(ValidationError, match=r"3 × 3, .* each position or 2 × 2, .* each symbol; .* list of 6 or 3;"):
        read([1, 0.3])


def test_the_schema_tells_both_depths_of_a_matrix():
    for model in (CalculateVarData, PortfolioOptimizationData, MonteCarloPricingData):
        told = json.dumps(model.model_json_schema(), ensure_ascii=False)
        assert '{"items": {"anyOf": [{"items": {"type": "number"}, "type": "array"}, {"type": "number"}]}' in told
        assert "packed row by row in one list" in told


@pytest.mark.parametrize("size", [1, 2, 5, 40])
def test_what_numpy_leaves_in_the_last_digits_is_mended(size):
    rng = np.random.default_rng(size)
    for _ in range(200 if size == 5 else 20):
        history = rng.standard_normal((size + 3, size)) @ rng.standard_normal((size, size))
        correlations = np.atleast_2d(np.corrcoef(history, rowvar=False))
        scales = np.diag(10.0 ** rng.uniform(-6, 1, size))
        for sent in (correlations, correlations.astype(np.float32)):
            read = np.array(value_at_risk(size, correlations=sent.tolist()).portfolio_data.correlations)
            assert np.array_equal(read, read.T) and np.all(np.diag(read) == 1) and np.abs(read).max() == 1
            assert np.allclose(read, (sent + sent.T) / 2, rtol=0, atol=1e-6 if sent.dtype == np.float32 else 1e-15)
            factor(read)
        for sent in (scales @ correlations @ scales, (scales @ correlations @ scales).astype(np.float32)):
            read = np.array(optimization(size, covariance=sent.tolist()).covariance)
            assert np.array_equal(read, read.T) and np.array_equal(np.diag(read), np.diag(sent))
            assert np.allclose(read, (sent.astype(float) + sent.T) / 2, rtol=1e-15, atol=0)
            factor(read, "covariance")


def test_two_entries_that_differ_by_rounding_become_their_mean():
    read = value_at_risk(2, covariance=[[4e-8, 1.0000000e-8], [1.0000002e-8, 1e-8]]).portfolio_data.covariance
    assert read[0][1] == read[1][0] == pytest.approx(1.0000001e-8, rel=1e-12, abs=0)


@pytest.mark.parametrize(
    ("matrix", "words"),
    [
        ({"correlations": [[1.0, 0.3], [0.3, 1.0]]}, "must be 3 × 3.* these are 2 rows, and row 0 holds 2"),
        ({"correlations": [[1, 0.3, 0.1], [1, 0.4], [1]]}, "rows of 1, 2, … numbers .* row 1 holds 2"),
        ({"correlations": [1, 0.3, 1, 0.1, 0.4]}, "packed in one list of 6; this is one list of 5"),
        ({"covariance": [0.04] * 9}, "packed in one list of 6; this is one list of 9"),
        ({"correlations": []}, "these are 0 rows"),
        ({"correlations": [[1, 0.3, 0.1], [0.3, 1, 0.4], [0.10001, 0.4, 1]]}, "row 2, column 0 holds 0.10001, and row"),
        ({"correlations": [1, 0.3, 0.99, 0.1, 0.4, 1]}, r"correlations\[1\]\[1\] must be 1, not 0.99"),
        ({"correlations": [1, 0.3, 1, 0.1, -1.01, 1]}, r"correlations\[1\]\[2\] is -1.01, outside of -1 … 1"),
        (
            {"covariance": [1e-8, 0, 1e-8, 0, 1.1e-8, 1e-8]},
            r"covariance\[2\]\[1\] is 1.1e-08, more than .* at most 1e-08",
        ),
        ({"covariance": [[1e-8, 2e-12, 0], [1e-12, 1e-8, 0], [0, 0, 1e-8]]}, "row 1, column 0 holds 1e-12, and row 0"),
        (
            {"covariance": [[1e-8, 0, 0], [0, -1e-8, 0], [0, 0, 1e-8]]},
            r"covariance\[1\]\[1\] must be above 0, not -1e-08",
        ),
    ],
)
def test_a_mistake_in_a_matrix_is_refused_with_where_it_is_and_what_it_holds(matrix, words):
    with pytest.raises(ValidationError, match=words):
        value_at_risk(3, **matrix)


@pytest.mark.parametrize(
    ("sent", "where"),
    [
        ([[1], [0.3, "1"], [0.1, 0.4, 1]], (1, 1)),
        ([[1], [0.3, 1], [0.1, None, 1]], (2, 1)),
        ([1, 0.3, True, 0.1, 0.4, 1], (2,)),
        ([1, 0.3, float("nan"), 0.1, 0.4, 1], (2,)),
        ("FULL", ()),
    ],
)
def test_what_is_no_number_is_told_with_its_place_in_the_form_that_was_sent(sent, where):
    with pytest.raises(ValidationError) as raised:
        value_at_risk(3, correlations=sent)
    assert raised.value.errors()[0]["loc"] == ("portfolio_data", "correlations", *where)


def test_a_wrong_position_beside_a_matrix_is_the_only_thing_told():
    data = {"positions": [{"symbol": "A", "quantity": 1, "price": 0}], "correlations": [[1.0]]}
    with pytest.raises(ValidationError) as raised:
        CalculateVarData.model_validate(data)
    assert [error["loc"][-1] for error in raised.value.errors()] == ["price"]


def test_the_factor_judges_the_correlations_whatever_the_scales_of_the_assets():
    impossible = np.array([[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1]])
    scales = np.diag([1e-5, 1.0, 1e-5])
    with pytest.raises(NotPositiveSemidefinite, match=r"smallest eigenvalue of its correlations is -0\.8"):
        factor(scales @ impossible @ scales, "covariance")
    possible = scales @ np.abs(impossible) @ scales
    assert np.allclose(factor(possible) @ factor(possible).T / possible, 1, rtol=1e-12)


def test_a_factor_has_the_deviations_that_were_sent_where_rounding_made_an_eigenvalue_negative():
    beyond = np.array([[1.0, 1.0000005], [1.0000005, 1.0]])
    assert np.allclose(np.linalg.norm(factor(beyond), axis=1), 1, rtol=1e-15)


def test_a_covariance_of_250_assets_at_full_precision_fits_into_a_body_as_a_packed_triangle():
    history = np.random.default_rng(1).standard_normal((300, 250)) * 0.01
    covariance = np.cov(history, rowvar=False)
    data = {
        "assets": [{"symbol": f"ASSET{i}", "expected_return": 0.1} for i in range(250)],
        "covariance": covariance[np.tril_indices(250)].tolist(),
    }
    assert len(json.dumps({"task_type": "portfolio_optimization", "data": data})) < 1_000_000
    assert PortfolioOptimizationData.model_validate(data).covariance == covariance.tolist()
