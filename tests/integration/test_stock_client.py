"""Celery's own client, and messages that no client should write: each is on record, under one ID, with its end."""

import json
import time
import uuid

import pytest

from tests.integration.span_files import spans_in
from tests.integration.stock_client import DATA
from throughline.journey.role import Role
from throughline.ledger import keys
from throughline.telemetry import correlation

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE}-b7ad6b7169203331-01"


@pytest.fixture(scope="module")
def client(client_beside_worker):
    """One worker of ours."""
    return client_beside_worker(WORKER_CONCURRENCY="2", SERVICE_NODE_NAME="worker-1")


@pytest.fixture
def told(client, wait_until):
    """`told(task_id)` is (record, the task in its journey) once the journey has come to the record's end."""

    def look(task_id):
        wait_until(lambda: client.has_ended(task_id), 30, f"{task_id} has ended")
        record = client.record(task_id)

        def agrees():
            request = client.request(task_id)
            written = request and [
                step for step in request.steps if step.role in {Role.WAIT, Role.RUN} and not step.from_lines
            ]
            return request and request.status == record["status"] and written and request

        return record, wait_until(agrees, 20, f"the journey of {task_id} says {record['status']}")

    return look


NOT_A_TRACE = [None, 5, [TRACEPARENT], {"a": 1}, "", "x" * 10_000, True, f"00-{'0' * 32}-b7ad6b7169203331-01"]
NOT_A_TIME = [-1e30, float("nan"), float("inf"), "yesterday", "1700000000", None, [1], {}, True, 0, 10**400, -5]
NOT_AN_ID = [None, 5, ["A"], {"a": 1}, "", "a b", 'a"b', "x" * 129, True]


@pytest.mark.parametrize("value", NOT_A_TRACE, ids=lambda value: repr(value)[:40])
def test_a_traceparent_that_is_none_begins_a_trace(client, told, value):
    correlation_id = f"ODD-{uuid.uuid4()}"
    record, request = told(client.publish(traceparent=value, correlation_id=correlation_id))
    assert (record["status"], record["correlation_id"]) == ("SUCCESS", correlation_id)
    assert record["trace_id"] == request.trace_id != TRACE


def test_a_traceparent_is_continued(client, told):
    record, request = told(client.publish(traceparent=TRACEPARENT, correlation_id="ODD-01"))
    assert record["trace_id"] == request.trace_id == TRACE
    assert "b7ad6b7169203331" in {span.get("parentSpanId") for span in spans_in(client.var_dir / "spans")}


@pytest.mark.parametrize("value", NOT_A_TIME, ids=lambda value: repr(value)[:40])
def test_a_time_of_publication_that_cannot_be_true_is_no_wait(client, told, value):
    record, request = told(client.publish(published_at=value))
    assert record["status"] == "SUCCESS"
    assert [step.role for step in request.steps if step.depth == 0 and step.role is not Role.WAIT] == [Role.RUN]
    assert request.queue_wait_ns < 10e9  # from when a worker took it
    assert request.total_ns < 60e9


def test_a_publication_in_the_past_is_a_wait_and_one_in_the_future_none_below_zero(client, told):
    _, past = told(client.publish(published_at=time.time() - 5))
    assert past.queue_wait_ns > 4e9
    _, future = told(client.publish(published_at=time.time() + 3_600))
    assert 0 <= future.queue_wait_ns < 60e9


@pytest.mark.parametrize("value", NOT_AN_ID, ids=lambda value: repr(value)[:40])
def test_a_correlation_id_that_is_none_is_made_and_the_same_everywhere(client, told, value):
    task_id = client.publish(correlation_id=value)
    record, _ = told(task_id)
    assert record["status"] == "SUCCESS"
    assert correlation.is_valid(record["correlation_id"])
    assert {line["correlation_id"] for line in client.lines(task_id)} == {record["correlation_id"]}


@pytest.mark.parametrize(
    "headers",
    [
        {"update": "x", "get": 1, "execution_options": 2},
        {"headers": {"traceparent": 5}},
        {"retries": None},
        {"retries": "many"},
        {"stamped_headers": 5},
        {"stamped_headers": ["a"], "stamps": []},
        {"shadow": 5},
        {"group": "no-such-group"},
        {"root_id": 5},
        {"eta": None, "expires": None, "lang": 5},
    ],
    ids=str,
)
def test_an_odd_header_that_the_task_does_not_need_does_not_matter(client, told, headers):
    record, _ = told(client.publish(**headers))
    assert record["status"] == "SUCCESS"


