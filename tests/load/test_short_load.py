"""The short forms of `make load`."""

import pytest

from tests.load.run import OVERLOAD, STEADY, put_load
from tests.system.nine import Nine


def test_twenty_seconds_of_all_four_calculations_end_without_an_error(tmp_path):
    with Nine(tmp_path / "var") as nine:
        found = put_load(nine, STEADY, tmp_path / "report", rate=40, seconds=20, window=5)
    assert found.failures == []
    assert found.rows["submit"].count > 100
    assert found.rows["completion"].count > 100
    assert set(found.statuses) == {"SUCCESS"}
    assert found.statuses["SUCCESS"] >= found.rows["submit"].count  # Locust does not count what its end cut short
    assert set(found.memory) >= {"nginx", "fastapi-1", "worker-3", "monitor"}
    assert min(last for _, last in found.memory.values()) > 1  # MiB, of every process
    assert "completion" in found.report.read_text(encoding="utf-8")


@pytest.mark.timeout(200)
def test_too_much_load_opens_the_breaker_and_less_load_closes_it(tmp_path):
    limits = {"CIRCUIT_MAX_DEPTH": "20", "CIRCUIT_CLOSE_DEPTH": "10", "CIRCUIT_OPEN_SECONDS": "3"}
    with Nine(tmp_path / "var", **limits) as nine:
        found = put_load(nine, OVERLOAD, tmp_path / "report", window=5)
    # Under overload, a look at the queues may be answered by "please retry" after its second; nothing else is.
    assert set(found.failures) <= {"queues: LocustBadStatusCode(code=503)"}
    assert found.circuit[0] == "circuit.opened"
    assert found.circuit[-1] == "circuit.closed"
    assert set(found.statuses) == {"SUCCESS"}
