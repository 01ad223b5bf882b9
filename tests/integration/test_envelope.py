"""The message that the front door pushes is the message that Celery itself would send for the same task."""

import base64
import json
import random
import zlib

import pytest
from celery import Celery
from celery.signals import before_task_publish
from kombu import Queue as KombuQueue

from throughline.ledger.body import COMPRESSED_FROM_BYTES, message_data
from throughline.ledger.envelope import Origin, celery_message
from throughline.ledger.message import MESSAGE_PRIORITY, OWN_HEADERS, TRACESTATE, Queue

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
def sent_by_celery(redis_url, broker, monkeypatch):
    """The message on the Redis list after a stock Celery client has sent the task."""
    # Other tests of this process may have imported our worker, which writes headers of its own into what it publishes.
    monkeypatch.setattr(before_task_publish, "receivers", [])

    def send(queue, data=DATA, **options):
        client = Celery(broker=redis_url)
        client.conf.update(
            task_queues=[KombuQueue(queue)], task_default_queue=queue, broker_transport_options={"priority_steps": [0]}
        )
        with client:
            client.send_task(
                "calculate_var",
                [data],
                task_id="task-1",
                queue=queue,
                priority=MESSAGE_PRIORITY[queue],
                headers=dict(OURS),
                **options,
            )
        return json.loads(broker.lindex(queue, 0))

    return send


def sent_by_us(queue, data=DATA):
    origin = Origin("ABC-1", TRACEPARENT)
    return json.loads(celery_message("task-1", "calculate_var", data, queue, origin, published_at=PUBLISHED_AT))


def assert_alike(ours, theirs):
    assert ours.keys() == theirs.keys()
    assert ours["headers"].keys() == theirs["headers"].keys()
    for name in theirs["headers"].keys() - SENDERS_OWN:
        assert ours["headers"][name] == theirs["headers"][name], name
    assert set(OWN_HEADERS) - {TRACESTATE} <= ours["headers"].keys()

    assert ours["properties"].keys() == theirs["properties"].keys()
    for name in theirs["properties"].keys() - {"delivery_tag", "reply_to", "delivery_info"}:
        assert ours["properties"][name] == theirs["properties"][name], name
    assert ours["properties"]["delivery_info"]["routing_key"] == theirs["properties"]["delivery_info"]["routing_key"]

    assert (ours["content-type"], ours["content-encoding"]) == (theirs["content-type"], theirs["content-encoding"])
    assert decoded(ours) == decoded(theirs)


def decoded(message):
    body = base64.b64decode(message["body"])
    return json.loads(zlib.decompress(body) if "compression" in message["headers"] else body)


@pytest.mark.parametrize("queue", list(Queue))
def test_field_by_field(sent_by_celery, queue):
    assert_alike(sent_by_us(queue), sent_by_celery(queue))


def test_a_large_body_is_compressed_as_celery_compresses_with_zlib(sent_by_celery):
    data = {"positions": [{"symbol": f"A{i}", "quantity": i, "price": 1.5} for i in range(2_000)]}
    ours = sent_by_us(Queue.LOW, data)
    assert_alike(ours, sent_by_celery(Queue.LOW, data, compression="zlib"))
    assert ours["headers"]["compression"] == "application/x-gzip"
    assert len(ours["body"]) < len(json.dumps(data)) / 2


def test_a_small_body_and_one_that_gets_no_smaller_are_not_compressed():
    small = {"text": "a" * (COMPRESSED_FROM_BYTES - 200)}
    noise = {"text": "".join(map(chr, random.Random(5).choices(range(0x23, 0x7F), k=20_000)))}
    for data in (small, noise):
        assert "compression" not in sent_by_us(Queue.LOW, data)["headers"]


def test_the_body_is_the_last_of_a_message():
    assert list(sent_by_us(Queue.LOW)) == ["headers", "properties", "content-type", "content-encoding", "body"]


@pytest.mark.parametrize(
    "data", [DATA, {"text": "word " * 100_000}, [], None, "ä\u0000", {"n": 2**53}], ids=lambda data: str(data)[:20]
)
def test_the_data_of_a_message_are_what_was_submitted(data):
    message = celery_message("t", "my.task", data, Queue.LOW, Origin("A", TRACEPARENT), published_at=PUBLISHED_AT)
    assert message_data(message) == message_data(message.decode()) == ("my.task", data)


@pytest.mark.parametrize(
    "message",
    [
        "",
        "[]",
        "{}",
        '{"headers": {"task": "t"}, "body": "!"}',
        '{"headers": {"task": "t", "compression": "application/x-gzip"}, "body": "aGVsbG8="}',
        '{"headers": {"task": "t", "compression": "application/x-bz2"}, "body": "aGVsbG8="}',
        '{"headers": null, "body": null}',
    ],
)
def test_a_message_that_is_none_of_ours_is_one_clear_error(message):
    with pytest.raises(ValueError, match="The message cannot be read"):
        message_data(message)
