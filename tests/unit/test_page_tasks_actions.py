"""Cancel, replay and submit again for chosen tasks: what the form must hold, what the API is asked, what is told."""

import asyncio
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from monitor.page.refusal import Refused
from monitor.page.tasks import actions
from monitor.page.tasks.action_form import ActionForm, confirmation, result
from monitor.page.tasks.actions import ACTIONS, MOST, Asker, Outcome, TaskActions
from tests.conftest import free_port
from tests.json_server import Server
from throughline.settings import MonitorSettings

ASKER = Asker("ASKED-1", "key-1", "once")


@pytest.fixture
def api() -> Iterator[Server]:
    with Server() as server:
        yield server


def carried_out(url: str, action: str, *task_ids: str, asker: Asker = ASKER) -> list[Outcome]:
    async def run() -> list[Outcome]:
        asked = TaskActions(MonitorSettings(redis_url="redis://127.0.0.1:1/0", api_url=url))
        try:
            return await asked.carry_out(ACTIONS[action], task_ids, asker)
        finally:
            await asked.close()

    return asyncio.run(run())


def form(**fields: Any) -> ActionForm:
    return ActionForm.parse(urlencode({"token": "t", "action": "cancel", "task": ["a"]} | fields, doseq=True).encode())


@pytest.mark.parametrize(
    ("action", "answer", "asked", "told"),
    [
        ("cancel", {"status": "REVOKED"}, "DELETE /api/v1/tasks/a", "cancelled"),
        ("cancel", {"status": "STARTED"}, "DELETE /api/v1/tasks/a", "asked to stop at its next checkpoint"),
        ("replay", {"status": "PENDING", "queue": "low"}, "POST /api/v1/dead-letters/a/replay", "back in low"),
        ("resubmit", {"status": "PENDING"}, "POST /api/v1/tasks/a/resubmit", "submitted again as"),
    ],
)
def test_the_api_is_asked_for_each_action(api: Server, action: str, answer: dict[str, str], asked: str, told: str):
    api.answer = {"task_id": "b"} | answer

    assert carried_out(api.url, action, "a") == [Outcome("a", True, told, "b" if action == "resubmit" else "")]
    assert [each for each, _ in api.asked] == [asked]


def test_it_is_asked_with_the_viewers_key_and_under_the_correlation_id_of_the_request(api: Server):
    api.answer = {"task_id": "b", "status": "PENDING"}
    carried_out(api.url, "resubmit", "a", "b")
    carried_out(api.url, "resubmit", "c", asker=Asker("ASKED-2", "", "once"))

    assert {each["X-Request-ID"] for each in api.headers} == {"ASKED-1", "ASKED-2"}
    assert {each["Authorization"] for each in api.headers} == {"Bearer key-1", None}


def test_a_form_that_is_sent_twice_has_the_same_idempotency_keys_and_another_confirmation_has_others(api: Server):
    api.answer = {"task_id": "x", "status": "PENDING"}
    for once in ("one", "one", "two"):
        carried_out(api.url, "resubmit", "a", "ü" * 200, 'quo"te', asker=Asker("A", "", once))
    keys = [each["Idempotency-Key"] for each in api.headers]

    assert len(set(keys)) == 6
    assert all(3 <= len(key) <= 257 and key.isascii() and key.strip('"').count('"') == 0 for key in keys)


def test_a_refusal_is_told_in_the_apis_own_words(api: Server):
    api.status, api.answer = 409, {"code": "TASK_FINISHED", "detail": "Task a has finished."}

    assert carried_out(api.url, "cancel", "a", "b") == [
        Outcome(task_id, False, "Task a has finished. (TASK_FINISHED)") for task_id in ("a", "b")
    ]


def test_an_api_that_is_not_there_is_named_with_the_setting_that_says_where():
    url = f"http://127.0.0.1:{free_port()}"
    (outcome,) = carried_out(url, "cancel", "a")

    assert not outcome.done
    assert outcome.words == f"The API at {url} does not answer (ConnectError); API_URL names it."


def test_an_answer_that_is_not_the_apis_is_no_success(api: Server):
    (outcome,) = carried_out(api.url, "cancel", "a")

    assert (outcome.done, "UNEXPECTED_ANSWER" in outcome.words) == (False, True)


