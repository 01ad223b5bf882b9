"""Every line is one JSON object that says when, who, for whom and what; ENVIRONMENT says how many lines there are."""

import json
import logging
import os
import subprocess
import sys
import threading
import time

import pytest
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, use_span

from throughline.settings import ProcessSettings
from throughline.telemetry import correlation, tracing
from throughline.telemetry import logging as log_lines
from throughline.telemetry.log_line import NOTICE
from throughline.telemetry.logging import event


@pytest.fixture
def written(capfd):
    """Sets logging up for an environment, and reads what was written since."""
    root = logging.getLogger()
    before = (root.handlers, root.level, sys.excepthook)

    def lines(environment=None):
        if environment:
            log_lines.setup(
                "api", ProcessSettings(environment=environment, service_node_name="fastapi-2", service_version="1.2")
            )
        return [json.loads(line) for line in capfd.readouterr().out.splitlines()]

    yield lines
    root.handlers, root.level, sys.excepthook = before
    logging.captureWarnings(False)


def test_an_event_says_who_for_whom_and_in_which_span(written):
    written("development")
    with correlation.bound("ABC-1", "task-1"), tracing.span("api") as span:
        event("task.submitted", "Accepted", {"queue": "high"})
    (line,) = written()
    assert (
        line.items()
        >= {
            "service.name": "api",
            "service.node.name": "fastapi-2",
            "service.version": "1.2",
            "correlation_id": "ABC-1",
            "task_id": "task-1",
            "event.action": "task.submitted",
            "message": "Accepted",
            "queue": "high",
            "log.level": "notice",
            "trace.id": f"{span.get_span_context().trace_id:032x}",
            "span.id": f"{span.get_span_context().span_id:016x}",
        }.items()
    )


def test_an_event_outside_the_vocabulary_is_refused(written):
    written("development")
    with pytest.raises(KeyError):
        event("task.vanished", "…")


@pytest.mark.parametrize("environment", ["development", "production"])
def test_an_event_of_a_task_without_the_tasks_correlation_id_is_refused_at_every_level(written, environment):
    written(environment)
    for action in ("task.put_back", "task.received", "task.failed"):
        with pytest.raises(ValueError, match=f"{action} has no correlation ID"):
            event(action, "…", {"task_id": "task-1"})
    event("task.put_back", "…", {"correlation_id": "ABC-1"})
    event("worker.stalled", "it is no task's", {"worker": "worker-1"})
    assert [line.get("correlation_id") for line in written()] == ["ABC-1", None]


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ("development", ["task.received", "task.started", "task.succeeded", "task.retried", "task.failed"]),
        ("staging", ["task.started", "task.succeeded", "task.retried", "task.failed"]),
        ("production", ["task.succeeded", "task.retried", "task.failed"]),
    ],
)
def test_the_environment_picks_the_levels(written, environment, expected):
    written(environment)
    for action in ("task.received", "task.started", "task.succeeded", "task.retried", "task.failed"):
        event(action, "…", {"correlation_id": "ABC-1"})
    assert [line["event.action"] for line in written()] == expected


@pytest.mark.parametrize("environment", ["development", "staging", "production"])
def test_a_library_debug_line_which_may_hold_task_data_is_never_written(written, environment):
    written(environment)
    logging.getLogger("celery.worker.strategy").debug("TaskPool: Apply %s", {"price": 150.0})
    assert written() == []


def test_an_exception_is_fields_of_its_line_and_not_lines_of_its_own(written):
    written("production")
    try:
        raise ValueError("first\nsecond")
    except ValueError:
        logging.getLogger("throughline.api").exception("It broke\nhere")
    (line,) = written()
    assert (line["error.type"], line["error.message"]) == ("ValueError", "first\nsecond")
    assert "test_log_lines.py" in line["error.stack_trace"]
    assert line["log.level"] == "error"


def test_the_traceback_of_a_dying_process_is_json_too(written):
    written("production")
    sys.excepthook(RuntimeError, RuntimeError("gone"), None)
    (line,) = written()
    assert (line["error.type"], line["log.level"]) == ("RuntimeError", "critical")


def test_a_notice_is_a_notice_whatever_billiard_calls_its_level(written):
    written("development")
    billiard_name, own_name = "SUBWARNING", logging.getLevelName(NOTICE)
    logging.addLevelName(NOTICE, billiard_name)
    try:
        event("task.submitted", "Accepted", {"correlation_id": "ABC-1"})
    finally:
        logging.addLevelName(NOTICE, own_name)

    (line,) = written()
    assert line["log.level"] == "notice"


