"""What bounds a task: the soft time limit, the hard one, and the memory after which a process is replaced."""

import asyncio
import json
import time

import pytest

from tests.integration.faulty_worker import IGNORES_THE_SOFT_LIMIT, TAKES_MEMORY, TAKES_SECONDS
from tests.integration.test_redis_stops import submit_seed
from throughline.ledger import keys

OPTIONS = ["-A", "tests.integration.faulty_worker", "worker", "--without-gossip", "--without-mingle"]


@pytest.fixture
def ended(start, broker, redis_url, wait_until):
    """`ended(seed)` submits to a worker with limits of 2 and 4 seconds and 256 MB, and is Celery's result."""
    limits = {"TASK_SOFT_TIME_LIMIT_SECONDS": "2", "TASK_TIME_LIMIT_SECONDS": "4", "WORKER_MAX_MEMORY_MB": "256"}
    start("celery", *OPTIONS, WORKER_CONCURRENCY="1", **limits)

    def run(seed):
        task_id = asyncio.run(submit_seed(redis_url, seed))
        key = keys.task(task_id)
        wait_until(lambda: broker.hget(key, "status") in {"SUCCESS", "FAILURE"}, 60, "it has ended")
        return json.loads(broker.get(keys.celery_result(task_id)))

    return run


def test_a_task_past_its_soft_limit_fails_with_that_error_and_is_not_run_again(ended):
    began = time.monotonic()
    result = ended(TAKES_SECONDS + 60)
    assert (result["status"], result["result"]["exc_type"]) == ("FAILURE", "SoftTimeLimitExceeded")
    assert time.monotonic() - began < 40
    assert ended(0)["status"] == "SUCCESS"


def test_a_task_that_ignores_the_soft_limit_is_killed_at_the_hard_one(ended, broker):
    result = ended(IGNORES_THE_SOFT_LIMIT)
    assert (result["status"], result["result"]["exc_type"]) == ("FAILURE", "TimeLimitExceeded")
    assert ended(0)["status"] == "SUCCESS"
    assert broker.zcard(keys.OPEN) == 0


def test_a_process_that_has_grown_past_its_memory_is_replaced_after_its_task(ended):
    small = ended(0)["result"]["process"]
    assert ended(0)["result"]["process"] == small
    large = ended(TAKES_MEMORY)
    assert (large["status"], large["result"]["process"]) == ("SUCCESS", small)
    assert ended(0)["result"]["process"] != small
