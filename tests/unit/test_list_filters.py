"""A list's parameters: what can be asked, and what each mistake is told as."""

import base64
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from throughline.ledger.list_cursor import InvalidCursor, cursor_of, place_of
from throughline.ledger.list_filters import ListFilters, moment
from throughline.ledger.states import Status
from throughline.ledger.task_query import Place, TaskQuery

PLACE = Place(1_764_088_200.123456, "3f2a8d0e-1111-4222-8333-444455556666")
FAILURES = TaskQuery(statuses=(Status.FAILURE,))
CURSOR = cursor_of(PLACE, FAILURES)


def query(**parameters: Any) -> TaskQuery:
    return ListFilters.model_validate(parameters).query()


def mistakes(**parameters: Any) -> dict[str, str]:
    with pytest.raises(ValidationError) as raised:
        ListFilters.model_validate(parameters)
    return {str(error["loc"][0]): error["msg"] for error in raised.value.errors()}


def test_without_parameters_it_is_the_newest_fifty():
    assert query() == TaskQuery(newest_first=True, limit=50)


def test_each_parameter_is_a_filter():
    asked = query(
        correlation_id="ABC-1",
        status="FAILURE,SUCCESS",
        task_type="calculate_var",
        queue="low",
        worker="worker-2",
        error_type="ValueError",
        submitted_after="2026-11-25T16:30:00Z",
        submitted_before="2026-11-25T17:30:00.5Z",
        slower_than_ms="500",
        order="oldest",
        limit="500",
    )
    assert asked == TaskQuery(
        "ABC-1",
        (Status.FAILURE, Status.SUCCESS),
        "calculate_var",
        "low",
        "worker-2",
        "ValueError",
        1_795_624_200.0,
        1_795_627_800.5,
        500.0,
        newest_first=False,
        limit=500,
    )


@pytest.mark.parametrize("status", ["FAILURE,REVOKED", ["FAILURE", "REVOKED"], ["FAILURE,REVOKED", "FAILURE"]])
def test_several_states_come_in_one_parameter_or_in_several(status: Any):
    assert query(status=status).statuses == (Status.FAILURE, Status.REVOKED)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-25T16:30:00Z",
        "2026-11-25t16:30z",
        "2026-11-25 17:30:00.000000+01:00",
        "2026-11-25T17:30:00 01:00",  # a plus sign that nobody escaped
        "2026-11-25T11:30:00.000-0500",
        "1795624200",
        "1795624200.0",
    ],
)
def test_a_time_is_taken_as_people_and_programs_write_it(text: str):
    assert moment(text) == 1_795_624_200.0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("2026-11-25T16:30:00", "offset"),
        ("2026-11-25", "must be a time"),
        ("yesterday", "must be a time"),
        ("", "must be a time"),
        ("1h", "must be a time"),
        ("NaN", "must be a time"),
        ("-5", "must be a time"),
        ("1e9", "must be a time"),
        ("١٧٩٥٦٢٤٢٠٠", "must be a time"),
        ("9" * 400, "must be a time"),
        ("1795624200000", "milliseconds"),
        ("2026-02-30T00:00:00Z", "no such time"),
        ("2026-11-25T25:00:00Z", "no such time"),
        ("2026-11-25T16:30:00+99:00", "no such time"),
        ("0000-01-01T00:00:00Z", "no such time"),
    ],
)
def test_a_time_that_is_none_is_told_in_words(text: str, says: str):
    with pytest.raises(ValueError, match=f"(?i){says}"):
        moment(text)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("statis", "FAILURE", "not permitted"),
        ("offset", "50", "not permitted"),
        ("status", "DONE", "PENDING, STARTED, RETRY, SUCCESS, FAILURE, REVOKED, not 'DONE'"),
        ("status", "", "not ''"),
        ("status", "failure", "not 'failure'"),
        ("status", ",".join(["A", "B"] * 5000), "not 'A'"),
        ("queue", "urgent", "'high', 'medium' or 'low'"),
        ("correlation_id", "a b", "pattern"),
        ("correlation_id", "x" * 129, "pattern"),
        ("correlation_id", "abc\n", "pattern"),
        ("task_type", "", "at least 1 character"),
        ("task_type", "a\x00b", "control characters"),
        ("worker", "a\nb", "control characters"),
        ("error_type", "x" * 10_240, "at most 256"),
        ("slower_than_ms", "NaN", "finite"),
        ("slower_than_ms", "inf", "finite"),
        ("slower_than_ms", "-1", "greater than or equal to 0"),
        ("slower_than_ms", "1e300", "less than or equal to"),
        ("slower_than_ms", "500ms", "number"),
        ("limit", "0", "greater than or equal to 1"),
        ("limit", "10000", "less than or equal to 500"),
        ("limit", "9" * 6000, "integer"),
        ("limit", "ten", "integer"),
        ("order", "up", "'newest' or 'oldest'"),
        ("submitted_after", "2026-11-25T16:30:00", "offset"),
        ("cursor", "", "no cursor"),
        ("cursor", "made-up", "no cursor"),
        ("cursor", "?!", "no cursor"),
        ("cursor", "A" * 10_240, "no cursor"),
        ("cursor", base64.urlsafe_b64encode(b"\xff" * 33).decode(), "no cursor"),
    ],
)
def test_what_cannot_be_a_filter_is_told_with_its_name(field: str, value: str, says: str):
    told = mistakes(**{field: value})
    assert list(told) == [field]
    assert says in told[field]


