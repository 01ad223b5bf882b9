"""The distribution that a picture of a value at risk is drawn from says the same as the figures beside it."""

import json
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import risk  # noqa: F401 - declares the tasks
from monitor.page.charts.view import chart_views
from risk.quant import loss_distribution
from risk.quant.loss_measure import LossMeasure, measure_losses
from throughline.tasks.declaration import declared
from throughline.testing import run_task

POSITIONS = [
    {"symbol": f"S{i}", "quantity": 100 if i % 3 else -80, "price": 100.0 + i, "volatility": 0.1 + 0.05 * i}
    for i in range(6)
]
LONG = [position | {"quantity": 100} for position in POSITIONS]
DAYS = (np.random.default_rng(3).standard_t(4, (500, 6)) * 0.01).tolist()
LOTS = [{"symbol": "A", "quantity": 70, "price": 10.0}, {"symbol": "A", "quantity": 30, "price": 10.0}]
CALL = {"right": "call", "strike": 105.0, "maturity": 0.5, "volatility": 0.2}
OPTIONS = [
    {"symbol": "A", "quantity": -10, "price": 100.0, "option": CALL},
    {"symbol": "A", "quantity": 5, "price": 100.0},
]
KINDS: dict[str, dict[str, Any]] = {
    "normal": {"positions": POSITIONS},
    "one lot": {"positions": [{"symbol": "A", "quantity": 100, "price": 10.0}]},
    "two lots of it": {"positions": LOTS},
    "few simulations": {"positions": POSITIONS, "simulations": 1_000},
    "a thin tail, weighted": {"positions": POSITIONS, "simulations": 20_000, "confidence_level": 0.999},
    "heavy tails": {"positions": POSITIONS, "distribution": "student_t", "degrees_of_freedom": 2.2},
    "heavy tails, far out": {"positions": LONG, "distribution": "student_t", "confidence_level": 0.9999},
    "lognormal": {"positions": POSITIONS, "distribution": "lognormal"},
    "lognormal, weighted": {"positions": LONG, "distribution": "lognormal", "confidence_level": 0.999},
    "ended early": {"positions": POSITIONS, "precision": {"relative": 0.02}, "simulations": 500_000},
    "below the median": {"positions": POSITIONS, "confidence_level": 0.3},
    "closed form": {"positions": POSITIONS, "method": "parametric"},
    "closed form, heavy tails": {"positions": POSITIONS, "method": "parametric", "distribution": "student_t"},
    "observed": {"positions": POSITIONS, "method": "historical", "returns": DAYS},
    "observed, overlapping": {
        "positions": POSITIONS, "method": "historical", "returns": DAYS, "horizon_scaling": "overlapping",
    },
    "options": {"positions": OPTIONS, "simulations": 20_000},
}  # fmt: skip


@pytest.mark.parametrize("kind", list(KINDS))
def test_the_share_beyond_the_value_at_risk_is_what_the_confidence_level_leaves(kind: str):
    result = run_task("calculate_var", KINDS[kind]).result
    told = result["loss_distribution"]
    edges, shares = told["edges"], told["shares"]
    assert len(edges) == len(shares) + 1 <= 52
    assert all(low < high for low, high in pairwise(edges))
    assert edges[0] <= result["var_amount"] <= edges[-1]
    assert sum(shares) + told["below"] + told["above"] == pytest.approx(1, abs=1e-4)

    beyond = told["above"] + sum(
        share for low, share in zip(edges[:-1], shares, strict=True) if low >= result["var_amount"]
    )
    (around,) = (
        share for (low, high), share in zip(pairwise(edges), shares, strict=True) if low <= result["var_amount"] < high
    )
    assert beyond - 1e-4 <= 1 - result["confidence_level"] <= beyond + around + 2 / 1_000

    (picture, *_) = chart_views(declared["calculate_var"].charts, result)
    assert (picture.why, len(picture.rows)) == ("", len(shares))
    assert len(json.dumps(told)) < 1_300


