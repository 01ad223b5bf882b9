"""The spans of OpenTelemetry's instrumentation of Celery: one for each run, in one chain, without the task's data."""

import time
import uuid

import pytest
from opentelemetry.instrumentation.celery import CeleryInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.integration.span_files import attributes, spans_in
from throughline.telemetry import vocabulary

INSTRUMENTATION = "opentelemetry.instrumentation.celery"
TRACE, SENDER = "4bf92f3577b34da6a3ce929d0e0e4736", "b7ad6b7169203331"
CONSUMER, PRODUCER, ERROR = 5, 4, 2
SECRET = "pheasant"


@pytest.fixture(scope="module")
def client(client_beside_worker):
    """A worker of one process, which knows the tasks of own_tasks.py."""
    settings = {"TASK_MODULES": "tests.integration.own_tasks", "TASK_RETRY_SECONDS": "1"}
    return client_beside_worker(WORKER_CONCURRENCY="1", **settings)


@pytest.fixture
def sent(client):
    """`sent("echo")`: the ID of a task of that type, whose message names a sender's span."""

    def send(task_type, text=SECRET, flags="01", **headers):
        own = {"traceparent": f"00-{TRACE}-{SENDER}-{flags}", "published_at": time.time()} | headers
        own = {name: value for name, value in own.items() if value is not None}
        return client.send(task_type, [{"text": text}], headers=own)

    return send


@pytest.fixture
def spans_of(client, wait_until):
    """`spans_of(task_id)`: the spans of the task by name, when it has ended, the run's among them."""

    def written(task_id):
        wait_until(lambda: client.has_ended(task_id), 30, "it has ended")

        def with_run():
            found = [span for span in spans_in(client.var_dir / "spans") if attributes(span).get("task_id") == task_id]
            ended = {attributes(span).get("status") for span in found if span["name"].startswith("run ")}
            return ended & {client.record(task_id)["status"]} and found

        return wait_until(with_run, 20, "its spans are written")

    return written


def named(spans, start):
    return [span for span in spans if span["name"].startswith(start)]


def test_a_run_is_a_span_of_the_instrumentation_under_the_wait_that_ends_as_it_begins(sent, spans_of):
    task_id = sent("word_count", correlation_id="RUN-1", tracestate="vendor=1")
    spans = spans_of(task_id)
    (wait,), (run,) = named(spans, "wait "), named(spans, "run ")
    told = attributes(run)

    assert (run["name"], run["scope"], run["kind"]) == ("run word_count", INSTRUMENTATION, CONSUMER)
    assert (wait["traceId"], wait["parentSpanId"]) == (TRACE, SENDER)
    assert (run["traceId"], run["parentSpanId"]) == (TRACE, wait["spanId"])
    assert run["startTimeUnixNano"] == wait["endTimeUnixNano"]
    assert run["traceState"] == wait["traceState"] == "vendor=1"
    assert {span["parentSpanId"] for span in spans if attributes(span).get("phase")} == {run["spanId"]}
    assert (told["correlation_id"], told["task_id"], told["attempt"]) == ("RUN-1", task_id, "1")
    assert (told["status"], told["celery.state"]) == ("SUCCESS", "SUCCESS")
    assert {name: value for name, value in told.items() if name.startswith("messaging.")} == {
        "messaging.system": "celery",
        "messaging.operation.name": "run",
        "messaging.operation.type": "process",
        "messaging.destination.name": "medium",
        "messaging.message.id": task_id,
        "messaging.message.conversation_id": "RUN-1",
        "messaging.destination": "medium",
        "messaging.conversation_id": task_id,
    }


@pytest.mark.parametrize("task_type", ["look_up", "refuse_by_value", "leave", "not_json"])
def test_a_run_that_failed_says_with_what_class_of_error_and_has_none_of_the_data(sent, spans_of, task_type):
    (run,) = named(spans_of(sent(task_type)), "run ")
    assert run["scope"] == INSTRUMENTATION
    assert run["status"] == {"code": ERROR}
    assert attributes(run)["error.type"]
    assert not run.get("events")


def test_attempts_of_celerys_own_retry_are_side_by_side(client, sent, spans_of):
    """A stock client's task is sent again by Celery, whose publication would be the next attempt's parent."""
    for trace in (f"00-{TRACE}-{SENDER}-01", None):
        task_id = sent("come_back", "never", traceparent=trace)
        spans = spans_of(task_id)
        waits, runs = named(spans, "wait "), named(spans, "run ")
        assert len(waits) == len(runs) == 2
        assert {span["name"].split()[0] for span in spans} <= {"wait", "take", "run", "validate"}
        assert len({span["traceId"] for span in spans}) == 1
        assert [run["parentSpanId"] for run in runs] == [wait["spanId"] for wait in waits]
        first, second = waits
        assert second["parentSpanId"] == (SENDER if trace else first["spanId"])
        again = attributes(runs[0])
        assert (again["status"], again["celery.retry.reason"]) == ("RETRY", "TemporaryError")


