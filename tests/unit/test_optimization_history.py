"""Optimization from a history of returns, minimum CVaR and risk parity, as tasks."""

import json

import numpy as np
import pytest

import risk  # noqa: F401 – declares the tasks
from risk.errors import NotCalculable
from risk.quant.estimated_covariance import ledoit_wolf
from throughline.testing import run_task

DAYS = np.random.default_rng(5).multivariate_normal(
    [0.0004, 0.0002, 0.0006], 1e-4 * np.array([[1.0, 0.2, 0.5], [0.2, 0.3, 0.1], [0.5, 0.1, 2.0]]), size=300
)
NAMES = ["A", "B", "C"]
UNNAMED = [{"symbol": name} for name in NAMES]


def result(**data):
    found = run_task("portfolio_optimization", {"assets": UNNAMED, "returns": DAYS.tolist()} | data).result
    json.dumps(found, allow_nan=False)
    return found


def sent(covariance, **data):
    """The same task with the estimate sent in place of the returns."""
    means = DAYS.mean(axis=0) * 252
    assets = [{"symbol": name, "expected_return": mean} for name, mean in zip(NAMES, means.tolist(), strict=True)]
    asked = {"assets": assets, "covariance": (covariance * 252).tolist()} | data
    return run_task("portfolio_optimization", asked).result


@pytest.mark.parametrize("objective", ["minimum_variance", "max_sharpe", "risk_parity"])
@pytest.mark.parametrize(
    ("estimator", "covariance"), [("ledoit_wolf", ledoit_wolf(DAYS)[0]), ("sample", np.cov(DAYS.T))]
)
def test_returns_give_what_their_estimate_would(objective, estimator, covariance):
    found = result(objective=objective, covariance_estimator=estimator)
    expected = sent(covariance, objective=objective)
    assert found["weights"] == pytest.approx(expected["weights"], rel=1e-6)
    for name in ("expected_return", "volatility", "sharpe_ratio"):
        assert found[name] == pytest.approx(expected[name], rel=1e-6)


def test_the_result_tells_the_shrinkage_and_what_was_assumed():
    found = result()
    assert found["shrinkage"] == pytest.approx(ledoit_wolf(DAYS)[1])
    assert found["periods"] == 300
    assert found["assumptions"]["covariance_estimator"] == "ledoit_wolf"
    assert found["assumptions"]["periods_a_year"] == 252
    assert found["assumptions"]["expected_return"] == "the mean of the returns, for a year"
    assert "shrinkage" not in result(covariance_estimator="sample")


def test_expected_returns_of_the_client_s_own_take_the_place_of_means():
    assets = [{"symbol": name, "expected_return": own} for name, own in zip(NAMES, [0.05, 0.02, 0.09], strict=True)]
    found = result(assets=assets, objective="max_sharpe")
    assert found["expected_return"] == pytest.approx(
        sum(found["weights"][asset["symbol"]] * asset["expected_return"] for asset in assets)
    )
    assert "expected_return" not in found["assumptions"]
    assert found["notes"] == []


def test_weights_that_rest_on_means_come_with_their_standard_error():
    error = float(DAYS[:, 2].std(ddof=1)) / 300**0.5 * 252
    for asked in ({"objective": "max_sharpe"}, {"frontier_points": 3}):
        notes = [note for note in result(**asked)["notes"] if "means of 300 periods" in note]
        assert f"standard errors are up to {error:.3g} a year" in notes[0]
    assert result()["notes"] == []


def test_minimum_cvar_tells_the_cvar_of_a_period():
    found = result(objective="minimum_cvar")
    losses = np.sort(-DAYS @ np.array(list(found["weights"].values())))[::-1]
    assert found["cvar"] == pytest.approx(losses[:15].mean())
    assert found["confidence_level"] == found["assumptions"]["confidence_level"] == 0.95
    assert "fitted to" in found["notes"][0]
    assert result(objective="minimum_variance").keys() & {"cvar", "confidence_level"} == set()


def test_minimum_cvar_keeps_to_limits_and_to_a_return_that_is_sought():
    grouped = [asset | {"group": "quiet" if asset["symbol"] == "B" else "other"} for asset in UNNAMED]
    found = result(assets=grouped, objective="minimum_cvar", max_weight=0.6, groups={"quiet": {"max": 0.5}})
    assert found["weights"]["B"] == pytest.approx(0.5)
    assert max(found["weights"].values()) <= 0.6
    best = float(DAYS.mean(axis=0).max()) * 252
    assert result(objective="minimum_cvar", target_return=0.9 * best)["expected_return"] >= 0.9 * best - 1e-9


