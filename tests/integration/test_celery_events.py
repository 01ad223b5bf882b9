"""Celery's own events, for who watches with Flower: they tell of a task's end, and hold nothing of its data."""

from celery import Celery

from throughline.ledger import keys

WORKER = ["-A", "worker.app", "worker", "-E", "--without-gossip", "--without-mingle"]
DATA = {"positions": [{"symbol": "SECRETCO", "quantity": 1, "price": 4711.5}], "simulations": 1_000}


def test_the_event_of_a_success_holds_nothing_of_the_result(redis_url, broker, start, wait_until, tmp_path):
    start("celery", *WORKER, output=tmp_path / "worker.jsonl", WORKER_CONCURRENCY="1")
    wait_until(lambda: broker.zcard(keys.WORKERS), 60, "the worker is there")
    seen = []
    with Celery(broker=redis_url, backend=redis_url) as app, app.connection_for_read() as connection:
        sent = app.send_task("calculate_var", [DATA], queue="medium", countdown=1)

        def see(event):
            seen.append(event)
            receiver.should_stop = event["type"] == "task-succeeded"

        receiver = app.events.Receiver(connection, handlers={"*": see})
        receiver.capture(limit=None, timeout=30)
        assert "SECRETCO" in str(sent.get(timeout=20))
    assert seen[-1]["uuid"] == sent.id
    assert not [each for each in ("SECRETCO", "4711", "var_amount") if each in str(seen)]
