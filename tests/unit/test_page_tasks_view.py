"""The rows of the page of tasks, and its filters as they were typed."""

from typing import Any

import orjson
import pytest

from monitor.page.tasks.address import TasksAddress
from monitor.page.tasks.rows import task_rows
from monitor.page.tasks.view import filters
from throughline.ledger.stored_task import StoredTask

NOW = 1_764_088_200.0  # 2025-11-25T16:30:00Z


def row(*attempts: dict[str, Any], result: dict[str, Any] | None = None, **fields: Any):
    told = {
        "status": "PENDING",
        "submitted_at": NOW - 5,
        "correlation_id": "A",
        "queue": "low",
        "task_type": "t",
    } | fields
    stored = StoredTask(
        "1",
        {name: str(value) for name, value in told.items()},
        tuple(orjson.dumps(each).decode() for each in attempts),
        result=orjson.dumps(result).decode() if result else "",
    )
    return task_rows([stored], NOW)[0]


def attempt(started: float, finished: float | None = None, outcome: str = "SUCCESS") -> dict[str, Any]:
    ended = {} if finished is None else {"finished_at": NOW + finished, "outcome": outcome}
    return {"worker": "worker-2", "process": 1, "started_at": NOW + started} | ended


def plain(words: str) -> str:
    return words.replace("\N{NO-BREAK SPACE}", " ")


def test_a_task_that_has_ended_shows_its_wait_and_its_run():
    done = row(attempt(-4, -1.5), status="SUCCESS", started_at=NOW - 4, finished_at=NOW - 1.5)

    assert (plain(done.wait), plain(done.run), done.attempts, done.worker) == ("1.00 s", "2.50 s", 1, "worker-2")
    assert (done.status, done.tone, done.error) == ("SUCCESS", "good", "")
    assert done.url == "/journeys/A?task=1"


def test_a_task_that_waits_or_runs_shows_for_how_long():
    waits, runs = row(), row(attempt(-90), status="STARTED", started_at=NOW - 90, submitted_at=NOW - 91)

    assert (plain(waits.wait), waits.run, waits.attempts, waits.worker) == ("5 s so far", "", 0, "")
    assert (plain(runs.wait), plain(runs.run)) == ("1.00 s", "1 m 30 s so far")


def test_a_failure_shows_its_error():
    told = {"status": "FAILURE", "result": {"exc_type": "ValueError", "exc_message": ["x"]}}
    failed = row(attempt(-4, -3, "FAILURE"), result=told, status="FAILURE", started_at=NOW - 4, finished_at=NOW - 3)

    assert (failed.error, failed.tone) == ("ValueError", "bad")


@pytest.mark.parametrize(
    ("ago", "told"),
    [(0.25, "16:29:59"), (3600, "15:30:00"), (86_400, "Nov 24 16:30:00"), (86_400 * 24, "Nov 1 16:30:00")],
)
def test_the_day_is_told_when_it_is_not_today(ago: float, told: str):
    assert row(submitted_at=NOW - ago).submitted == told
    assert row(submitted_at=NOW - 0.25).submitted_in_full == "2025-11-25 16:29:59.750 UTC"


def test_an_id_that_needs_escaping_is_escaped_in_the_link():
    assert row(correlation_id='"><b>/').url == "/journeys/%22%3E%3Cb%3E%2F?task=1"


def test_a_task_without_a_correlation_id_is_found_by_its_own():
    assert row(correlation_id="").url == "/journeys?id=1"


def shown(query: str, errors: dict[str, str] | None = None):
    return filters(TasksAddress.parse(query), errors or {}, ["word_count"])


def test_what_was_typed_stays_with_what_is_wrong_with_it():
    form = shown("slower_than_ms=quick&queue=urgent&status=FAILURE", {"slower_than_ms": "must be a number"})
    (field,) = (each for each in form.fields if each.name == "slower_than_ms")

    assert (field.value, field.error) == ("quick", "must be a number")
    assert form.queue == "urgent"
    assert [status for status, _, chosen in form.statuses if chosen] == ["FAILURE"]


def test_several_states_in_one_parameter_are_all_ticked():
    assert [status for status, _, chosen in shown("status=FAILURE,REVOKED").statuses if chosen] == [
        "FAILURE",
        "REVOKED",
    ]


def test_each_filter_that_is_set_can_be_taken_away():
    chips = shown("status=FAILURE&status=REVOKED&slower_than_ms=500&cursor=x").chips

    assert [(chip.words, chip.url) for chip in chips] == [
        ("FAILURE", "/tasks?status=REVOKED&slower_than_ms=500"),
        ("REVOKED", "/tasks?status=FAILURE&slower_than_ms=500"),
        ("slower than 500 ms", "/tasks?status=FAILURE&status=REVOKED"),
    ]


def test_the_ranges_that_end_now_replace_one_another_and_a_fixed_one():
    (chosen,) = (each for each in shown("since=1h&status=FAILURE").ranges if each.chosen)
    fixed = shown("submitted_after=1&submitted_before=2")

    assert chosen.words == "1 h"
    assert [each.url for each in fixed.ranges] == [
        *(f"/tasks?since={since}" for since in ("15m", "1h", "6h", "1d", "7d")), "/tasks",
    ]  # fmt: skip
    assert not any(each.chosen for each in fixed.ranges)