def test_what_a_running_task_publishes_has_a_span_of_the_instrumentation(client, sent, spans_of, wait_until):
    task_id = sent("sends", correlation_id="PUBLISH-1")
    spans_of(task_id)
    child = client.celery_result(task_id)
    spans, above = spans_of(child), spans_of(task_id)
    (publish,), (wait,), (run,) = (named(spans, start) for start in ("publish ", "wait ", "run "))
    told = attributes(publish)

    assert (publish["name"], publish["scope"], publish["kind"]) == ("publish low", INSTRUMENTATION, PRODUCER)
    assert publish["parentSpanId"] == next(span["spanId"] for span in above if span["name"] == "send")
    assert wait["parentSpanId"] == publish["spanId"]
    assert run["parentSpanId"] == wait["spanId"]
    assert (told["task_type"], told["queue"], told["parent_id"]) == ("echo", "low", task_id)
    assert (told["correlation_id"], told["messaging.operation.type"]) == ("PUBLISH-1", "send")
    assert told["messaging.message.conversation_id"] == "PUBLISH-1"


def test_a_publication_that_fails_leaves_no_span_and_what_follows_is_below_the_run(client, sent, spans_of, wait_until):
    task_id = sent("sends_in_vain", correlation_id="VAIN-1")
    spans = spans_of(task_id)
    (run,), (after,) = named(spans, "run "), named(spans, "after")
    assert after["parentSpanId"] == run["spanId"]
    elsewhere = client.celery_result(task_id)  # of a name that this worker does not know
    spans = spans_of(elsewhere)
    (publish,), (wait,) = named(spans, "publish "), named(spans, "wait ")
    assert publish["parentSpanId"] == after["spanId"]
    assert wait["parentSpanId"] == publish["spanId"]
    published = [span for span in spans_in(client.var_dir / "spans") if span["name"].startswith("publish ")]
    assert [attributes(span)["task_id"] for span in published if span["traceId"] == TRACE].count(elsewhere) == 1
    assert all(attributes(span)["correlation_id"] for span in published)
    assert len([span for span in published if attributes(span)["correlation_id"] == "VAIN-1"]) == 1


def test_the_callback_of_a_task_that_was_cut_off_is_in_its_trace(client, spans_of, wait_until):
    """Celery's main process publishes it, where no span is open."""
    for headers in ({"traceparent": f"00-{TRACE}-{SENDER}-01"}, {}):
        callback = client.app.signature("note_failure", queue="low")
        task_id = client.send("stubborn", [{"text": "a"}], link_error=callback, headers=headers)
        spans = spans_of(task_id)

        def noted(trace=spans[0]["traceId"]):
            found = [span for span in spans_in(client.var_dir / "spans") if span["traceId"] == trace]
            return named(found, "run note_failure") and found

        found = wait_until(noted, 20, "the callback has run, in the task's trace")
        (publish,) = named([span for span in found if attributes(span).get("parent_id") == task_id], "publish low")
        parents = {span["spanId"] for span in spans} | {SENDER}
        assert publish["parentSpanId"] in parents


def test_a_message_of_a_task_that_has_ended_leaves_no_span(client, sent, spans_of, wait_until):
    headers = {"correlation_id": "TWICE-1", "traceparent": f"00-{TRACE}-{SENDER}-01", "published_at": time.time()}
    task_id = client.publish([[{"text": SECRET}], {}, {}], task="echo", **headers)
    before = {span["spanId"] for span in spans_of(task_id)}
    client.publish([[{"text": SECRET}], {}, {}], id=task_id, task="echo", **headers)
    actions = {"task.skipped"}
    wait_until(lambda: actions <= {line["event.action"] for line in client.lines(task_id)}, 20, "it is not run again")
    spans_of(sent("echo"))  # what was to be exported before this is exported
    assert {span["spanId"] for span in spans_of(task_id)} == before


def test_an_odd_header_does_not_keep_the_instrumentation_from_ending_the_span(client, spans_of):
    """It takes every header of the message for one of Celery's own."""
    odd = {"declare": 5, "delivery_info": SECRET, "routing_key": SECRET, "exchange": SECRET}
    for headers in (odd, {"state": SECRET, "queue": SECRET, "origin": {"a": 1}, "priority": SECRET, "eta": None}):
        task_id = str(uuid.uuid4())
        client.publish([[{"text": "fine"}], {}, {}], id=task_id, task="echo", **headers)
        (run,) = named(spans_of(task_id), "run ")
        assert run["scope"] == INSTRUMENTATION
        assert attributes(run)["messaging.destination"] == "medium"


def test_an_instrumented_client_is_the_parent_of_what_it_sends(client, spans_of):
    memory, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    CeleryInstrumentor().instrument(tracer_provider=provider)
    try:
        with provider.get_tracer("client").start_as_current_span("a client's own"):
            task_id = client.send("echo", [{"text": "a"}])
    finally:
        CeleryInstrumentor().uninstrument()
    (sender,) = [span for span in memory.get_finished_spans() if span.name == "apply_async/echo"]
    (wait,) = named(spans_of(task_id), "wait ") or named(spans_of(task_id), "run ")
    assert wait["traceId"] == f"{sender.context.trace_id:032x}"
    assert wait["parentSpanId"] == f"{sender.context.span_id:016x}"


def test_every_span_is_in_the_vocabulary_and_none_has_the_tasks_data(client, sent, spans_of):
    """The last test: the files hold what all others did."""
    spans_of(sent("echo"))
    words = vocabulary.load()["span_attributes"].keys()
    steps = [span for span in spans_in(client.var_dir / "spans") if not attributes(span).get("phase")]
    assert len(steps) > 20
    for span in steps:
        assert attributes(span).keys() <= words, span
        assert attributes(span)["correlation_id"]
    for path in (client.var_dir / "spans").glob("*.jsonl"):
        assert SECRET not in path.read_text()
