"""A value at risk is tested against what was really gained; figures are those that others have published."""

import numpy as np
import pytest
from pydantic import ValidationError

import risk  # noqa: F401 – declares the tasks
from risk.backtest_var.model import EXAMPLE, BacktestVarData
from risk.quant.backtest import (
    Transitions,
    conditional_coverage,
    independence,
    proportion_of_failures,
    traffic_light,
    transitions,
)
from throughline.testing import run_task

# Basel Committee, Supervisory framework for the use of "backtesting" (January 1996), table 2: exceptions in 250 days
# at 99 %, zone, increase of the multiplier, cumulative probability in per cent.
BASEL = [
    (0, "green", 0.0, 8.11),
    (1, "green", 0.0, 28.58),
    (2, "green", 0.0, 54.32),
    (3, "green", 0.0, 75.81),
    (4, "green", 0.0, 89.22),
    (5, "yellow", 0.40, 95.88),
    (6, "yellow", 0.50, 98.63),
    (7, "yellow", 0.65, 99.60),
    (8, "yellow", 0.75, 99.89),
    (9, "yellow", 0.85, 99.97),
    (10, "red", 1.00, 99.99),
    (17, "red", 1.00, 100.0),
]

# Kupiec (1995) as in Jorion, Value at Risk, table 6.2: (1 − confidence, days) → the numbers of exceptions below and
# above which a test at 5 % rejects. His table has no lower one for 255 days at 99 %: with no exception at all the ratio
# is 5.13, which rejects.
KUPIEC = {
    (0.01, 255): (0, 7),
    (0.01, 510): (1, 11),
    (0.01, 1_000): (4, 17),
    (0.025, 255): (2, 12),
    (0.025, 510): (6, 21),
    (0.025, 1_000): (15, 36),
    (0.05, 255): (6, 21),
    (0.05, 510): (16, 36),
    (0.05, 1_000): (37, 65),
    (0.075, 255): (11, 28),
    (0.075, 510): (27, 51),
    (0.075, 1_000): (59, 92),
    (0.10, 255): (16, 36),
    (0.10, 510): (38, 65),
    (0.10, 1_000): (81, 120),
}


def ran(profit_and_loss, value_at_risk=None, **rest):
    stated = [1.0] * len(profit_and_loss) if value_at_risk is None else value_at_risk
    return run_task("backtest_var", {"profit_and_loss": profit_and_loss, "value_at_risk": stated} | rest).result


def with_exceptions(days, *at):
    gains = [0.0] * days
    for i in at:
        gains[i] = -2.0
    return gains


@pytest.mark.parametrize(("count", "zone", "increase", "percent"), BASEL)
def test_basels_zones_are_those_of_its_table(count, zone, increase, percent):
    light = traffic_light(count, 250, 0.99)
    assert (light.zone, light.increase) == (zone, increase)
    assert 100 * light.cumulative_probability == pytest.approx(percent, abs=0.01)


def test_other_days_and_levels_have_the_zones_of_the_same_probabilities():
    # Three years at 99.5 %: yellow from 7, red from 13 (CFRM, Backtesting KPIs, cfrm17.github.io/tradeLifecycle3).
    zones = [traffic_light(count, 750, 0.995).zone for count in range(15)]
    assert zones == ["green"] * 7 + ["yellow"] * 6 + ["red"] * 2
    assert traffic_light(9, 750, 0.995).increase is None


def test_no_exception_is_green_where_hardly_one_is_expected():
    # 20 days at 99.9 %: none has a probability of 98 % and is no evidence against the value at risk; one is.
    assert [traffic_light(count, 20, 0.999).zone for count in range(3)] == ["green", "yellow", "red"]
    assert traffic_light(0, 20, 0.999).cumulative_probability == pytest.approx(0.999**20)


@pytest.mark.parametrize(("of", "bounds"), KUPIEC.items())
def test_kupiecs_test_does_not_reject_within_his_regions(of, bounds):
    (rate, days), (low, high) = of, bounds
    kept = [n for n in range(days) if proportion_of_failures(n, days, 1 - rate).p_value >= 0.05]
    assert (min(kept), max(kept)) == (low + 1, high - 1)


