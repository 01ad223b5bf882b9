"""Replaying all of one error from its page: which tasks that is, how many at a time, and what is said of the others."""

from typing import Any
from urllib.parse import urlencode

import orjson
import pytest

from monitor.page.profile.dead_letters import DeadLetters, dead_letters
from monitor.page.profile.error_groups import Groups
from monitor.page.profile.replay_form import ReplayForm
from monitor.page.refusal import Refused
from monitor.page.tasks.action_form import ActionView
from throughline.ledger.history import DeadLetter, ErrorGroup
from throughline.ledger.stored_task import StoredTask

ERROR = ("ConnectionError", "no answer from <text>")


def ended(task_id: str, reason: str = "retries_used_up", task_type: str = "word_count") -> StoredTask:
    attempt = {"started_at": 1.0, "finished_at": 2.0, "outcome": "FAILURE", "ended_by": reason}
    result = {"status": "FAILURE", "result": {"exc_type": "ConnectionError", "exc_message": ["no answer"]}}
    fields = {"status": "FAILURE", "task_type": task_type, "submitted_at": "1"}
    return StoredTask(task_id, fields, (orjson.dumps(attempt).decode(),), result=orjson.dumps(result).decode())


def confirmation(ids: int, failed: int, *, more: bool = False) -> ActionView:
    form = ReplayForm.parse(
        urlencode({"error_type": ERROR[0], "message": ERROR[1], "back": "/errors?since=1h"}).encode()
    )
    group = ErrorGroup(*ERROR, failed, 1.0, 2.0, "task-1", "ABC-1")
    dead = DeadLetters({ERROR: tuple(f"task-{number}" for number in range(ids))}, more)
    return form.confirmation(Groups((group,), dead), "once")


def test_a_dead_letter_that_was_replayed_since_and_a_failure_of_another_kind_are_none():
    kept = [DeadLetter("old", *ERROR), DeadLetter("replayed", *ERROR), DeadLetter("other", "KeyError", "")]
    found = dead_letters(kept, ["replayed"], [])

    assert found.of(*ERROR) == ("old",)
    assert found.of("KeyError", "") == ("other",)
    assert found.of("ValueError", "") == ()


def test_what_the_history_does_not_have_yet_is_found_in_redis_and_told_once():
    here = [ended("new"), ended("permanent", "failed"), ended("elsewhere", task_type="sum")]
    found = dead_letters([DeadLetter("new", "ConnectionError", "no answer")], [], here, "word_count")

    assert found.of("ConnectionError", "no answer") == ("new",)


@pytest.mark.parametrize(
    ("ids", "failed", "more", "heading", "says"),
    [
        (1, 1, False, "Replay the 1 dead letter of ", "goes back into its queue"),
        (12, 12, False, "Replay all 12 dead letters of ", "goes back into its queue"),
        (12, 13, False, "Replay all 12 dead letters of ", "1 other task with this error is no dead letter, and stays"),
        (12, 30, False, "Replay all 12 dead letters of ", "18 other tasks with this error are no dead letters, and st"),
        (1234, 1234, False, "Replay 200 of 1,234 dead letters of ", "The others can be replayed after these."),
        (150, 9999, True, "Replay 150 of 150 or more dead letters of ", "The others can be replayed after these."),
        (0, 3, False, "No dead letter of ", "3 other tasks with this error are no dead letters"),
    ],
)  # fmt: skip
def test_the_confirmation_says_which_error_how_many_and_what_of_the_rest(
    ids: int, failed: int, more: bool, heading: str, says: str
):
    view = confirmation(ids, failed, more=more)

    assert view.heading == heading + ("ConnectionError?" if ids else "ConnectionError is left")
    assert says in view.means
    assert "no answer from <text>" in view.means
    assert len(view.task_ids) == min(ids, 200)
    assert (view.action.name, view.back.url) == ("replay", "/errors?since=1h")


@pytest.mark.parametrize("body", [b"\xff=1", b"&".join(b"a%d=1" % number for number in range(30))])
def test_what_is_no_form_of_the_page_is_refused(body: bytes):
    with pytest.raises(Refused, match="not a form of the page"):
        ReplayForm.parse(body)


def test_the_words_of_the_error_are_cut_where_they_are_long():
    form: dict[str, Any] = {"error_type": "E", "message": "x" * 5000}
    told = ReplayForm.parse(urlencode(form).encode()).confirmation(Groups(()), "once")

    assert len(told.means) < 300
