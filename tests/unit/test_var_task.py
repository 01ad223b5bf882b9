"""A calculate_var task gives the same bits wherever it runs, says what it assumed, and fits into a worker."""

import json
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

import risk  # noqa: F401 – declares the tasks
from risk.errors import NotCalculable
from throughline import InvalidTaskData
from throughline.testing import run_task

APPLE = {"symbol": "AAPL", "quantity": 100, "price": 150.0}
MANY = [APPLE | {"symbol": f"S{i}", "volatility": 0.1 + i / 100} for i in range(20)]


def ran(**data):
    return run_task("calculate_var", {"positions": [APPLE]} | data).result


def test_the_default_is_near_983_and_says_what_it_assumed():
    result = ran()
    assert abs(result["var_amount"] - 982.99) < 4 * result["standard_error"]
    assumed = result["assumptions"]
    assert (assumed["volatility"], assumed["drift"], assumed["simulations"]) == (0.2, 0.0, 100_000)
    assert {"confidence_level", "time_horizon", "seed", "method", "distribution", "returns"} <= assumed.keys()


def test_what_was_said_is_not_called_assumed():
    position = APPLE | {"volatility": 0.2, "drift": 0.0}
    assumed = ran(positions=[position], seed=1, simulations=1_000, confidence_level=0.9)["assumptions"]
    assert not {"volatility", "drift", "seed", "simulations", "confidence_level"} & assumed.keys()


@pytest.mark.parametrize("distribution", ["normal", "lognormal"])
def test_another_process_gives_the_same_bits(distribution):
    data = {"positions": MANY, "distribution": distribution, "correlations": np.eye(20).tolist()}
    code = "import json, sys, risk; from throughline.testing import run_task; "
    code += "print(json.dumps(run_task('calculate_var', json.load(sys.stdin)).result))"
    other = subprocess.run(
        [sys.executable, "-c", code], input=json.dumps(data), capture_output=True, text=True, check=True
    )
    assert json.loads(other.stdout) == json.loads(json.dumps(ran(**data)))


def test_ten_million_simulations_fit_into_a_worker():
    tracemalloc.start()
    ran(simulations=10_000_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100 * 2**20  # the losses themselves are 76 MiB


@pytest.mark.parametrize("method", ["monte_carlo", "parametric", "historical"])
def test_contributions_add_up_by_every_method(method):
    returns = {"returns": np.random.default_rng(1).normal(0, 0.01, (200, 20)).tolist()}
    result = ran(positions=MANY, method=method, **(returns if method == "historical" else {}))
    assert sum(part["contribution"] for part in result["contributions"]) == pytest.approx(result["var_amount"])
    assert result["contributions_estimator"]


def test_a_precision_is_reached_with_as_few_simulations_as_it_takes():
    result = ran(precision={"relative": 0.005})
    assert result["precision_reached"]
    low, high = result["confidence_interval"]
    assert (high - low) / 2 <= 0.005 * result["var_amount"]
    assert result["simulations"] < 1_000_000


def test_a_precision_that_was_not_reached_is_told():
    assert ran(precision={"relative": 0.0001}, simulations=10_000)["precision_reached"] is False


def test_an_impossible_matrix_is_refused_with_its_path_and_eigenvalue():
    covariance = [0.04, 0.036, 0.04, -0.036, 0.036, 0.04]
    with pytest.raises(NotCalculable, match=r"data\.covariance: .* -0\.8"):
        ran(positions=[APPLE | {"symbol": name} for name in "ABC"], covariance=covariance)


def test_a_mistake_in_a_message_is_told_by_its_path():
    option = {"style": "european", "right": "call", "spot": -1.0, "strike": 1.0, "maturity": 1.0, "volatility": 0.2}
    with pytest.raises(InvalidTaskData, match=r"^data\.option\.spot: "):
        run_task("monte_carlo_pricing", {"option": option})
