"""Whatever happens to a task, in whatever order: Redis agrees with the reference, and the task comes to its end."""

import pytest
import redis
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import LifeOfTasks

PHASES = [Phase.generate, Phase.shrink]
BOUNDED = settings(
    max_examples=60, stateful_step_count=40, derandomize=True, database=None, deadline=None, phases=PHASES
)
LONG = settings(stateful_step_count=80, database=None, deadline=None, phases=PHASES)


@pytest.mark.timeout(7200)  # a failure is made as short as it gets, which takes minutes
def test_a_task_keeps_its_promises_whatever_happens(broker: redis.Redis):
    LifeOfTasks.redis = broker
    is_long = settings.get_current_profile_name() == "long"
    run_state_machine_as_test(LifeOfTasks, settings=LONG if is_long else BOUNDED)
    if is_long:
        for (before, after, reason), times in sorted(LifeOfTasks.moves.items(), key=str):
            print(f"{before} → {after} ({reason}): {times}")  # noqa: T201 — `pytest -rP` shows what was reached