@pytest.mark.parametrize(
    ("body", "headers", "error"),
    [
        (None, {"expires": "soon"}, "InvalidTaskError"),
        (None, {"expires": 5}, "InvalidTaskError"),
        (None, {"expires": 0}, "InvalidTaskError"),
        (None, {"eta": [1]}, "InvalidTaskError"),
        (None, {"eta": "9999-12-31T23:59:59+00:00", "timelimit": 5}, "InvalidTaskError"),
        (None, {"timelimit": ["a", "b"]}, "InvalidTaskError"),
        (None, {"task": "no_such_task"}, "NotRegistered"),
        (None, {"task": ["calculate_var"]}, "InvalidTaskError"),
        (None, {"task": "x" * 10_000}, "NotRegistered"),
        ([[DATA]], {}, "InvalidTaskError"),
        ([[DATA], [], {}], {}, "InvalidTaskError"),
        ([DATA, {}, {}], {}, "InvalidTaskError"),
        ([[DATA], {}, []], {}, "InvalidTaskError"),
        ("text", {}, "InvalidTaskError"),
        ([[], {}, {}], {}, "TypeError"),
        ([[5], {}, None], {}, None),
    ],
    ids=str,
)
def test_a_message_that_cannot_be_run_fails_on_record(client, told, body, headers, error):
    correlation_id = f"BAD-{uuid.uuid4()}"
    task_id = client.publish(body, **headers, correlation_id=correlation_id)
    record, _ = told(task_id)
    assert (record["status"], record["correlation_id"]) == ("FAILURE", correlation_id)
    meta = json.loads(client.broker.get(keys.celery_result(task_id)))
    assert error in {meta["result"]["exc_type"], None}
    assert {line["correlation_id"] for line in client.lines(task_id)} == {correlation_id}
    assert client.broker.hlen(keys.CELERY_UNACKED) == 0


def test_a_message_without_an_id_that_can_be_written_does_not_end_the_worker(client, told):
    for odd in (None, 5, ["x"], "", "half a character \ud800"):
        client.publish(id=odd)
    assert told(client.send())[0]["status"] == "SUCCESS"


@pytest.mark.parametrize("odd", ["{}:attempts", "{}:message", "a b {}", "{}" + "x" * 300, "{}\0"])
def test_an_id_that_can_be_no_tasks_fails_for_its_sender_and_leaves_other_tasks_alone(client, told, wait_until, odd):
    other = client.send()
    record, _ = told(other)
    sent = client.publish(id=odd.format(other))
    meta = json.loads(wait_until(lambda: client.broker.get(f"{keys.CELERY_RESULT}{sent}"), 20, "its sender is told"))
    assert (meta["status"], meta["result"]["exc_type"]) == ("FAILURE", "InvalidTaskError")
    assert client.broker.ttl(f"{keys.CELERY_RESULT}{sent}") > 0
    client.app.control.revoke(odd.format(other))
    assert told(client.send())[0]["status"] == "SUCCESS"  # the worker goes on
    assert client.record(other) == record
    assert client.broker.hlen(keys.CELERY_UNACKED) == 0


def test_an_id_of_a_clients_own_choice_is_recorded(client, told):
    own = f"order:{uuid.uuid4().hex}/größe"
    assert client.send(task_id=own) == own
    assert told(own)[0]["status"] == "SUCCESS"


def test_a_task_whose_sender_ignores_its_result_has_one_on_record(client, told):
    task_id = client.send(ignore_result=True, headers={"correlation_id": "IGNORED-1"})
    record, _ = told(task_id)
    assert (record["status"], record["correlation_id"]) == ("SUCCESS", "IGNORED-1")


def test_a_task_that_has_expired_is_cancelled_under_its_senders_id(client, told):
    for expires in (-5, "2020-01-01T00:00:00+00:00"):
        correlation_id = f"EXPIRED-{uuid.uuid4()}"
        if isinstance(expires, str):
            task_id = client.publish(expires=expires, correlation_id=correlation_id)
        else:
            task_id = client.send(expires=expires, headers={"correlation_id": correlation_id})
        record, _ = told(task_id)
        assert (record["status"], record["correlation_id"]) == ("REVOKED", correlation_id)
        (line,) = [line for line in client.lines(task_id) if line["event.action"] == "task.cancelled"]
        assert line["cause"] == "expired before it started"


def test_a_task_with_a_countdown_is_pending_from_the_moment_that_a_worker_holds_it(client, told, wait_until):
    task_id = client.send(countdown=2, headers={"correlation_id": "LATER-1"})
    wait_until(lambda: client.record(task_id), 20, "the worker holds it")
    record = client.record(task_id)
    assert (record["status"], record["correlation_id"], record["queue"]) == ("PENDING", "LATER-1", "medium")
    assert told(task_id)[0]["status"] == "SUCCESS"