def test_a_time_range_upside_down_is_told():
    told = mistakes(submitted_after="2026-11-25T16:30:00Z", submitted_before="2026-11-25T16:29:59Z")
    assert "upside down" in told["submitted_before"]
    assert query(submitted_after="100", submitted_before="100").submitted_before == 100


def test_each_mistake_is_told_and_the_cursor_only_when_it_is_the_only_one():
    assert list(mistakes(status="DONE", limit="0", cursor="made-up")) == ["status", "limit"]


def test_a_cursor_goes_on_where_the_page_ended():
    assert query(status="FAILURE", cursor=CURSOR, limit="7") == FAILURES.beginning_after(PLACE).at_most(7)
    assert len(CURSOR) == 44


@pytest.mark.parametrize(
    "parameters",
    [{}, {"status": "SUCCESS"}, {"status": "FAILURE", "queue": "low"}, {"status": "FAILURE", "order": "oldest"}],
)
def test_a_cursor_of_another_list_is_none_of_this_one(parameters: dict[str, str]):
    assert "other filters or another order" in mistakes(cursor=CURSOR, **parameters)["cursor"]


def test_a_cursor_that_was_cut_off_or_changed_is_none():
    for cut in range(len(CURSOR)):
        with pytest.raises(InvalidCursor):
            place_of(CURSOR[:cut], FAILURES)
    for place in range(len(CURSOR)):
        changed = CURSOR[:place] + ("A" if CURSOR[place] != "A" else "B") + CURSOR[place + 1 :]
        with pytest.raises(InvalidCursor):
            place_of(changed, FAILURES)
    for longer in (CURSOR + "A", CURSOR + "=", CURSOR + " ", "\n" + CURSOR, CURSOR + "é"):
        with pytest.raises(InvalidCursor):
            place_of(longer, FAILURES)


TASK_IDS = st.uuids().map(str) | st.text(min_size=1).filter(lambda text: "\0" not in text)


@given(st.floats(0, time.time() * 10), TASK_IDS)
def test_every_place_comes_back_from_its_cursor(submitted_at: float, task_id: str):
    place = Place(submitted_at, task_id)
    assert place_of(cursor_of(place, FAILURES), FAILURES) == place


@given(st.text())
def test_no_text_that_was_made_up_is_a_cursor(text: str):
    with pytest.raises(InvalidCursor):
        place_of(text, FAILURES)


@pytest.mark.parametrize(
    "task_id", ["00000000-0000-4000-8000-000000000000", "x" * 15, "X" * 36, "my task", "ü", "\ud800"]
)
def test_an_id_that_a_stock_client_chose_is_a_place_too(task_id: str):
    assert place_of(cursor_of(Place(1.5, task_id), FAILURES), FAILURES).task_id == task_id
