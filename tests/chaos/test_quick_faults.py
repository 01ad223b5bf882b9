"""The short form of `make chaos`: a killed process, then a killed Redis, each with tasks in flight."""

from tests.chaos import faults
from tests.chaos.score import nine_for, suffer


def test_neither_a_killed_process_nor_a_killed_redis_loses_a_task_or_stores_one_twice(tmp_path):
    with nine_for(faults.REDIS_KILLED, tmp_path / "var") as nine:
        for fault in (faults.WORKER_PROCESS, faults.REDIS_KILLED):
            score = suffer(nine, fault)
            assert score.accepted > fault.long_tasks
            assert (score.lost, score.stored_twice, score.dead_letters) == (0, 0, 0), score
