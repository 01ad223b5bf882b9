"""Value at risk from observed returns: windows are compounded; intervals hold the truth although windows overlap."""

import warnings
from dataclasses import replace

import numpy as np
import pytest

import risk  # noqa: F401 – declares the tasks
from risk.quant import observed_gains
from risk.quant.block_length import block_length
from risk.quant.resampled_history import History, blocks_for, measure_history
from throughline.testing import run_task

POSITION = {"symbol": "A", "quantity": 1, "price": 100.0}
DAILY = 0.012


def normals(shape):
    """The same whatever ran before."""
    return np.random.default_rng(1).standard_normal(shape)


def ran(returns, positions=(POSITION,), **data):
    history = {"method": "historical", "returns": np.asarray(returns).tolist(), "positions": list(positions)}
    return run_task("calculate_var", history | data).result


def overlapping(returns, **data):
    return ran(returns, horizon_scaling="overlapping", **data)


def of_normal(random, shape):
    return random.standard_normal(shape)


def of_t4(random, shape):
    return random.standard_t(4, shape) / np.sqrt(2)


def test_a_window_compounds_its_days():
    returns = np.array([[0.5, 0.1], [-0.5, 0.1], [0.2, -1.0]])
    gains = observed_gains.compounded(np.array([100.0, -10.0]), returns, 2)
    np.testing.assert_allclose(gains, [[-25.0, -2.1], [-40.0, 10.0]], atol=1e-9)


def test_the_whole_portfolios_windows_are_those_of_its_one_position():
    daily = normals(50) * 0.02
    for value in (100.0, -40.0):
        whole = observed_gains.of_portfolio(daily * value, value, abs(value), 7)
        np.testing.assert_allclose(whole, observed_gains.compounded(np.array([value]), daily[:, None], 7)[:, 0])


def test_long_and_short_that_cancel_have_no_net_value_to_compound_on():
    daily = np.array([1.0, -2.0, 4.0])
    np.testing.assert_allclose(observed_gains.of_portfolio(daily, 1.0, 1_000.0, 2), [-1.0, 2.0])


def test_days_are_scaled_by_their_root_and_lose_no_more_than_the_price():
    gains, beyond = observed_gains.scaled(np.array([100.0, -10.0]), np.array([[-0.6, -0.6], [0.1, 0.1]]), 4)
    np.testing.assert_allclose(gains, [[-100.0, 10.0], [20.0, -2.0]])
    assert beyond == 2


def test_a_scaled_loss_of_more_than_the_price_is_told():
    returns = normals((300, 1)) * 0.01
    returns[7] = -0.5
    result = ran(returns, time_horizon=10, confidence_level=0.9)
    assert result["notes"] == [
        "√days made 1 returns a loss of more than the whole price; they count as all of it. "
        'horizon_scaling "overlapping" compounds the days instead.'
    ]


def test_observed_returns_are_taken_as_they_are():
    result = ran([[i / 1_000] for i in range(-50, 50)], time_horizon=4)
    assert result["var_amount"] == pytest.approx(2 * 4.5)  # days −50 … −46 are the worst 5 %; √4 of the next
    assert sum(part["contribution"] for part in result["contributions"]) == pytest.approx(result["var_amount"])


# Ten-day windows of 250 or 500 days overlap: 25 or 50 tell something new. Truths from 4 million windows of each law.
COVERAGE = [
    (of_normal, 250, 10, 0.90),
    (of_t4, 500, 10, 0.95),
    (of_normal, 250, 1, 0.95),
]


@pytest.mark.parametrize(("law", "days", "horizon", "confidence"), COVERAGE)
@pytest.mark.repeated
def test_both_intervals_hold_the_truth_in_95_of_100_histories(law, days, horizon, confidence):
    many = observed_gains.of_portfolio(100 * DAILY * law(np.random.default_rng(0), (1_000, 1_000)), 100, 100, horizon)
    losses = np.sort(-many.ravel())
    truth = losses[int(len(losses) * confidence)]
    shortfall = losses[int(len(losses) * confidence) :].mean()
    histories = 100 * DAILY * law(np.random.default_rng(1), (1_000, days))

    def windows(daily):
        return observed_gains.of_portfolio(daily, 100, 100, horizon)

    stated, held = 0, np.zeros(2)
    for seed, daily in enumerate(histories):
        history = History(windows(daily), daily, windows, horizon)
        measure = measure_history(history, confidence, replace(blocks_for(daily), resamples=250), seed)
        if measure.confidence_interval is None or measure.shortfall_interval is None:
            continue
        stated += 1
        held += [
            measure.confidence_interval[0] <= truth <= measure.confidence_interval[1],
            measure.shortfall_interval[0] <= shortfall <= measure.shortfall_interval[1],
        ]
    assert stated >= 990
    assert (held >= 0.93 * stated).all() and (held <= 0.97 * stated).all(), held


