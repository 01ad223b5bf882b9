"""The address of the page of tasks: its filters, what is wrong with one, the links that change one."""

import pytest

from monitor.page.tasks.address import TasksAddress
from monitor.page.tasks.asked import Asked, asked
from throughline.ledger.states import Status
from throughline.ledger.stored_task import StoredTask

NOW = 1_764_088_200.75  # 2025-11-25T16:30:00.75Z


def of(query: str) -> Asked:
    return asked(TasksAddress.parse(query), NOW)


def task(task_id: str = "a", submitted_at: float = NOW - 60) -> StoredTask:
    return StoredTask(task_id, {"submitted_at": str(submitted_at)})


def test_an_address_without_filters_asks_for_everybodys_tasks_newest_first():
    wanted = of("")

    assert wanted.errors == {}
    assert (wanted.query.statuses, wanted.query.caller, wanted.query.newest_first) == ((), None, True)
    assert wanted.is_first_page


def test_the_filters_have_the_names_of_the_api():
    query = of(
        "status=FAILURE&status=REVOKED&task_type=word_count&queue=low&worker=worker-1&error_type=ValueError"
        "&correlation_id=A&submitted_after=2025-11-25T16:00:00Z&submitted_before=1764088200&slower_than_ms=1.5&limit=7"
        "&order=oldest"
    ).query

    assert query.statuses == (Status.FAILURE, Status.REVOKED)
    assert (query.task_type, query.queue, query.worker, query.error_type) == (
        "word_count", "low", "worker-1", "ValueError",
    )  # fmt: skip
    assert (query.correlation_id, query.submitted_after, query.submitted_before) == ("A", 1764086400, 1764088200)
    assert (query.slower_than_ms, query.limit, query.newest_first) == (1.5, 7, False)


def test_a_span_of_time_counts_back_from_now():
    assert of("since=1h").query.submitted_after == 1_764_084_600
    assert of("since=90s").query.submitted_after == 1_764_088_110


@pytest.mark.parametrize(
    ("query", "field", "says"),
    [
        ("status=DONE", "status", "PENDING"),
        ("colour=red", "colour", "no such filter; there are correlation_id, status"),
        ("queue=urgent", "queue", "high"),
        ("correlation_id=a%20b", "correlation_id", "pattern"),
        ("slower_than_ms=-1", "slower_than_ms", "greater"),
        ("slower_than_ms=nan", "slower_than_ms", "number"),
        ("submitted_after=yesterday", "submitted_after", "such as 2026"),
        ("submitted_after=2026-11-25T16:30", "submitted_after", "offset from UTC"),
        ("submitted_after=200&submitted_before=100", "submitted_before", "upside down"),
        ("since=soon", "since", "such as 500ms"),
        ("since=1h&submitted_after=100", "since", "cannot be combined with submitted_after"),
        ("since=1h&submitted_before=100", "since", "cannot be combined with submitted_before"),
        ("limit=10000", "limit", "500"),
        ("order=random", "order", "newest"),
        ("cursor=AAAA", "cursor", "no cursor of this service"),
        ("before=AAAA", "before", "no cursor of this service"),
        ("task_type=a&task_type=b", "task_type", "given more than once"),
        ("since=1h&since=2h", "since", "given more than once"),
        ("error_type=a%00b", "error_type", "control characters"),
    ],
)
def test_a_wrong_filter_is_named_with_what_is_wrong_and_what_was_typed_stays(query: str, field: str, says: str):
    wanted = of(query)

    assert says in wanted.errors[field]
    assert wanted.address.query


def test_all_mistakes_are_told_at_once():
    assert set(of("status=DONE&colour=red&since=soon").errors) == {"status", "colour", "since"}


def test_a_later_page_and_the_one_before_it_are_pages_of_the_same_list():
    first = of("status=SUCCESS")
    second = asked(first.page_after(task("b")), NOW + 1)
    back = asked(second.page_before(task("c")), NOW + 2)

    assert (second.errors, back.errors) == ({}, {})
    assert (second.query.after, second.query.newest_first, second.backwards) == ((NOW - 60, "b"), True, False)
    assert (back.query.after, back.query.newest_first, back.backwards) == ((NOW - 60, "c"), False, True)
    assert asked(back.page_after(task("d")), NOW).query.newest_first


def test_the_pages_of_a_list_within_a_span_of_time_all_begin_at_the_same_moment():
    second = asked(of("since=1h").page_after(task()), NOW + 500)

    assert second.errors == {}
    assert second.query.submitted_after == 1_764_084_600
    assert second.address.get("submitted_after") == "2025-11-25T15:30:00Z"
    assert not second.address.get("since")


def test_a_cursor_of_other_filters_is_refused():
    other = of("status=SUCCESS").page_after(task()).changed({})
    cursor = of("status=SUCCESS").page_after(task()).get("cursor")

    assert other.get("cursor") == ""
    assert "other filters" in of(f"status=FAILURE&cursor={cursor}").errors["cursor"]
    assert "cannot be combined" in of(f"cursor={cursor}&before={cursor}").errors["before"]


def test_a_link_that_changes_a_filter_begins_at_the_first_page():
    address = TasksAddress.parse("status=FAILURE&since=1h&cursor=x")

    assert address.changed({"since": "7d"}).url == "/tasks?status=FAILURE&since=7d"
    assert address.between("1", "2").url == "/tasks?status=FAILURE&submitted_after=1&submitted_before=2"
    assert address.without("status", "FAILURE").url == "/tasks?since=1h"
    assert TasksAddress.parse("worker=&status=+").url == "/tasks"


def test_what_stands_in_an_address_cannot_leave_it():
    assert TasksAddress.parse("task_type=a%26b%3Dc%22%3E").url == "/tasks?task_type=a%26b%3Dc%22%3E"
