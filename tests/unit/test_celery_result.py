"""Whatever lies where Celery keeps a task's result, the task can be told, and so can each list that it is in."""

import json

import pytest

from api.routes.tasks import TaskPage
from api.services.task_view import task_view
from throughline.ledger.celery_result import DEEPEST, celery_result
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


def test_half_a_character_is_told_otherwise():
    assert told('{"status": "SUCCESS", "result": {"\\udc80 name": ["\\ud800"]}}')["result"] == {"? name": ["?"]}


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("NaN", "result is NaN: JSON has no such number"),
        ('{"legs": [{"price": 1.5}, {"price": -Infinity}]}', "result.legs[1].price is infinite"),
        ('{"a b": 1e400}', "result['a b'] is infinite"),
        ('{"a": 1, "a": NaN}', "result.a is NaN"),
        ("[" * 900 + "NaN" + "]" * 900, "result" + "[0]" * 900 + " is NaN"),
    ],
)
@pytest.mark.parametrize("recorded", ["SUCCESS", "STARTED"])
def test_a_number_that_json_does_not_have_is_no_null_but_told_with_its_place(value, why, recorded):
    task = told(f'{{"status": "SUCCESS", "result": {value}}}', recorded)
    assert (task["status"], task["result"], task["error"]["type"]) == ("SUCCESS", None, "UnreadableResult")
    assert why in task["error"]["message"]


@pytest.mark.parametrize("text", ["\x80\x04K\x01.", "{", "[1]", "1" * 5_000])
def test_a_result_that_is_no_json_is_told_to_be_none(text):
    task = told(text)
    assert (task["status"], task["result"], task["error"]["type"]) == ("SUCCESS", None, "UnreadableResult")


def test_a_result_that_a_list_leaves_out_is_no_unreadable_one():
    assert told("")["error"] is None


@pytest.mark.parametrize("progress", ['{"fraction": NaN}', "{", "7", '{"fraction": "half"}', '{"fraction": 0.5}'])
def test_progress_that_cannot_be_told_is_left_out(progress):
    view = task_view(StoredTask("t", RECORD | {"status": "STARTED", "progress": progress}))
    assert (view.status, view.progress) == ("STARTED", None)


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
    assert celery_result('{"result": 1000000000000000000000000000001}') == ({"result": 10**30 + 1}, "")