def test_two_lots_of_one_symbol_lose_as_one_lot_does():
    one, two = (run_task("calculate_var", KINDS[kind] | {"seed": 7}).result for kind in ("one lot", "two lots of it"))
    assert one["loss_distribution"] == two["loss_distribution"]


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e12])
def test_a_sample_is_counted_as_numpy_counts_it(scale: float):
    losses = np.random.default_rng(5).standard_normal(30_000) * scale + 100 * scale
    kept = losses.copy()
    found = loss_distribution.of_losses(losses, measure_losses(losses.copy(), 0.95))
    assert found is not None
    counts, _ = np.histogram(losses, found.edges)
    np.testing.assert_allclose(found.shares, counts / len(losses), atol=2e-4)
    assert found.below == pytest.approx((losses < found.edges[0]).mean(), abs=1e-4)
    np.testing.assert_array_equal(losses, kept)


def test_weighted_losses_count_by_their_weight():
    """Half of them are drawn around the tail, as importance sampling does."""
    random = np.random.default_rng(5)
    losses = random.standard_normal(200_000) + 2.0
    weights = np.exp(-2 * (losses - 2) - 2)
    measure = LossMeasure(2.3263, 2.6652, None, None, None)
    found = loss_distribution.of_losses(losses, measure, weights)
    assert found is not None
    beyond = found.above + sum(share for low, share in zip(found.edges, found.shares, strict=False) if low >= 2.3263)
    assert beyond == pytest.approx(0.01, abs=0.004)
    assert found.below == pytest.approx(1 - sum(found.shares) - found.above)
    assert found.below > 0.3  # what was hardly drawn is not drawn as bins


def test_losses_that_are_all_the_same_have_no_picture():
    same = np.full(1_000, 5.0)
    assert loss_distribution.of_losses(same, measure_losses(same.copy(), 0.95)) is None
    hedged = [{"symbol": "A", "quantity": 100, "price": 10.0}, {"symbol": "A", "quantity": -100, "price": 10.0}]
    for method in ("monte_carlo", "parametric"):
        result = run_task("calculate_var", {"positions": hedged, "method": method}).result
        assert result["loss_distribution"] is None
        assert [each.title for each in chart_views(declared["calculate_var"].charts, result)][:1] != [
            "Losses over the horizon"
        ]


def test_a_backtest_tells_each_day_of_a_year_and_of_more_the_worst_of_each_run():
    random = np.random.default_rng(2)
    for days, points in ((20, 20), (250, 250), (10_007, 250)):
        gains, stated = random.standard_normal(days), np.full(days, 1.6)
        data = {"profit_and_loss": gains.tolist(), "value_at_risk": stated.tolist(), "confidence_level": 0.95}
        result = run_task("backtest_var", data).result
        told = result["series"]
        assert len(told["indices"]) == points and told["indices"] == sorted(set(told["indices"]))
        assert told["losses"] == (-gains[told["indices"]]).tolist()
        assert set(told["exceptions"]["indices"]) <= set(result["exception_indices"])
        assert max(told["losses"]) == -gains.min()
        if days <= 250:
            assert told["exceptions"]["indices"] == result["exception_indices"]
        (view,) = chart_views(declared["backtest_var"].charts, result)
        assert view.why == ""


@pytest.mark.parametrize("task_type", ["backtest_var", "calculate_var", "portfolio_optimization", "stress_test"])
def test_each_example_s_result_is_drawn(task_type: str):
    example = declared[task_type].example
    more = {"frontier_points": 10} if task_type == "portfolio_optimization" else {}
    views = chart_views(declared[task_type].charts, run_task(task_type, example | more).result)
    assert views and all(view.why == "" for view in views)
    titles = [view.title for view in views]
    assert ("Efficient frontier" in titles) == bool(more)


def test_the_frontier_comes_with_each_asset_by_itself():
    example = declared["portfolio_optimization"].example
    result = run_task("portfolio_optimization", example | {"frontier_points": 5}).result
    assert [each["symbol"] for each in result["assets"]] == list(result["weights"])
    assert result["assets"][0]["volatility"] == pytest.approx(example["assets"][0]["volatility"])
    assert "assets" not in run_task("portfolio_optimization", example).result
