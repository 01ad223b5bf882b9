"""Before a task runs, its worker checks that it still should: a task that was cancelled or has ended does not run."""

import asyncio
import json

from api.queue_service import QueueService
from api.services.callers import ANYONE
from api.services.task_service import TaskService
from api.submission import TaskSubmission
from throughline.ledger import keys
from throughline.settings import ApiSettings
from throughline.telemetry import correlation

TASK = TaskSubmission.model_validate(
    {"task_type": "calculate_var", "data": {"positions": [{"symbol": "A", "quantity": 1, "price": 1.0}]}}
)


def submit(redis_url, number):
    async def story():
        queue = QueueService(ApiSettings(redis_url=redis_url))
        with correlation.bound("CLAIM-1"):
            ids = [(await TaskService(queue).submit(TASK, ANYONE)).task_id for _ in range(number)]
        await queue.close()
        return ids

    return asyncio.run(story())


def test_of_three_tasks_only_the_one_that_is_neither_cancelled_nor_done_runs(start, broker, redis_url, wait_until):
    cancelled, done, wanted = submit(redis_url, 3)
    broker.hset(keys.task(cancelled), "cancel_requested", "1")  # as for a message that a worker had taken already
    broker.hset(keys.task(done), "status", "SUCCESS")  # as for a message that comes a second time

    worker = start(
        "celery", "-A", "worker.app", "worker", "--without-gossip", "--without-mingle", WORKER_CONCURRENCY="1"
    )
    wait_until(lambda: broker.hget(keys.task(wanted), "status") == "SUCCESS", 60, "the third has run")
    worker.terminate()
    lines = [json.loads(line) for line in worker.communicate(timeout=20)[0].splitlines() if line.startswith("{")]

    assert broker.hget(keys.task(cancelled), "status") == "REVOKED"
    assert not broker.exists(keys.attempts(cancelled), keys.attempts(done))
    assert broker.llen(keys.attempts(wanted)) == 1
    told = {
        line["task_id"]: line["event.action"]
        for line in lines
        if line.get("event.action") not in {None, "task.received"}
    }
    assert told == {cancelled: "task.cancelled", done: "task.skipped", wanted: "task.succeeded"}
    assert [broker.llen(queue) for queue in ("high", "medium", "low")] == [0, 0, 0]
    assert not broker.exists(keys.CELERY_UNACKED)