@pytest.mark.parametrize(("flags", "told"), [(0, False), (1, None), (2, False), (3, None)])
def test_a_line_says_so_when_its_trace_leaves_no_spans(written, flags, told):
    written("development")
    span = NonRecordingSpan(SpanContext(trace_id=7, span_id=8, is_remote=True, trace_flags=TraceFlags(flags)))
    with use_span(span):
        event("worker.stalled", "…")
        logging.getLogger("library").warning("…")
    event("worker.stalled", "of no trace")

    of_event, of_library, of_none = written()
    assert of_event["trace.id"] == of_library["trace.id"] == f"{7:032x}"
    assert of_event.get("trace.sampled") is of_library.get("trace.sampled") is told
    assert "trace.sampled" not in of_none


def test_events_and_the_lines_of_libraries_have_the_same_fields_in_the_order_they_happened(written):
    written("development")
    with correlation.bound("ABC-1", "task-1"), tracing.span("api"):
        event("task.submitted", "first")
        logging.getLogger("library").warning("second")
        event("task.submitted", "third")

    lines = written()
    assert [line["message"] for line in lines] == ["first", "second", "third"]
    assert lines[0].keys() - {"event.action"} == lines[1].keys() - {"log.logger"}
    assert lines[0]["@timestamp"] <= lines[1]["@timestamp"] <= lines[2]["@timestamp"]
    assert all(len(line["@timestamp"]) == len("2026-01-01T00:00:00.000000Z") for line in lines)


def test_another_handler_sees_events_as_records_and_the_line_is_the_same(written, caplog):
    written("development")
    formatter = logging.Formatter("%(asctime)s.%(msecs)d %(levelname)s %(name)s %(pathname)s:%(lineno)d %(funcName)s "
                                  "%(process)d %(processName)s %(thread)s %(threadName)s %(message)s")  # fmt: skip
    event("task.submitted", "100 % accepted", {"correlation_id": "ABC-1"})
    logging.getLogger().addHandler(caplog.handler)
    event("task.submitted", "100 % accepted", {"correlation_id": "ABC-1"})

    (record,) = caplog.records
    assert record.getMessage() == "100 % accepted"
    assert formatter.format(record).endswith("100 % accepted")
    assert caplog.text
    alone, beside_a_record = written()
    assert list(alone) == list(beside_a_record)
    assert alone | {"@timestamp": ""} == beside_a_record | {"@timestamp": ""}


def test_a_value_that_json_cannot_hold_costs_neither_its_line_nor_the_next(written):
    written("development")
    event("worker.stalled", "half a surrogate pair: \udc80", {"tasks.in_flight": 2**70, "worker": object()})
    event("worker.stalled", "next")
    assert [line["message"] for line in written()] == ["half a surrogate pair: ?", "next"]


def test_lines_of_many_threads_stay_whole(written):
    written("development")
    text = "x" * 10_000

    def write():
        for _ in range(20):
            event("worker.stalled", text)

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [line["message"] for line in written()] == [text] * 160


_WRITES_MORE_THAN_A_PIPE_HOLDS = """
import os
from throughline.settings import ProcessSettings
from throughline.telemetry import logging
os.set_blocking(1, %s)
logging.setup("worker", ProcessSettings())
for number in range(40):
    logging.event("worker.stalled", "x" * 10_000, {"worker": str(number)})
    %s
os._exit(0)
"""


def written_through_a_pipe(*, blocking, printed="pass"):
    """The lines of a process whose pipe is full before anybody reads it."""
    command = [sys.executable, "-c", _WRITES_MORE_THAN_A_PIPE_HOLDS % (blocking, printed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ | {"ENVIRONMENT": "development"}) as process:
        assert process.stdout is not None
        time.sleep(1)  # the pipe fills meanwhile
        return process.stdout.read().decode().splitlines()


def test_a_line_goes_out_whole_through_a_pipe_that_is_full_and_before_the_process_is_gone():
    written = written_through_a_pipe(blocking=False)
    assert [json.loads(line)["worker"] for line in written] == [str(number) for number in range(40)]


def test_what_a_task_prints_stays_in_order_with_its_lines():
    written = written_through_a_pipe(blocking=True, printed='print("printed", number)')
    assert [json.loads(line)["worker"] for line in written[::2]] == [str(number) for number in range(40)]
    assert written[1::2] == [f"printed {number}" for number in range(40)]