def test_risk_parity_tells_the_contributions_and_takes_budgets():
    assert result(objective="risk_parity")["risk_contributions"] == pytest.approx(dict.fromkeys(NAMES, 1 / 3))
    budgets = [asset | {"risk_budget": budget} for asset, budget in zip(UNNAMED, [50, 20, 30], strict=True)]
    found = result(assets=budgets, objective="risk_parity")
    assert found["risk_contributions"] == pytest.approx({"A": 0.5, "B": 0.2, "C": 0.3})
    assert "risk_budget" not in found["assumptions"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"covariance": np.eye(3).tolist()}, "returns take the place of volatilities, correlations and covariance"),
        ({"returns": (100 * DAYS).tolist()}, r"returns\[\*\]\[0\] \(A\): .* percentages"),
        ({"returns": (100 * np.cumprod(1 + DAYS, axis=0)).tolist()}, r"returns\[\*\]\[0\] \(A\): .* prices"),
        ({"returns": DAYS[:, :2].tolist()}, r"returns\[0\] must hold 3 returns, one for each asset; it holds 2"),
        (
            {"objective": "minimum_cvar", "confidence_level": 0.999},
            "at least 1,000 periods for .* 0.999.* there are 300",
        ),
        ({"confidence_level": 0.9}, "confidence_level is for the objective minimum_cvar, not for minimum_variance"),
        ({"objective": "risk_parity", "max_weight": 0.5}, "max_weight is not for risk_parity"),
        ({"objective": "risk_parity", "long_only": False}, "long_only: false is not for risk_parity"),
        ({"objective": "max_sharpe", "target_return": 0.1}, "not max_sharpe"),
        ({"assets": [{"symbol": n, "risk_budget": 1} for n in NAMES]}, "is for the objective risk_parity"),
    ],
)
def test_what_does_not_go_together_is_refused(data, words):
    with pytest.raises(Exception, match=words):
        result(**data)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"objective": "minimum_cvar"}, "returns is missing"),
        ({"periods_a_year": 12}, "periods_a_year is for returns, and there are none"),
        (
            {"assets": [{"symbol": "A", "volatility": 0.2}]},
            r"assets\[0\]\.expected_return is missing, and there are no",
        ),
    ],
)
def test_what_only_returns_have_is_refused_without_them(data, words):
    assets = [{"symbol": "A", "expected_return": 0.1, "volatility": 0.2}]
    with pytest.raises(Exception, match=words):
        run_task("portfolio_optimization", {"assets": assets} | data)


def test_an_asset_that_never_changes_has_no_sample_variance():
    still = np.column_stack([DAYS[:, 0], np.zeros(300), DAYS[:, 2]]).tolist()
    with pytest.raises(NotCalculable, match=r"data\.returns\[\*\]\[1\] \(B\) never changes"):
        result(returns=still, covariance_estimator="sample")
    shrunk = result(returns=still)
    assert sum(shrunk["weights"].values()) == pytest.approx(1)
    assert "gives B over 2 times the volatility of the returns" in shrunk["notes"][0]
    with pytest.raises(NotCalculable, match="never changes"):
        result(returns=[[0.01, 0.02, 0.03]] * 20)


def test_a_quiet_asset_that_shrinkage_makes_loud_is_told_and_the_sample_leaves_it_alone():
    quiet = (DAYS * [1e-4, 1, 1]).tolist()
    assert "gives A over 2 times the volatility" in result(returns=quiet)["notes"][0]
    assert result(returns=quiet, covariance_estimator="sample")["notes"] == []


def test_the_nearest_correlations_are_taken_on_request():
    three = [{"symbol": name, "expected_return": 0.1, "volatility": 0.2} for name in NAMES]
    data = {"assets": three, "correlations": [1, 0.9, 1, -0.9, 0.9, 1]}
    with pytest.raises(NotCalculable, match="nearest_correlations: true"):
        run_task("portfolio_optimization", data)
    found = run_task("portfolio_optimization", data | {"nearest_correlations": True}).result
    assert found["correlations_distance"] == pytest.approx(0.4 * 6**0.5)
    assert "nearest correlation matrix" in found["assumptions"]["correlations"]
    assert "Frobenius distance of 0.98" in found["notes"][0]
