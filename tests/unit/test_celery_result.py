"""Whatever lies where Celery keeps a task's result, the task can be told, and so can each list that it is in."""

import json

import pytest

from api.routes.tasks import TaskPage
from api.services.task_view import task_view
from throughline.ledger.celery_result import DEEPEST, celery_meta
from throughline.ledger.stored_task import StoredTask

RECORD = {"task_type": "echo", "queue": "high", "priority": "high", "correlation_id": "A", "submitted_at": "1790000000"}


def nested(depth):
    return "[" * depth + "1" + "]" * depth


def told(result, status="SUCCESS"):
    """The task as a page of a list tells it."""
    view = task_view(StoredTask("t", RECORD | {"status": status}, result=result))
    return json.loads(TaskPage(tasks=[view]).model_dump_json())["tasks"][0]


@pytest.mark.parametrize(
    "value", ["12345678901234567890123", "-0.0", '"\\u0000"', '{"a": [1, {"b": null}]}', nested(DEEPEST)]
)
def test_a_result_is_told_as_it_was_stored(value):
    assert told(f'{{"status": "SUCCESS", "result": {value}}}')["result"] == json.loads(value)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("NaN", None),
        ('{"\\udc80 name": ["\\ud800"]}', {"? name": ["?"]}),
    ],
)
def test_what_json_has_no_words_for_is_told_otherwise(value, shown):
    assert told(f'{{"status": "SUCCESS", "result": {value}}}')["result"] == shown


@pytest.mark.parametrize("depth", [DEEPEST + 1, 253, 255, 900, 100_000])
def test_a_result_that_no_serializer_takes_is_cut_off(depth):
    text = json.dumps(told(f'{{"status": "SUCCESS", "result": {nested(depth)}}}'))
    assert "nested too deeply" in text or "result" not in json.loads(text) or json.loads(text)["result"] is None


def test_an_error_that_quotes_the_name_of_a_file_is_told():
    failure = json.dumps({"exc_type": "OSError", "exc_message": [2, "no such file: caf\udce9.csv"]})
    error = told(f'{{"status": "FAILURE", "result": {failure}}}', "FAILURE")["error"]
    assert error == {"type": "OSError", "message": "2 no such file: caf?.csv"}


@pytest.mark.parametrize("text", ["", "\x80\x04K\x01.", "[1]", "null", '"SUCCESS"', "{", '{"status": ["SUCCESS"]}'])
def test_what_is_no_result_of_celery_is_none(text):
    assert told(text, "PENDING")["status"] == "PENDING"


def test_a_state_that_a_stranger_stored_has_no_words():
    assert told('{"status": "FAILURE", "result": "stopped by hand"}', "PENDING")["error"] == {
        "type": "Error",
        "message": "",
    }


def test_integers_keep_every_digit():
    assert celery_meta('{"result": 1000000000000000000000000000001}') == {"result": 10**30 + 1}
