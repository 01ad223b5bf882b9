"""Every line is one JSON object that says when, who, for whom and what; ENVIRONMENT says how many lines there are."""

import json
import logging
import sys

import pytest

from throughline.settings import ProcessSettings
from throughline.telemetry import correlation, tracing
from throughline.telemetry import logging as log_lines
from throughline.telemetry.logging import event


@pytest.fixture
def written(capfd):
    """Sets logging up for an environment, and reads what was written since."""
    root = logging.getLogger()
    before = (root.handlers, root.level, sys.excepthook)

    def lines(environment=None):
        if environment:
            log_lines.setup("api", ProcessSettings(environment=environment, service_node_name="fastapi-2"))
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
    billiard_name, own_name = "SUBWARNING", logging.getLevelName(log_lines.NOTICE)
    logging.addLevelName(log_lines.NOTICE, billiard_name)
    try:
        event("task.submitted", "Accepted", {"correlation_id": "ABC-1"})
    finally:
        logging.addLevelName(log_lines.NOTICE, own_name)

    (line,) = written()
    assert line["log.level"] == "notice"
