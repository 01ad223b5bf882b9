"""The message that the front door pushes is the message that Celery itself would send for the same task."""

import base64
import json

import pytest
from celery import Celery
from kombu import Queue as KombuQueue

from throughline.ledger.envelope import Origin, celery_message
from throughline.ledger.message import MESSAGE_PRIORITY, OWN_HEADERS, Queue

DATA = {"portfolio_data": {"positions": [{"symbol": "AAPL", "quantity": 100, "price": 150.0}]}}
TRACEPARENT = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
PUBLISHED_AT = 1790000000.5
OURS = {
    "correlation_id": "ABC-1",
    "traceparent": TRACEPARENT,
    "published_at": PUBLISHED_AT,
    "envelope": 1,
}
# What differs between any two messages, or is left out on purpose: Celery would show the task's data in argsrepr.
SENDERS_OWN = {"origin", "argsrepr"}


@pytest.fixture
def sent_by_celery(redis_url, broker):
    """The message on the Redis list after a stock Celery client has sent the task."""

    def send(queue):
        client = Celery(broker=redis_url)
        client.conf.update(
            task_queues=[KombuQueue(queue)], task_default_queue=queue, broker_transport_options={"priority_steps": [0]}
        )
        with client:
            client.send_task(
                "calculate_var", [DATA], task_id="task-1", queue=queue, priority=MESSAGE_PRIORITY[queue], headers=OURS
            )
        return json.loads(broker.lindex(queue, 0))

    return send


@pytest.mark.parametrize("queue", list(Queue))
def test_field_by_field(sent_by_celery, queue):
    theirs = sent_by_celery(queue)
    ours = json.loads(
        celery_message(
            "task-1",
            "calculate_var",
            DATA,
            queue,
            Origin("ABC-1", TRACEPARENT),
            published_at=PUBLISHED_AT,
        )
    )
    assert ours.keys() == theirs.keys()
    assert ours["headers"].keys() == theirs["headers"].keys()
    for name in theirs["headers"].keys() - SENDERS_OWN:
        assert ours["headers"][name] == theirs["headers"][name], name
    assert set(OWN_HEADERS) <= ours["headers"].keys()

    assert ours["properties"].keys() == theirs["properties"].keys()
    for name in theirs["properties"].keys() - {"delivery_tag", "reply_to", "delivery_info"}:
        assert ours["properties"][name] == theirs["properties"][name], name
    assert ours["properties"]["delivery_info"]["routing_key"] == theirs["properties"]["delivery_info"]["routing_key"]

    assert (ours["content-type"], ours["content-encoding"]) == (theirs["content-type"], theirs["content-encoding"])
    assert decoded(ours["body"]) == decoded(theirs["body"])


def decoded(body):
    return json.loads(base64.b64decode(body))
