"""Celery without Throughline: it runs what the front door enqueues, and sends what our workers run."""

import asyncio

from celery import Celery

from api.queue_service import QueueService
from api.services.callers import ANYONE
from api.services.task_service import TaskService
from api.submission import TaskSubmission
from throughline.settings import ApiSettings
from throughline.telemetry import correlation

DATA = {"positions": [{"symbol": "AAPL", "quantity": 100, "price": 150.0}]}


LARGE = {"positions": [{"symbol": f"A{i}", "quantity": 100, "price": 150.0} for i in range(2_000)]}


def submit_and_await(redis_url, data=DATA):
    async def story():
        queue = QueueService(ApiSettings(redis_url=redis_url))
        tasks = TaskService(queue)
        with correlation.bound("STOCK-1"):
            task = TaskSubmission.model_validate({"task_type": "calculate_var", "data": data, "priority": "high"})
            task_id = (await tasks.submit(task, ANYONE)).task_id
            for _ in range(15):  # a stock worker announces nothing on our channel: looked at every two seconds
                view = await tasks.find(task_id, ANYONE, wait_seconds=2)
                if view.status.is_final:
                    break
        await queue.close()
        return view

    return asyncio.run(story())


def test_a_stock_worker_runs_what_the_front_door_enqueues(start, broker, redis_url):
    start("celery", "-A", "tests.integration.stock_worker", "worker", "-c", "1", "-Q", "high")

    view = submit_and_await(redis_url)

    assert view.status == "SUCCESS"
    assert view.result == {"positions": 1}


def test_a_stock_worker_runs_a_task_with_a_large_body(start, broker, redis_url):
    start("celery", "-A", "tests.integration.stock_worker", "worker", "-c", "1", "-Q", "high")

    assert submit_and_await(redis_url, LARGE).result == {"positions": 2_000}


def test_our_worker_runs_what_a_stock_client_sends(start, broker, redis_url):
    options = ["--without-gossip", "--without-mingle"]
    start("celery", "-A", "worker.app", "worker", *options, WORKER_CONCURRENCY="1")
    with Celery(broker=redis_url, backend=redis_url) as client:
        client.conf.broker_transport_options = {"priority_steps": [0]}
        sent = client.send_task("calculate_var", [DATA], queue="medium")
        assert 900 < sent.get(timeout=30)["var_amount"] < 1100
