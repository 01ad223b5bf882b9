"""The machine finds faults: each of these, planted into a script's text, fails it."""

import sys
from typing import ClassVar

import pytest
import redis
from hypothesis import Phase, settings
from hypothesis.errors import HypothesisException
from hypothesis.stateful import run_state_machine_as_test

from tests.model.faults import FAULTS, Fault
from tests.model.machine import LifeOfTasks
from throughline.ledger import script

SEARCH = settings(
    max_examples=500,
    stateful_step_count=40,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    report_multiple_bugs=False,
)


class CountedLife(LifeOfTasks):
    """Counts until the first failure."""

    examples: ClassVar[int]
    steps_taken: ClassVar[int]
    has_failed: ClassVar[bool]

    def __init__(self) -> None:
        super().__init__()
        if not self.has_failed:
            CountedLife.examples += 1

    def teardown(self) -> None:
        if not self.has_failed:
            CountedLife.steps_taken += self.steps
        error = sys.exc_info()[1]
        try:
            super().teardown()
        except Exception as found:
            error = found
            raise
        finally:
            is_finding = isinstance(error, Exception) and not isinstance(error, HypothesisException)
            CountedLife.has_failed = self.has_failed or is_finding


IS_LONG = settings.get_current_profile_name() == "long"


@pytest.mark.parametrize(
    "fault", [each for each in FAULTS if IS_LONG or not each.is_rare], ids=lambda fault: fault.name
)
def test_a_planted_fault_is_found(broker: redis.Redis, monkeypatch: pytest.MonkeyPatch, fault: Fault):
    plant(monkeypatch, fault)
    CountedLife.redis = broker
    CountedLife.examples, CountedLife.steps_taken, CountedLife.has_failed = 0, 0, False
    try:
        with pytest.raises(Exception) as found:
            run_state_machine_as_test(CountedLife, settings=SEARCH)
    finally:
        script.load.cache_clear()
    said = (str(found.value) or repr(found.value)).splitlines()[0]
    print(f"{fault.name} | {CountedLife.examples} | {CountedLife.steps_taken} | {said}")  # noqa: T201 — `pytest -rP`


def plant(monkeypatch: pytest.MonkeyPatch, fault: Fault) -> None:
    read = script._text

    def text(*path: str) -> str:
        whole = read(*path)
        if path[-1] != fault.file:
            return whole
        assert whole.count(fault.right) == 1, f"{fault.file} does not say {fault.right!r}: plant this fault anew"
        return whole.replace(fault.right, fault.wrong)

    monkeypatch.setattr(script, "_text", text)
    script.load.cache_clear()