def test_the_likelihood_ratios_are_those_of_matlabs_example():
    # MathWorks, Risk Management Toolbox, varbacktest.cc: EquityIndex against Normal95, 1,043 days.
    coverage = proportion_of_failures(57, 1_043, 0.95)
    independent = independence(Transitions(932, 53, 53, 4))
    both = conditional_coverage(coverage, independent)
    assert independent is not None
    assert both is not None
    assert (coverage.statistic, coverage.p_value) == pytest.approx((0.46147, 0.49694), abs=6e-6)
    assert (independent.statistic, independent.p_value) == pytest.approx((0.25866, 0.61104), abs=6e-6)
    assert (both.statistic, both.p_value) == pytest.approx((0.72013, 0.69763), abs=6e-6)


def test_transitions_count_what_followed_what():
    assert transitions(np.array([1, 1, 0, 0, 0, 1, 0], dtype=bool)) == Transitions(2, 1, 2, 1)


def test_a_loss_of_just_the_value_at_risk_is_no_exception():
    gains = with_exceptions(250, 3, 4, 100)
    gains[7] = -1.0
    result = ran(gains)
    assert (result["exceptions"], result["exception_indices"]) == (3, [3, 4, 100])
    assert result["expected_exceptions"] == pytest.approx(2.5)
    assert result["independence"]["transitions"] == {
        "quiet_quiet": 244,
        "quiet_exception": 2,
        "exception_quiet": 2,
        "exception_exception": 1,
    }
    assert result["traffic_light"]["zone"] == "green"
    assert result["assumptions"] == {"confidence_level": 0.99, "significance_level": 0.05}


def test_exceptions_that_come_together_are_not_independent_and_scattered_ones_are():
    together, scattered = ran(with_exceptions(500, *range(100, 106))), ran(with_exceptions(500, *range(50, 500, 75)))
    assert together["exceptions"] == scattered["exceptions"] == 6
    assert together["independence"]["rejected"] is True
    assert together["conditional_coverage"]["rejected"] is True
    assert scattered["independence"]["rejected"] is False


@pytest.mark.parametrize("at", [[], [249]])
def test_without_a_day_after_an_exception_independence_is_null_and_says_so(at):
    result = ran(with_exceptions(250, *at))
    for test in ("independence", "conditional_coverage"):
        assert result[test]["likelihood_ratio"] is result[test]["p_value"] is result[test]["rejected"] is None
    assert result["notes"][0].startswith("Whether exceptions are independent cannot be tested: ")
    assert result["proportion_of_failures"]["p_value"] == pytest.approx(0.0250 if not at else 0.2780, abs=2e-4)


def test_days_that_are_all_exceptions_are_told_with_the_likely_cause():
    result = ran([-2.0] * 30)
    assert result["exception_rate"] == 1
    assert result["proportion_of_failures"]["rejected"] is True
    assert any("More than half of the days are exceptions" in note for note in result["notes"])


@pytest.mark.repeated
def test_a_right_value_at_risk_is_rejected_in_about_5_of_100_cases():
    many = np.random.default_rng(1).random((1_000, 1_000)) < 0.05
    rejected = [proportion_of_failures(int(row.sum()), 1_000, 0.95).p_value < 0.05 for row in many]
    assert 30 <= sum(rejected) <= 70


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"profit_and_loss": [1.0] * 21}, "profit_and_loss has 21 days and value_at_risk 20"),
        ({"value_at_risk": [2.0] * 19 + [-2.5]}, r"value_at_risk\[19\] is -2\.5: a loss is positive here"),
        ({"profit_and_loss": [1.0] * 19, "value_at_risk": [1.0] * 19}, "at least 20 items"),
        ({"confidence_level": 1.0}, "less than 1"),
        ({"profit_and_loss": [float("nan")] * 20}, "finite"),
    ],
)
def test_bad_input_is_refused_with_what_is_wrong(data, words):
    with pytest.raises(ValidationError, match=words):
        BacktestVarData.model_validate(EXAMPLE | data)
