"""What is too large to be sent plainly goes through NGINX as gzip, is kept in Redis, and is calculated."""

import gzip
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from risk.portfolio_optimization.model import MAX_ASSETS
from tests.both_clients import awaited, blocking
from tests.system.nine import Nine
from tests.system.test_bad_input import GOOD

JSON = {"Content-Type": "application/json"}


def packed_covariance(assets: int) -> list[float]:
    """A year's, from daily returns that a market moves: every number has all the digits that a float has."""
    random = np.random.default_rng(11)
    market = 0.01 * random.standard_normal((1_000, 1))
    own = 0.01 * random.uniform(0.5, 3, assets) * random.standard_normal((1_000, assets))
    covariance = np.cov((market + own).T) * 252
    return [float(covariance[i, j]) for i in range(assets) for j in range(i + 1)]


def optimization(assets: int) -> dict[str, Any]:
    listed = [{"symbol": f"ASSET{i:03}", "expected_return": 0.05 + i / 10_000} for i in range(assets)]
    return {"assets": listed, "covariance": packed_covariance(assets)}


def value_at_risk(positions: int) -> dict[str, Any]:
    covariance = np.zeros((positions, positions))
    covariance[np.tril_indices(positions)] = packed_covariance(positions)
    covariance += np.tril(covariance, -1).T
    deviations = np.sqrt(np.diag(covariance))
    correlations = covariance / np.outer(deviations, deviations)
    listed = [{"symbol": f"S{i:03}", "quantity": 100, "price": 150.0} for i in range(positions)]
    packed = [float(correlations[i, j]) for i in range(positions) for j in range(i + 1)]
    return {"positions": listed, "correlations": packed, "simulations": 1_000}


@pytest.mark.parametrize("open_client", [blocking, awaited])
def test_five_hundred_assets_with_all_their_digits_are_sent_and_calculated(nine: Nine, open_client: Any):
    data = value_at_risk(500)
    assert len(json.dumps(data)) > 2_000_000
    with open_client(nine.base_url) as client:
        task = client.submit("calculate_var", data, priority="high")
        assert task.result(timeout=60)["var_amount"] > 0


def test_as_many_assets_as_the_model_takes_can_be_sent_from_a_terminal(nine: Nine, tmp_path: Path):
    file = tmp_path / "task.json"
    file.write_text(json.dumps(optimization(MAX_ASSETS)), encoding="utf-8")
    ended = nine.run("submit", "portfolio_optimization", "--data", f"@{file}", "--priority", "high", "--wait")
    assert ended.returncode == 0, ended.stderr
    assert len(json.loads(ended.stdout)["result"]["weights"]) == MAX_ASSETS == 500


@pytest.mark.parametrize("through", ["nginx", "replica"])
def test_a_packed_replay_of_a_plain_request_is_the_same_request(nine: Nine, through: str):
    body = json.dumps(GOOD).encode()
    headers = JSON | {"Idempotency-Key": f"packed-{through}"}
    with nine.http(nine.base_url if through == "nginx" else nine.replica_urls[0]) as client:
        first = client.post("/api/v1/tasks", content=body, headers=headers)
        packed = gzip.compress(json.dumps(GOOD, indent=2).encode())
        again = client.post("/api/v1/tasks", content=packed, headers=headers | {"Content-Encoding": "gzip"})
        other = gzip.compress(json.dumps(GOOD | {"priority": "low"}).encode())
        refused = client.post("/api/v1/tasks", content=other, headers=headers | {"Content-Encoding": "x-gzip"})

    assert (first.status_code, again.status_code, refused.status_code) == (201, 201, 422)
    assert again.json()["task_id"] == first.json()["task_id"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert refused.json()["code"] == "IDEMPOTENCY_KEY_REUSED"


BOMB = zlib.compressobj(1, wbits=31)
PACKED = gzip.compress(json.dumps(GOOD).encode())
REFUSED = {
    "a bomb": (b"".join(BOMB.compress(b" " * 1_000_000) for _ in range(100)) + BOMB.flush(), "gzip", 413),
    "too large as it is sent": (b"\x1f\x8b" + b"x" * 1_100_000, "gzip", 413),
    "broken": (PACKED[:-4], "gzip", 400),
    "with rubbish behind": (PACKED + b"more", "gzip", 400),
    "not packed": (json.dumps(GOOD).encode(), "gzip", 400),
    "packed twice": (gzip.compress(PACKED), "gzip, gzip", 415),
    "packed otherwise": (PACKED, "br", 415),
}
CODES = {400: "MALFORMED_JSON", 413: "PAYLOAD_TOO_LARGE", 415: "UNSUPPORTED_MEDIA_TYPE"}


@pytest.mark.parametrize("through", ["nginx", "replica"])
@pytest.mark.parametrize("case", list(REFUSED))
def test_a_body_that_cannot_be_unpacked_is_refused_with_a_problem(nine: Nine, through: str, case: str):
    body, encoding, status = REFUSED[case]
    headers = JSON | {"Content-Encoding": encoding, "X-Request-ID": "PACKED-1"}
    with nine.http(nine.base_url if through == "nginx" else nine.replica_urls[0]) as client:
        answer = client.post("/api/v1/tasks", content=body, headers=headers)

    problem = answer.json()
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert (answer.status_code, problem["code"], problem["category"]) == (status, CODES[status], "CLIENT_ERROR")
    assert problem["correlation_id"] == "PACKED-1"
