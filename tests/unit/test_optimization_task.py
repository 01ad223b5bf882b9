"""`portfolio_optimization` as a task: what is refused, what is null, and what notes say."""

import json

import numpy as np
import pytest

import risk  # noqa: F401 – declares the tasks
from risk.errors import NotCalculable
from throughline.testing import run_task


def assets(returns, volatilities=None):
    found = [{"symbol": f"A{i}", "expected_return": value} for i, value in enumerate(returns)]
    return [asset | ({"volatility": volatilities[i]} if volatilities else {}) for i, asset in enumerate(found)]


def result(**data):
    found = run_task("portfolio_optimization", data).result
    json.dumps(found, allow_nan=False)
    return found


THREE = assets([0.08, 0.12, 0.15], [0.10, 0.18, 0.25])
HEDGED = assets([0.1, 0.05], [0.2, 0.2])
OPPOSITE = [[1, -1], [-1, 1]]


def test_a_least_weight_below_zero_that_long_only_overrules_is_told():
    data = {"assets": assets([0.08, 0.03], [0.1, 0.3]), "correlations": [1, 0.8, 1], "min_weight": -0.5}
    found = result(**data)
    assert found["weights"]["A1"] == 0
    assert "min_weight -0.5 changes nothing: long_only: false allows short sales" in found["notes"][0]
    short = result(**data, long_only=False)
    assert short["weights"]["A1"] < 0
    assert short["notes"] == []


def test_assets_of_one_symbol_are_refused_with_their_places():
    twice = [{"symbol": symbol, "expected_return": 0.1, "volatility": 0.1} for symbol in "XYX"]
    with pytest.raises(Exception, match=r"assets\[2\]\.symbol is 'X' like assets\[0\]\.symbol"):
        result(assets=twice)


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"min_weight": 0.5, "max_weight": 0.4}, "min_weight 0.5 is above max_weight 0.4"),
        ({"groups": {"a": {"min": 0.5, "max": 0.4}}}, "groups.a.min 0.5 is above its max 0.4"),
        ({"groups": {"b": {"min": 0.5}}}, "groups.b: no asset is in this group"),
    ],
)
def test_limits_that_contradict_each_other_are_refused(limits, words):
    with pytest.raises(Exception, match=words):
        result(assets=[THREE[0] | {"group": "a"}, THREE[1]], **limits)


def test_hourly_volatilities_give_the_weights_of_a_year():
    """0.569, 0.080 and 0.351 of volatilities that are 100,000 times smaller."""
    yearly = [0.15, 0.40, 0.191]
    for scale in (1.0, 1e-5):
        found = result(assets=assets([0.08, 0.12, 0.10], [scale * each for each in yearly]))
        assert list(found["weights"].values()) == pytest.approx([0.569, 0.080, 0.351], abs=5e-4)
        assert found["status"] == "optimal"
        assert found["notes"] == []


def test_a_perfect_hedge_has_no_volatility_no_ratio_and_a_note():
    for objective in ("minimum_variance", "max_sharpe"):
        found = result(
            assets=HEDGED, correlations=OPPOSITE, objective=objective, risk_free_rate=0.02, frontier_points=3
        )
        assert found["volatility"] == 0.0
        assert found["sharpe_ratio"] is None
        assert found["frontier"][0]["sharpe_ratio"] is None
        assert found["frontier"][2]["sharpe_ratio"] == pytest.approx(0.4)
        assert found["status"] == "optimal"
        assert [note for note in found["notes"] if "Sharpe ratio is null" in note]


def test_weights_that_are_one_choice_of_many_come_with_a_note():
    found = result(assets=assets([0.1, 0.1], [0.2, 0.2]), correlations=[[1, 1], [1, 1]])
    assert [note for note in found["notes"] if "these are one choice" in note]
    assert sum(found["weights"].values()) == pytest.approx(1)


def test_the_tangency_portfolio_with_short_sales():
    asked = {"assets": THREE, "correlations": [[1, 0.3, 0.1], [0.3, 1, 0.4], [0.1, 0.4, 1]], "long_only": False}
    deviations = np.array([0.10, 0.18, 0.25])
    covariance = np.array(asked["correlations"]) * np.outer(deviations, deviations)
    expected = np.linalg.solve(covariance, [0.0, 0.04, 0.07])
    found = result(**asked, objective="max_sharpe", risk_free_rate=0.08)
    assert list(found["weights"].values()) == pytest.approx(list(expected / expected.sum()))
    with pytest.raises(NotCalculable, match=r"risk_free_rate 0\.09 is not below 0\.0895477"):
        result(**asked, objective="max_sharpe", risk_free_rate=0.09)


def test_a_frontier_without_an_end_says_where_it_ends():
    found = result(assets=THREE, long_only=False, frontier_points=4)
    assert [note for note in found["notes"] if "the frontier has no end" in note]
    assert found["frontier"][-1]["expected_return"] == pytest.approx(found["expected_return"] + 0.07)


@pytest.mark.parametrize(
    ("returns", "volatilities"),
    [
        ([0.08, 0.12], [5e-324, 5e-324]),
        ([0.08, 0.12, 0.1], [5e-324, 10.0, 0.2]),
        ([0.08, 0.12], [1e-300, 2e-300]),
        ([-10.0, 10.0, 0.15], [10.0, 10.0, 1e-3]),
        ([1e-300, 2e-300], [0.1, 0.2]),
        ([0.1], [0.2]),
    ],
)
def test_extreme_assets_give_weights_that_add_up_or_say_that_they_are_not_sure(returns, volatilities):
    for objective in (
        {},
        {"objective": "max_sharpe"},
        {"objective": "target_return", "target_return": 0.9 * max(returns)},
    ):
        found = result(assets=assets(returns, volatilities), **objective, frontier_points=5)
        for each in (found, *found["frontier"]):
            assert sum(each["weights"].values()) == pytest.approx(1, abs=1e-6)
            assert min(each["weights"].values()) >= 0
        assert (found["status"] == "optimal") == (not [n for n in found["notes"] if "not proved to be the best" in n])


def test_a_covariance_of_any_unit_gives_the_same_weights():
    expected = result(assets=assets([0.08, 0.1]), covariance=[[0.04, 0.01], [0.01, 0.09]])["weights"]
    for scale in (1e-150, 1e10):
        scaled = [[0.04 * scale, 0.01 * scale], [0.01 * scale, 0.09 * scale]]
        assert result(assets=assets([0.08, 0.1]), covariance=scaled)["weights"] == pytest.approx(expected)


def test_500_assets_are_taken():
    found = result(assets=assets([0.05 + 0.0001 * i for i in range(500)], [0.1 + 0.0005 * i for i in range(500)]))
    variances = [(0.1 + 0.0005 * i) ** -2 for i in range(500)]
    assert found["weights"]["A499"] == pytest.approx(variances[499] / sum(variances))