def test_what_is_not_answered_in_time_is_told_as_not_known(monkeypatch: pytest.MonkeyPatch, api: Server):
    monkeypatch.setattr(actions, "_SECONDS", 0.0)
    outcomes = carried_out(api.url, "cancel", "a", "b")

    assert [outcome.task_id for outcome in outcomes] == ["a", "b"]
    assert all(not outcome.done and "No answer came" in outcome.words for outcome in outcomes)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"action": "delete"}, "action: there is no 'delete'; there are cancel, replay, resubmit"),
        ({"task": []}, "none was chosen"),
        ({"task": [str(number) for number in range(MOST + 1)]}, "201 were chosen; at most 200 at a time"),
        ({"task": ".."}, "task: task_id must be a task's ID"),
        ({"task": "a\nb"}, "task: task_id must be a task's ID"),
    ],
)
def test_a_wrong_form_is_refused_with_what_is_wrong(fields: dict[str, Any], says: str):
    with pytest.raises(Refused, match=says) as refused:
        form(**fields).wanted()
    assert refused.value.status == 422


@pytest.mark.parametrize("body", [b"\xff=1", b"&".join(b"task=%d" % number for number in range(1001))])
def test_what_is_no_form_of_the_page_is_refused(body: bytes):
    with pytest.raises(Refused, match="not a form of the page"):
        ActionForm.parse(body)


def test_the_most_tasks_are_taken_each_once():
    wanted = form(task=[str(number % MOST) for number in range(2 * MOST)])

    assert wanted.wanted().name == "cancel"
    assert len(wanted.task_ids) == MOST


def test_the_way_back_leads_to_the_list_and_nowhere_else():
    assert form(back="status=FAILURE&since=1h").back.url == "/tasks?status=FAILURE&since=1h"
    assert form(back="//evil.example/?a=b").back.url.startswith("/tasks?")


@pytest.mark.parametrize(
    ("back", "words"),
    [("/journeys/ABC-1?task=t-1", "Back to the journey"), ("/errors?since=1h&task_type=a", "Back to the errors")],
)
def test_the_way_back_leads_to_the_page_that_the_form_was_on(back: str, words: str):
    assert (form(back=back).back.url, form(back=back).back.words) == (back, words)


@pytest.mark.parametrize(
    "back", ["//evil.example/", "/\\evil.example", "javascript:alert(1)", "/journeys/../../x y", "/errors\nA: b",
             "/journeys//evil.example", "https://evil.example/errors", "/errorsx"]
)  # fmt: skip
def test_the_way_back_leads_to_no_other_place(back: str):
    assert form(back=back).back.url.split("?")[0] == "/tasks"


def test_the_words_of_the_confirmation_reach_the_api_as_they_were_typed(api: Server):
    api.answer = {"task_id": "a", "status": "REVOKED"}
    carried_out(api.url, "cancel", "a", asker=Asker("A", "", "once", "Übertrag"))

    assert api.headers[0]["X-Why"].encode("latin-1").decode() == "Übertrag"


@pytest.mark.parametrize("why", ["two\nlines", "x" * 201, "\x1b[31m"])
def test_words_that_the_api_would_refuse_are_refused_before_anything_is_done(why: str):
    with pytest.raises(Refused, match="why: Must"):
        form(why=why)


@pytest.mark.parametrize(
    ("action", "count", "heading"),
    [("cancel", 1, "Cancel 1 task?"), ("replay", 2, "Replay 2 tasks?"), ("resubmit", 2, "Submit 2 tasks again?")],
)
def test_the_confirmation_says_how_many(action: str, count: int, heading: str):
    asked = form(action=action, task=[str(number) for number in range(count)])

    assert confirmation(asked, asked.wanted(), "once").heading == heading


def test_the_result_says_how_many_were_done_and_how_many_were_not():
    asked = form(task=["a", "b", "c"])
    told = result(
        asked, asked.wanted(), [Outcome("a", True, ""), Outcome("b", False, ""), Outcome("c", False, "")], "A"
    )

    assert told.heading == "Cancel: 1 of 3 tasks done"
    assert told.means == "2 tasks were not: see why below."