@pytest.mark.parametrize(
    ("days", "horizon", "confidence"), [(250, 10, 0.99), (250, 1, 0.99), (1_000, 5, 0.99), (60, 40, 0.9)]
)
def test_a_history_that_says_too_little_of_the_tail_states_no_error_and_why(days, horizon, confidence):
    result = overlapping(normals((days, 1)) * DAILY, time_horizon=horizon, confidence_level=confidence)
    assert result["var_amount"] is not None
    for name in ("confidence_interval", "standard_error", "expected_shortfall_interval"):
        assert result[name] is None
    assert result["expected_shortfall_standard_error"] is None
    assert result["notes"][0].startswith("No error can be stated: ")


def test_losses_that_are_all_the_same_state_no_error():
    for returns in ([[0.001]] * 300, [[0.01], [-0.01]] * 150):
        result = ran(returns, confidence_level=0.9)
        assert result["confidence_interval"] is None
        assert "too few different losses lie beyond the value at risk" in result["notes"][0]


def test_how_the_interval_was_made_is_told_and_another_seed_gives_another():
    returns = normals((300, 1)) * DAILY
    first, again, other = (overlapping(returns, confidence_level=0.9, **seed) for seed in ({}, {}, {"seed": 5}))
    assert first == again
    assert first["confidence_interval"] != other["confidence_interval"]
    assert first["assumptions"]["interval"] == (
        "block bootstrap: 1,000 histories of blocks of 7 days, seed derived from the data"
    )
    assert (first["observations"], first["independent_observations"]) == (291, 30)


def test_days_that_come_in_clusters_widen_the_interval():
    calm, wild = normals((2, 500))
    clustered = np.where(np.arange(500) // 50 % 2 == 0, calm * 0.005, wild * 0.02)
    shuffled = np.random.default_rng(3).permutation(clustered)
    errors = [ran(r[:, None], time_horizon=1)["standard_error"] for r in (shuffled, clustered)]
    assert errors[1] > 1.2 * errors[0]


def test_clusters_are_told_and_independent_days_are_not():
    normal = normals(1_000)
    clustered = np.where(np.arange(1_000) // 50 % 2 == 0, normal * 0.005, normal * 0.02)
    told = [ran(r[:, None], time_horizon=1)["notes"] for r in (normal * 0.01, clustered)]
    assert told[0] == []
    assert told[1][0].startswith("Large and small moves come in clusters here.")


def test_an_expected_shortfall_is_not_under_what_the_value_at_risk_may_be():
    for seed in range(50):
        daily = of_t4(np.random.default_rng(seed), 30)
        measure = measure_history(History(daily, daily, lambda days: days, 1), 0.85, blocks_for(daily), seed)
        if measure.confidence_interval and measure.shortfall_interval:
            assert measure.shortfall_interval[0] >= measure.confidence_interval[0]


def test_the_block_length_of_an_autoregression_is_near_the_one_of_its_theory():
    # AR(1) with φ: G = 2 φ / ((1 − φ²)) σ², spectrum σ² (1 + φ) / (1 − φ) at σ² the variance (Politis and White 2004).
    phi, n = 0.7, 20_000
    noise, series = normals(n), np.zeros(n)
    for t in range(1, n):
        series[t] = phi * series[t - 1] + noise[t]
    slope, spectrum = 2 * phi / (1 - phi) ** 2, (1 + phi) / (1 - phi)
    theory = (2 * slope**2 / (4 / 3 * spectrum**2) * n) ** (1 / 3)
    assert block_length(series) == pytest.approx(theory, rel=0.25)
    assert block_length(noise) < 5


def test_losses_that_hardly_differ_have_no_error_and_the_note_says_that():
    # A price that moves on 10 of 300 days, and one that never does: observations are enough, different losses are not.
    for moves in (10, 0):
        returns = np.zeros((300, 1))
        returns[np.arange(moves) * 29] = np.linspace(-0.03, 0.04, moves)[:, None] if moves else 0.0
        result = ran(returns, time_horizon=1)
        assert result["confidence_interval"] is None
        assert len(result["notes"]) == 1
        assert "too few different losses lie beyond the value at risk" in result["notes"][0]
        assert str(result["var_amount"]) == "0.0"


def test_no_distance_between_resamples_warns_or_is_not_a_number():
    generator = np.random.default_rng(4)
    returns = np.where(generator.random((300, 1)) < 0.97, 0, generator.normal(0, 0.02, (300, 1)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert ran(returns, time_horizon=1, confidence_level=0.98)["expected_shortfall_interval"] is None


def test_what_a_history_does_not_use_is_told():
    told = dict(POSITION, volatility=0.9)
    other = dict(POSITION, symbol="B", drift=0.1)
    notes = ran(np.zeros((30, 2)), (told, other), correlations=[1, 0.5, 1])["notes"]
    assert notes[0].endswith("not used: volatility, drift, correlations.")
    assert not any("not used" in note for note in ran(np.zeros((30, 1)))["notes"])
