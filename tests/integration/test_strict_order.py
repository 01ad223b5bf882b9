"""A worker empties high, then medium, then low, also after an operator has taken a queue from it and given it back."""

from contextlib import closing

import pytest

from tests.integration.stock_client import StockClient
from throughline.ledger import keys

WORKER = ["-A", "tests.integration.faulty_worker", "worker", "--without-gossip", "--without-mingle"]
EACH = 4


@pytest.fixture
def client(redis_url, broker, start, wait_until, tmp_path):
    (tmp_path / "log").mkdir()
    start("celery", *WORKER, output=tmp_path / "log" / "worker.jsonl", WORKER_CONCURRENCY="1")
    wait_until(lambda: broker.zcard(keys.WORKERS), 60, "the worker is there")
    with closing(StockClient(redis_url, broker, tmp_path)) as client:
        yield client


def test_a_queue_that_was_cancelled_and_added_again_has_its_place(client, wait_until):
    control = client.app.control
    assert control.cancel_consumer("high", reply=True)
    assert control.add_consumer("high", reply=True)
    # One task runs while the queues are filled, in the order in which they must not be emptied.
    running = client.send(args=[{"seed": 1006}], queue="low")
    wait_until(lambda: client.record(running).get("status") == "STARTED", 20, "it runs")
    sent = {
        client.send(args=[{"seed": 0}], queue=queue): queue for queue in ("low", "medium", "high") for _ in range(EACH)
    }
    wait_until(lambda: all(client.has_ended(task_id) for task_id in sent), 30, "all have ended")
    started = sorted(sent, key=lambda task_id: float(client.record(task_id)["started_at"]))
    queues = [sent[task_id] for task_id in started]
    # The worker may have taken one message while the first task still ran.
    assert queues[1:] == sorted(queues[1:], key=["high", "medium", "low"].index)
    assert queues.count("high") == EACH
