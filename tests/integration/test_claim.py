"""Before a task runs, its worker checks that it still should: a task that was cancelled or has ended does not run."""

import asyncio
import json

from api.queue_service import QueueService
from api.services.callers import ANYONE
from api.services.task_service import TaskService
from api.submission import TaskSubmission
from throughline.ledger import history_scripts, keys
from throughline.ledger.message import OWN_HEADERS
from throughline.ledger.script import Ledger
from throughline.settings import ApiSettings
from throughline.telemetry import correlation

TASK = TaskSubmission.model_validate(
    {"task_type": "calculate_var", "data": {"positions": [{"symbol": "A", "quantity": 1, "price": 1.0}]}}
)
WORKER = ("celery", "-A", "worker.app", "worker", "--without-gossip", "--without-mingle")


def submit(redis_url, number):
    async def story():
        queue = QueueService(ApiSettings(redis_url=redis_url))
        with correlation.bound("CLAIM-1"):
            ids = [(await TaskService(queue).submit(TASK, ANYONE)).task_id for _ in range(number)]
        await queue.close()
        return ids

    return asyncio.run(story())


def lines_of(worker):
    return [json.loads(line) for line in worker.communicate(timeout=20)[0].splitlines() if line.startswith("{")]


def test_of_three_tasks_only_the_one_that_is_neither_cancelled_nor_done_runs(start, broker, redis_url, wait_until):
    cancelled, done, wanted = submit(redis_url, 3)
    broker.hset(keys.task(cancelled), "cancel_requested", "1")  # as for a message that a worker had taken already
    broker.hset(keys.task(done), "status", "SUCCESS")  # as for a message that comes a second time

    worker = start(*WORKER, WORKER_CONCURRENCY="1")
    wait_until(lambda: broker.hget(keys.task(wanted), "status") == "SUCCESS", 60, "the third has run")
    worker.terminate()
    lines = lines_of(worker)

    assert broker.hget(keys.task(cancelled), "status") == "REVOKED"
    assert not broker.exists(keys.attempts(cancelled), keys.attempts(done))
    assert broker.llen(keys.attempts(wanted)) == 1
    told = {
        line["task_id"]: line["event.action"]
        for line in lines
        if "task_id" in line and line.get("event.action") not in {None, "task.received"}
    }
    assert told == {cancelled: "task.cancelled", done: "task.skipped", wanted: "task.succeeded"}
    assert [broker.llen(queue) for queue in ("high", "medium", "low")] == [0, 0, 0]
    assert not broker.exists(keys.CELERY_UNACKED)


def sent_past_the_api(message, task_id):
    """The same message as a client of Celery would have sent it."""
    told = json.loads(message)
    told["headers"] = {name: value for name, value in told["headers"].items() if name not in OWN_HEADERS}
    told["headers"]["id"] = told["headers"]["root_id"] = task_id
    return json.dumps(told)


def changed(message, **headers):
    told = json.loads(message)
    told["headers"] |= headers
    return json.dumps(told)


def test_a_message_that_comes_again_after_its_task_was_forgotten_runs_nothing_and_leaves_nothing(
    start, broker, redis_url, wait_until
):
    """As kombu gives it back when its worker was killed between the end of the task and the acknowledgement."""
    (ours,) = submit(redis_url, 1)
    message, stock = broker.lindex("medium", 0), "stock-1"
    others = sent_past_the_api(message, stock)
    broker.lpush("medium", others)
    worker = start(*WORKER, WORKER_CONCURRENCY="1")
    wait_until(lambda: broker.zcard(keys.ENDED) == 2, 60, "both have ended")
    wait_until(lambda: not broker.exists(keys.CELERY_UNACKED), 20, "both are acknowledged")
    ledger = Ledger(broker)
    versions = {each: int(broker.hget(keys.task(each), "version")) for each in (ours, stock)}
    copied, gone = ledger(history_scripts.copied(versions)), ledger(history_scripts.forget([ours, stock]))
    assert set(copied) == set(gone) == {ours, stock}

    for each in (message, others):
        broker.lpush("medium", each)
        broker.lpush("medium", changed(each, expires="2020-01-01T00:00:00+00:00"))
        broker.lpush("medium", changed(each, task="unheard_of"))
    wait_until(lambda: not broker.llen("medium") and not broker.exists(keys.CELERY_UNACKED), 30, "they are gone")
    worker.terminate()
    told = [
        (line["task_id"], line["event.action"])
        for line in lines_of(worker)
        if "event.action" in line and "task_id" in line
    ]

    for each in (ours, stock):
        actions = [action for task_id, action in told if task_id == each and action != "task.received"]
        assert actions[:2] == ["task.started", "task.succeeded"]
        assert set(actions[2:]) == {"task.skipped"}
    assert {key for each in (ours, stock) for key in broker.keys(f"*{each}*")} == {keys.moved(stock)}
    for index in (keys.UNARCHIVED, keys.ENDED, keys.HOT, keys.OPEN):
        assert not broker.exists(index), index
