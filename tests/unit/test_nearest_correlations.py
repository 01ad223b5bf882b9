"""The nearest correlation matrix, by published examples and by the conditions that only the nearest one meets."""

import numpy as np
import pytest
from pydantic import ValidationError

from risk.calculate_var.model import CalculateVarData
from risk.defaults import seed_from
from risk.errors import NotCalculable
from risk.quant.nearest_correlation import nearest_correlation
from throughline.testing import run_task

IMPOSSIBLE = [[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]]
NEAREST = np.array([[1.0, 0.5, -0.5], [0.5, 1.0, 0.5], [-0.5, 0.5, 1.0]])  # by symmetry; its third eigenvalue is 0


def test_the_example_of_nag_s_g02aa():
    # NAG Library, g02aaf, Example Program Results: to four decimals
    tridiagonal = 2 * np.eye(4) - np.eye(4, k=1) - np.eye(4, k=-1)
    first = [1.0, -0.8084, 0.1916, 0.1068]
    published = [first, [-0.8084, 1, -0.6562, 0.1916], [0.1916, -0.6562, 1, -0.8084], first[::-1]]
    assert np.allclose(nearest_correlation(tridiagonal), published, rtol=0, atol=5e-5)


def test_the_example_of_higham_2002():
    # Higham, "Computing the nearest correlation matrix: a problem from finance", IMA J. Numer. Anal. 22(3), section 1
    found = nearest_correlation(np.array([[1.0, 1, 0], [1, 1, 1], [0, 1, 1]]))
    assert np.allclose(found, [[1, 0.7607, 0.1573], [0.7607, 1, 0.7607], [0.1573, 0.7607, 1]], rtol=0, atol=5e-5)


def asymmetric_uniform(rng, size):
    return rng.uniform(-1, 1, (size, size))


def rounded(rng, size):
    return np.round(np.corrcoef(rng.standard_normal((size // 2 + 1, size)), rowvar=False), 2)


def against_each_other(_, size):
    return -np.ones((size, size))


@pytest.mark.parametrize("made", [asymmetric_uniform, rounded, against_each_other])
@pytest.mark.parametrize("size", [2, 3, 10, 60])
def test_no_other_correlation_matrix_is_nearer(made, size):
    """X is the nearest to A if X = A + diag(y) + Z, Z positive semidefinite and Z X = 0 (Higham 2002, theorem 2.4)."""
    lower = np.tril(made(np.random.default_rng(size), size), -1)
    sent = lower + lower.T + np.eye(size)
    found = nearest_correlation(sent)
    assert np.array_equal(found, found.T) and np.all(np.diag(found) == 1)
    assert np.linalg.eigvalsh(found)[0] > -1e-9
    _, vectors = np.linalg.eigh(found)
    kept = vectors[:, np.linalg.eigvalsh(found) > 1e-7]
    # Z X = 0 on the kept space gives y by least squares, since (X − A − diag(y)) kept = 0 for each row.
    change = (found - sent) @ kept
    shift = np.sum(change * kept, axis=1) / np.sum(kept**2, axis=1)
    rest = found - sent - np.diag(shift)
    assert np.abs(rest @ kept).max() < 1e-6
    assert np.linalg.eigvalsh(rest)[0] > -1e-6


def test_a_matrix_that_is_possible_stays_as_it_was_sent():
    directions = np.random.default_rng(1).standard_normal((10, 20))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    possible = directions @ directions.T
    assert np.allclose(nearest_correlation(possible), possible, rtol=0, atol=1e-13)


def value_at_risk_data(correlations, **more):
    positions = [{"symbol": name, "quantity": 100, "price": 100.0, "volatility": 0.2} for name in "ABC"]
    return {"positions": positions, "correlations": correlations, "method": "parametric"} | more


def value_at_risk(correlations, **more):
    return run_task("calculate_var", value_at_risk_data(correlations, **more)).result


def basket(correlations, **more):
    option = {"style": "basket", "right": "call", "strike": 300.0, "maturity": 1.0, "correlations": correlations}
    assets = [{"spot": 100.0, "volatility": 0.2}] * 3
    return run_task("monte_carlo_pricing", {"option": option | {"assets": assets} | more, "simulations": 1_000}).result


@pytest.mark.parametrize("calculation", [value_at_risk, basket])
def test_an_impossible_matrix_is_refused_with_the_way_out_and_taken_with_its_distance_on_request(calculation):
    with pytest.raises(NotCalculable, match=r"smallest eigenvalue is -0\.8; nearest_correlations: true .* nearest"):
        calculation(IMPOSSIBLE)
    taken = calculation(IMPOSSIBLE, nearest_correlations=True)
    assert taken["correlations_distance"] == pytest.approx(np.linalg.norm(NEAREST - IMPOSSIBLE))
    assert "nearest correlation matrix" in taken["assumptions"]["correlations"]
    assert "at a Frobenius distance of 0.98; the largest change is" in taken["notes"][0]


def test_the_figures_are_those_of_the_nearest_matrix():
    taken = value_at_risk(IMPOSSIBLE, nearest_correlations=True)
    assert taken["var_amount"] == pytest.approx(value_at_risk(NEAREST.tolist())["var_amount"])


@pytest.mark.parametrize("calculation", [value_at_risk, basket])
def test_a_possible_matrix_is_at_distance_0_and_nothing_is_noted(calculation):
    taken = calculation(NEAREST.tolist(), nearest_correlations=True)
    assert taken["correlations_distance"] == 0.0
    assert taken["notes"] == calculation(NEAREST.tolist())["notes"]


def test_scenarios_are_drawn_from_the_seed_of_what_was_sent():
    simulated = {"method": "monte_carlo", "simulations": 1_000, "nearest_correlations": True}
    drawn = value_at_risk(IMPOSSIBLE, **simulated)
    assert drawn == value_at_risk(IMPOSSIBLE, **simulated)
    assert drawn["seed"] == seed_from(CalculateVarData.model_validate(value_at_risk_data(IMPOSSIBLE, **simulated)))
    assert drawn["assumptions"]["seed"] == "derived from the data"


def test_nearest_correlations_without_correlations_is_refused():
    with pytest.raises(ValidationError, match="goes with correlations, and there are none"):
        CalculateVarData.model_validate(
            {"positions": [{"symbol": "A", "quantity": 1, "price": 1.0}], "nearest_correlations": True}
        )
