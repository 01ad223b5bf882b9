"""What the page tells of a task's input and result, whatever they hold and wherever they come from."""

import json
import re
import time
from dataclasses import replace
from typing import Any

import pytest

from monitor.page.contents.pages import file_name
from monitor.page.contents.printed_json import MOST, printed
from monitor.page.contents.view import contents_view, gone, input_of
from monitor.page.responses import rendered
from tests.integration.ended_task import NOON, ended
from throughline.ledger.envelope import Origin, celery_message
from throughline.ledger.message import Queue
from throughline.ledger.stored_task import StoredTask

WEEK = 7 * 86_400
RIGHT_TO_LEFT = "\u202e"


def submitted(data: Any, result: Any = None) -> StoredTask:
    """A task with this input, as the front door writes it, and this result, as a worker stores it."""
    message = celery_message("t-1", "word_count", data, Queue.LOW, Origin("ABC-1", ""), published_at=NOON).decode()
    task = ended("t-1")
    return replace(task, message=message, result=json.dumps({"status": "SUCCESS", "result": result}))


def page(task: StoredTask) -> str:
    return rendered("task_contents.html", contents=contents_view(task, WEEK))


def test_input_and_result_are_told_with_how_long_they_are_kept():
    told = contents_view(submitted({"text": "to be"}, {"words": 2}), WEEK)
    assert (told.input.text, told.result.text) == ('{"text": "to be"}', '{"words": 2}')
    assert (told.input.url, told.result.url) == ("/tasks/t-1/input", "/tasks/t-1/result")
    assert told.kept == "Kept for 7 days, until 2023-11-21 22:13:21 UTC."
    assert contents_view(replace(submitted(1), fields={"status": "PENDING"}), 90).kept.startswith("Kept for 90 seconds")


def test_what_strangers_sent_stays_text():
    hostile = f"<script>alert(1)</script>{RIGHT_TO_LEFT}\x00</pre>\u2028"
    html = page(submitted({hostile: hostile}, {"text": hostile}))
    assert "<script>" not in html and html.count("</pre>") == 2
    assert RIGHT_TO_LEFT not in html and "\u2028" not in html and "\x00" not in html
    assert html.count("\\u202e") == 3  # as JSON escapes it

    failed = ended("t-2", status="FAILURE", message=hostile, error="Odd<b>Error")
    html = page(failed)
    assert "<script>" not in html and "<b>" not in html and RIGHT_TO_LEFT not in html
    assert "Odd&lt;b&gt;Error" in html and "alert(1)" in html


def test_a_large_input_is_packed_in_its_message_and_shown_from_its_beginning_with_a_link_to_the_whole():
    data = {"positions": [{"symbol": f"S{i}", "quantity": i, "price": 1.5} for i in range(40_000)]}
    task = submitted(data, "x" * 1_000_000)
    begun = time.process_time()
    told = contents_view(task, WEEK)
    assert time.process_time() - begun < 2
    for part in (told.input, told.result):
        assert part.cut and len(part.text) <= MOST
    assert input_of(task) == data
    html = page(task)
    assert len(html) < 3 * MOST
    assert 'href="/tasks/t-1/input" download' in html and "The whole result as a file" in html


def test_each_end_says_what_there_is():
    pending = replace(submitted({"a": 1}), result="", fields={"status": "STARTED"})
    assert contents_view(pending, WEEK).result.says == "Not there yet: the task is STARTED."
    failed = contents_view(ended("t-1", status="FAILURE"), WEEK)
    assert failed.error == ("ValueError", "position 3 of 7 is wrong")
    assert (failed.result.says, failed.result.text) == ("", "")
    assert "cancelled" in contents_view(replace(ended("t-1", status="REVOKED"), result=""), WEEK).result.says
    assert contents_view(replace(ended("t-1"), result=""), WEEK).result.says.startswith("Not kept: the worker")
    assert contents_view(submitted(1, None), WEEK).result.text == "null"
    lost = gone("t-1", WEEK)
    assert lost.input.says == "No longer there: input and result are kept for 7 days after the task's end."


def test_a_result_that_is_no_json_says_where():
    task = replace(submitted({"a": 1}), result='{"status": "SUCCESS", "result": {"price": NaN}}')
    told = contents_view(task, WEEK)
    assert told.result.says == "It cannot be told: result.price is NaN: JSON has no such number."
    assert told.error is not None and told.error[0] == "UnreadableResult"
    assert told.input.text == '{"a": 1}'


@pytest.mark.parametrize("message", ["", "{}", "no JSON", '{"headers": {}, "body": "W1tOYU5dLCB7fSwge31d"}'])
def test_an_input_that_this_api_did_not_write_breaks_nothing(message: str):
    told = contents_view(replace(submitted(1, 2), message=message), WEEK)
    assert told.input.says.startswith("Not kept" if not message else "It cannot be read")
    assert (told.input.text, told.input.url, told.result.text) == ("", "", "2")


def test_any_task_id_makes_one_address_and_one_file_name():
    task = submitted(1, 2)
    odd = contents_view(replace(task, task_id='a/b?"<\n'), WEEK)
    assert odd.input.url == "/tasks/a%2Fb%3F%22%3C%0A/input"
    assert re.fullmatch(r"[\w.-]+\.json", file_name('../a"\r\nb', "input"))


def test_json_is_printed_as_people_read_it():
    value = {
        "positions": [{"symbol": "AAPL", "quantity": 100}] * 2,
        "returns": [i / 7 for i in range(40)],
        "nothing": {},
        "mixed": [1, [2]],
        "é": 10**30,
    }
    told = printed(value)
    assert json.loads(told.text) == value and not told.cut
    lines = told.text.splitlines()
    assert lines[2] == '    {"symbol": "AAPL", "quantity": 100},'
    assert max(map(len, lines)) <= 102
    assert len(lines) < 30


def test_nothing_is_too_deep_or_too_long_to_be_printed():
    deep: Any = 1
    for _ in range(1_000):
        deep = {"a": [deep]}
    assert "…" in printed(deep).text
    for large in ("x" * 10**6, ["x" * 10**6] * 1_000, list(range(10**6)), {"x" * 10**6: 1}):
        assert printed(large).cut and len(printed(large).text) == MOST
