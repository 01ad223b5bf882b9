"""One small set of the nine for all suites, with a task that gives back whatever it is given."""

from collections.abc import Iterator

import pytest

from tests.system.nine import ROOT, Nine


@pytest.fixture(scope="session")
def nine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nine]:
    """One replica and one worker: what a suite sends is read by the same code in all of them."""
    own = {"TASK_MODULES": "risk,tests.suites.own_tasks", "PYTHONPATH": str(ROOT)}
    with Nine(tmp_path_factory.mktemp("suites") / "var", API_REPLICAS="1", WORKER_REPLICAS="1", **own) as running:
        yield running
