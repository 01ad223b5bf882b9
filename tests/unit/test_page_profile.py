"""The pages about many tasks: what they are asked for, and what they show."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest

from monitor.page.profile.asked import asked, rounded
from monitor.page.profile.error_groups import Groups, groups_of, merged, to_dict
from monitor.page.profile.errors_view import errors_view
from monitor.page.profile.profile_view import profile_view
from monitor.page.refusal import Refused
from monitor.page.responses import rendered
from throughline.ledger.history import ErrorGroup
from throughline.ledger.stored_task import StoredTask
from throughline.profile import Figures, Key, Profile, Step, profile_of

NOW = datetime(2026, 11, 25, 16, 0, 7, tzinfo=UTC)
MS = 10**6
FIGURES = {
    Key("word_count", Step.NGINX): Figures(100, 3 * MS, 5 * MS, 9 * MS, 300 * MS),
    Key("word_count", Step.WAIT): Figures(100, 10 * MS, 40 * MS, 1500 * MS, 1200 * MS),
    Key("word_count", Step.RUN): Figures(100, 10 * MS, 40 * MS, 50 * MS, 1500 * MS),
    Key("word_count", Step.PHASE, "<b>split</b>"): Figures(100, 5 * MS, 20 * MS, 25 * MS, 700 * MS),
}


def profile(since: str = "1h", until: str = "", task_type: str = "") -> Profile:
    return profile_of(FIGURES, asked(since, until, task_type, NOW).window, is_exact=True)


def failed(number: int, message: str, *, ended: float = 1000.0, error: str = "ValueError") -> StoredTask:
    fields = {"status": "FAILURE", "task_type": "word_count", "submitted_at": "900", "finished_at": str(ended)}
    result = {"status": "FAILURE", "result": {"exc_type": error, "exc_message": [message]}}
    return StoredTask(
        f"task-{number}", fields | {"correlation_id": f"C-{number}"}, result=orjson.dumps(result).decode()
    )


@pytest.mark.parametrize(
    ("since", "until", "says"),
    [("yesterday", "", "since must be how long ago"), ("1h", "soon", "until must be"), ("1h", "2h", "before until")],
)
def test_a_time_that_makes_no_sense_is_refused_by_name(since: str, until: str, says: str):
    with pytest.raises(Refused, match=says) as refused:
        asked(since, until, "", NOW)
    assert refused.value.status == 422


def test_those_who_ask_at_about_the_same_time_share_an_answer():
    seconds = [rounded(asked("1h", "", "", NOW + timedelta(seconds=late)).window) for late in (0, 2, 3)]

    assert seconds[0] == seconds[1] != seconds[2]


def test_the_page_shows_every_step_and_leads_to_slower_tasks():
    what = asked("1h", "", "", NOW)
    (only,) = profile_view(profile(), what, "var").types

    assert [(step.name, step.count, step.p50, step.share) for step in only.steps] == [
        ("nginx", "100", "3.00 ms", "10 %"),
        ("wait", "100", "10.0 ms", "40 %"),
        ("run", "100", "10.0 ms", "50 %"),
        ("<b>split</b>", "100", "5.00 ms", "23 %"),
    ]
    nginx, wait, *_ = only.steps
    assert not nginx.slower_url
    assert parse_qs(urlsplit(wait.slower_url).query) == {
        "task_type": ["word_count"],
        "slower_than_ms": ["1500"],
        "submitted_after": ["2026-11-25T15:00:07Z"],
    }
    assert only.url == "/profile?since=1h&task_type=word_count"


def test_the_page_is_html_in_which_a_phase_is_text_only():
    html = rendered("profile.html", view=profile_view(profile(), asked("1h", "", "", NOW), "var"))

    assert "&lt;b&gt;split&lt;/b&gt;" in html
    assert "<b>" not in html
    empty = Profile(asked("1h", "", "x", NOW).window, (), is_exact=True)
    assert "No step of a task of type x began" in rendered(
        "profile.html", view=profile_view(empty, asked("1h", "", "x", NOW), "var")
    )


def test_failures_with_the_same_class_and_shape_are_one_group():
    groups = groups_of(
        [
            failed(1, "no price for 'AAPL' at 12", ended=1000),
            failed(2, "no price for 'MSFT' at 7", ended=1500),
            failed(3, "no price for 'MSFT' at 7", error="KeyError"),
            StoredTask("task-4", {"status": "SUCCESS", "submitted_at": "1"}),
        ]
    )

    assert [(each.error_type, each.count) for each in groups] == [("ValueError", 2), ("KeyError", 1)]
    both = groups[0]
    assert (both.first, both.last, both.task_id, both.correlation_id) == (1000, 1500, "task-2", "C-2")
    assert "AAPL" not in both.shape
    assert not groups_of([failed(1, "x")], "another_type")


def test_a_time_limit_is_told_in_words_and_not_as_a_bare_number():
    failure = {"exc_type": "TimeLimitExceeded", "exc_module": "billiard.exceptions", "exc_message": [4.0]}
    stored = orjson.dumps({"status": "FAILURE", "result": failure}).decode()
    (group,) = groups_of([StoredTask("task-1", {"status": "FAILURE", "submitted_at": "900"}, result=stored)])

    assert group.shape == "It ran past its time limit of <n> s, at which its process was killed."


def test_what_redis_has_is_added_to_what_the_history_has():
    (in_redis,) = groups_of([failed(9, "no price for 'X' at 1", ended=2000)])
    kept = [
        ErrorGroup("ValueError", in_redis.shape, 5, 100.0, 900.0, "task-1", "C-1"),
        ErrorGroup("KeyError", "x", 7, 100.0, 900.0, "task-2", "C-2"),
    ]

    together = merged(kept, [in_redis])
    assert [(each.error_type, each.count) for each in together] == [("KeyError", 7), ("ValueError", 6)]
    assert (together[1].first, together[1].last, together[1].task_id) == (100, 2000, "task-9")


def test_the_page_of_errors_leads_to_an_example_and_to_all_of_them():
    group = ErrorGroup("ValueError", "<script> for <text>", 3, 1000.0, NOW.timestamp() - 90, "task 1", "C-1")
    what = asked("1h", "", "word_count", NOW)
    view = errors_view(Groups((group,)), what, NOW)

    (row,) = view.groups
    assert view.told == "3 tasks failed, with 1 kind of error"
    assert (row.journey_url, row.ago) == ("/journeys/C-1?task=task%201", "1 m 30 s ago")
    assert row.tasks_url == "/tasks?status=FAILURE&error_type=ValueError&task_type=word_count"
    html = rendered("errors.html", view=view)
    assert "&lt;script&gt; for &lt;text&gt;" in html
    assert "No task failed" in rendered("errors.html", view=errors_view(Groups(()), asked("1h", "", "", NOW), NOW))


def test_errors_as_json_have_times_as_text():
    group = ErrorGroup("ValueError", "no <text>", 3, 0.0, 1.5, "task-1", "C-1")

    assert to_dict(Groups((group,)), asked("1h", "", "", NOW).window) == {
        "since": "2026-11-25T15:00:07.000Z",
        "until": "2026-11-25T16:00:07.000Z",
        "errors": [
            {
                "error_type": "ValueError",
                "message": "no <text>",
                "count": 3,
                "first": "1970-01-01T00:00:00.000Z",
                "last": "1970-01-01T00:00:01.500Z",
                "task_id": "task-1",
                "correlation_id": "C-1",
            }
        ],
    }
