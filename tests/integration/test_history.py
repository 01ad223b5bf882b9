"""The history on both databases: what is stored comes back exactly, newest version first to none, whatever is in it."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import orjson
import pytest
from sqlalchemy import inspect

from tests.integration.ended_task import NOON, ended
from throughline.ledger.data_mark import DataMark
from throughline.ledger.history import ErrorGroup, History, access
from throughline.ledger.history.engine import engine_for
from throughline.ledger.states import Status
from throughline.ledger.stored_task import StoredTask
from throughline.ledger.task_query import Place, TaskQuery


def ids(tasks: list[StoredTask]) -> list[str]:
    return [task.task_id for task in tasks]


def test_a_task_comes_back_exactly_and_its_message_only_on_request(history: History):
    task = replace(
        ended("a"), message='{"body": "…"}', changes=('{"at": 1, "status": "PENDING", "reason": "replayed"}',)
    )
    history.archive([task])

    assert history.find(["a", "unknown"]) == {"a": replace(task, message="")}
    assert history.find(["a"], messages=True) == {"a": task}


def test_a_list_reads_no_large_result_but_that_of_a_failure(history: History):
    large = ended("a"), ended("b"), ended("c", status="FAILURE", error="KeyError")
    words = ("€" * 1_000, " " * 100_000, "€" * 1_000)  # the second is small only as it is stored
    returned, blank, failed = (
        replace(task, result=task.result[:-1] + f',"x":"{word}"' + "}") for task, word in zip(large, words, strict=True)
    )
    small = ended("d")
    history.archive([returned, blank, failed, small])

    assert history.list(TaskQuery()) == [small, failed, replace(blank, result=""), replace(returned, result="")]


def test_a_large_result_comes_back_exactly(history: History):
    task = replace(ended("a"), result=orjson.dumps({"status": "SUCCESS", "result": "€" * 100_000}).decode())
    history.archive([task])

    assert history.find(["a"])["a"] == task


@pytest.mark.parametrize("odd", ["", "nul\0", "half \ud800", "ünï ’’", "x" * 5_000, "a\nb\tc", "%s ? :x", "'; --"])
def test_odd_text_is_stored_found_and_comes_back_as_it_was(history: History, odd: str):
    names: dict[str, Any] = {
        "task_type": odd,
        "queue": odd,
        "correlation_id": odd,
        "caller": odd,
        "priority": odd,
        "trace_id": odd,
    }
    task = replace(ended(f"id{odd}", NOON, **names), message=odd, result="")
    history.archive([task])

    assert history.find([f"id{odd}"], messages=True) == {f"id{odd}": task}
    assert ids(history.list(TaskQuery(task_type=odd, queue=odd, correlation_id=odd, caller=odd))) == [f"id{odd}"]


@pytest.mark.parametrize(
    "fields",
    [
        {"submitted_at": "inf"},
        {"submitted_at": "no number"},
        {"submitted_at": "253402300799"},
        {"submitted_at": "-5"},
        {"finished_at": "nan"},
        {"finished_at": ""},
        {"status": "UNHEARD_OF"},
        {"version": "many"},
        {"progress": "{"},
    ],
)
def test_a_record_that_cannot_be_read_is_kept_all_the_same(history: History, fields: dict[str, Any]):
    odd = ended("odd", NOON, **fields)
    history.archive([ended("a"), odd, ended("b")])

    assert history.find(["odd"]) == {"odd": odd}
    assert set(ids(history.list(TaskQuery()))) == {"a", "b", "odd"}


@pytest.mark.parametrize("attempts", [("{",), ("[]",), ("1",), ('{"ended_by": "unheard of"}',)])
def test_attempts_that_a_stranger_wrote_are_kept_all_the_same(history: History, attempts: tuple[str, ...]):
    odd = replace(ended("odd"), attempts=attempts, result="[")
    history.archive([odd])

    assert history.find(["odd"]) == {"odd": odd}
    assert ids(history.list(TaskQuery(task_type="word_count"))) == ["odd"]


def test_a_later_version_replaces_an_earlier_one_and_never_the_other_way_round(history: History):
    early, late = ended("a", status="FAILURE", version="3"), ended("a", version="9")
    history.archive([early])
    history.archive([late])
    history.archive([early])

    assert history.find(["a"]) == {"a": late}
    assert ids(history.list(TaskQuery(statuses=(Status.FAILURE,)))) == []


def test_an_id_that_is_used_again_later_has_the_later_task_whatever_its_version(history: History):
    first = ended("a", NOON, version="7")
    again = ended("a", NOON + 7_200, version="2", status="FAILURE")
    history.archive([first])
    history.archive([again, first])
    history.archive([first])

    assert history.find(["a"]) == {"a": again}
    assert history.list(TaskQuery()) == [again]


def test_a_task_that_is_twice_in_one_call_is_stored_once_in_its_later_version(history: History):
    history.archive([ended("a", version="4"), ended("a", version="10"), ended("a", version="2")])

    assert history.find(["a"])["a"].fields["version"] == "10"


@pytest.mark.parametrize("newest_first", [True, False])
def test_pages_follow_each_other_without_a_gap_or_a_double(history: History, newest_first: bool):
    """Ten of them in one microsecond: then their IDs decide."""
    history.archive([ended(f"t{number:02}", NOON + (number // 10)) for number in range(35)])
    query, seen = TaskQuery(limit=4, newest_first=newest_first), []
    while page := history.list(query):
        seen += ids(page)
        query = replace(query, after=Place(page[-1].record.submitted_at, page[-1].task_id))

    assert seen == sorted(seen, reverse=newest_first)
    assert len(seen) == 35


FILTERS: dict[str, TaskQuery] = {
    "everything": TaskQuery(),
    "correlation ID": TaskQuery(correlation_id="of-t07"),
    "one status": TaskQuery(statuses=(Status.FAILURE,)),
    "two statuses": TaskQuery(statuses=(Status.FAILURE, Status.REVOKED)),
    "a status that does not end": TaskQuery(statuses=(Status.PENDING,)),
    "an open and an ended status": TaskQuery(statuses=(Status.STARTED, Status.SUCCESS)),
    "every ended status": TaskQuery(statuses=(Status.SUCCESS, Status.FAILURE, Status.REVOKED)),
    "task type": TaskQuery(task_type="type-1"),
    "task type and status": TaskQuery(task_type="type-1", statuses=(Status.FAILURE,)),
    "task type and two statuses": TaskQuery(task_type="type-1", statuses=(Status.FAILURE, Status.SUCCESS)),
    "an unknown task type": TaskQuery(task_type="no such"),
    "queue": TaskQuery(queue="low"),
    "worker": TaskQuery(worker="worker-2"),
    "error type": TaskQuery(error_type="KeyError"),
    "error type and failures": TaskQuery(error_type="KeyError", statuses=(Status.FAILURE,)),
    "error type and successes": TaskQuery(error_type="KeyError", statuses=(Status.SUCCESS,)),
    "from a moment on": TaskQuery(submitted_after=NOON + 30),
    "until a moment": TaskQuery(submitted_before=NOON + 30),
    "between two moments": TaskQuery(submitted_after=NOON + 10, submitted_before=NOON + 20),
    "slow": TaskQuery(slower_than_ms=5_000),
    "slower than none": TaskQuery(slower_than_ms=1e12),
    "slower than nothing": TaskQuery(slower_than_ms=0),
    "slow ones of a type": TaskQuery(slower_than_ms=1_999.5, task_type="type-2"),
    "slow ones of a worker": TaskQuery(slower_than_ms=1_999.5, worker="worker-2"),
    "a caller's": TaskQuery(caller="ann"),
    "anyone's": TaskQuery(caller=""),
    "a caller's of a type": TaskQuery(caller="ann", task_type="type-1"),
    "a caller's of a type and status": TaskQuery(caller="ann", task_type="type-1", statuses=(Status.FAILURE,)),
    "a caller's failures": TaskQuery(caller="ann", statuses=(Status.FAILURE,)),
    "a caller's in a queue": TaskQuery(caller="ann", queue="low"),
    "a caller's on a worker": TaskQuery(caller="ann", worker="worker-2"),
    "a caller's errors": TaskQuery(caller="ann", error_type="KeyError"),
    "a caller's slow ones": TaskQuery(caller="ann", slower_than_ms=5_000),
    "a caller's correlation ID": TaskQuery(caller="ann", correlation_id="of-t06"),
}


def many() -> list[StoredTask]:
    def one(number: int) -> StoredTask:
        status = ("SUCCESS", "FAILURE", "REVOKED", "FAILURE")[number % 4]
        return ended(
            f"t{number:02}",
            NOON + number,
            took=(number % 9) * 1.0,
            status=status,
            task_type=f"type-{number % 3}",
            queue=("high", "low")[number % 2],
            worker=f"worker-{number % 3}",
            caller=("", "ann", "bob")[number % 5 % 3],
            error=("KeyError", "OSError")[number % 5 % 2],
        )

    return [one(number) for number in range(60)]


@pytest.fixture(scope="module")
def filled(new_history_url: Callable[[], str]) -> Iterator[History]:
    history = History(new_history_url(), writes=True)
    history.archive(many())
    yield history
    history.close()


NONE_FIT = {"a status that does not end", "an unknown task type", "error type and successes", "slower than none"}


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_lets_the_same_tasks_through_as_in_redis(filled: History, name: str, newest_first: bool):
    query = replace(FILTERS[name], newest_first=newest_first, limit=7)
    wanted = [task.task_id for task in many() if query.matches(task, time.time())]
    wanted = sorted(wanted, reverse=newest_first)
    assert bool(wanted) is (name not in NONE_FIT)

    seen: list[str] = []
    while page := filled.list(query):
        assert len(page) <= 7
        seen += ids(page)
        query = replace(query, after=Place(page[-1].record.submitted_at, page[-1].task_id))
    assert seen == wanted


def test_each_way_to_a_page_has_an_index_that_begins_with_it(filled: History):
    """One without would read all tasks of its first column: a list costs what it shows."""
    engine = engine_for(filled.place, 5, writes=False)
    indices = [tuple(each["column_names"]) for each in inspect(engine).get_indexes("tasks")]
    engine.dispose()
    ways = [(*path, "submitted_at") for path in access.PATHS]
    assert [way for way in ways if not any(index[: len(way)] == way for index in indices)] == []


def test_a_callers_tasks_of_a_correlation_id_are_found_among_any_number_of_anothers(filled: History):
    (way,) = access.candidates(TaskQuery(caller="ann", correlation_id="of-t06"))
    assert set(way) == {"caller", "correlation_id"}


def test_counts_tell_how_many_of_each_status_were_submitted_in_each_part_of_the_time(history: History):
    history.archive(
        [ended("a", NOON), ended("b", NOON + 9.9), ended("c", NOON + 10, status="FAILURE"), ended("d", NOON + 40)]
    )

    bars = history.counts(TaskQuery(), NOON, NOON + 40, 4)

    assert [(bar.start - NOON, dict(bar.counts)) for bar in bars] == [
        (0, {Status.SUCCESS: 2}),
        (10, {Status.FAILURE: 1}),
        (20, {}),
        (30, {}),
    ]
    failures = history.counts(TaskQuery(statuses=(Status.FAILURE,)), NOON, NOON + 40, 1)
    assert [dict(bar.counts) for bar in failures] == [{Status.FAILURE: 1}]


def test_dead_letters_are_those_that_used_up_their_deliveries_or_retries_latest_first(history: History):
    retries = ended("retries", NOON, status="FAILURE", ended_by="retries_used_up")
    deliveries = replace(
        ended("deliveries", NOON + 5, status="FAILURE", ended_by="lost_process"),
        changes=(orjson.dumps({"at": NOON + 9, "status": "FAILURE", "reason": "deliveries_used_up"}).decode(),),
    )
    replayed = replace(
        ended("replayed", NOON + 8, status="FAILURE"),
        changes=tuple(
            orjson.dumps({"at": NOON + after, "status": status, "reason": reason}).decode()
            for after, status, reason in ((5, "FAILURE", "deliveries_used_up"), (6, "PENDING", "replayed"))
        ),
    )
    dead = [replace(each, message="{}") for each in (retries, deliveries, replayed)]
    sent_past_the_front_door = replace(
        ended("stock", NOON + 20, status="FAILURE", ended_by="retries_used_up"), message=""
    )
    history.archive([*dead, sent_past_the_front_door, ended("other", status="FAILURE"), ended("good")])

    assert ids(history.dead_letters(10)) == ["deliveries", "retries"]
    assert ids(history.dead_letters(1)) == ["deliveries"]
    assert history.count_dead_letters() == 2


def test_errors_are_grouped_by_class_and_shape_of_the_message(history: History):
    history.archive(
        [
            ended(f"p{number}", NOON + number, status="FAILURE", message=f"position {number} of 99 is wrong")
            for number in range(5)
        ]
        + [ended("k", NOON + 3, status="FAILURE", error="KeyError", message="'AAPL'", task_type="other"), ended("good")]
    )

    groups = history.error_groups(NOON, NOON + 100)

    assert groups == [
        ErrorGroup("ValueError", "position <n> of <n> is wrong", 5, NOON + 1, NOON + 5, "p4", "of-p4"),
        ErrorGroup("KeyError", "<text>", 1, NOON + 4, NOON + 4, "k", "of-k"),
    ]
    assert history.error_groups(NOON, NOON + 100, task_type="other") == groups[1:]
    assert history.error_groups(NOON, NOON + 100, most=1) == groups[:1]
    assert history.error_groups(NOON + 50, NOON + 100) == []


def test_pruning_removes_the_oldest_first_and_no_more_than_asked(history: History):
    history.archive([ended(f"t{number}", NOON + number, took=0) for number in range(9)])

    assert history.prune(NOON + 5, most=3) == 3
    assert sorted(ids(history.list(TaskQuery()))) == [f"t{number}" for number in range(3, 9)]
    assert history.prune(NOON + 5) == 2
    assert history.prune(NOON + 5) == 0
    assert set(history.find([f"t{number}" for number in range(9)])) == {"t5", "t6", "t7", "t8"}


def test_the_mark_of_redis_data_comes_back_exactly_and_is_no_task(history: History):
    assert history.data_mark() is None
    waiting = [replace(ended(name), result="") for name in ("a", "half \ud800", "nul\0")]
    first = DataMark("x", 1, "", NOON, "redis:6379 (database 0)")
    later = replace(first, number=2, before='[{"id":"y"}]', open={task.task_id: task for task in waiting})
    for mark in (first, later):
        history.keep_data_mark(mark)
        assert history.data_mark() == mark
    history.archive([ended("b")])
    assert ids(history.list(TaskQuery())) == ["b"]
    assert history.prune(NOON + 1_000_000) == 1
    assert history.data_mark() == later


def test_a_mark_that_another_version_wrote_in_another_way_is_none(history: History, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("throughline.ledger.history.mark._told", lambda _: {"identity": "x"})
    history.keep_data_mark(DataMark("x", 1, "", NOON, ""))
    assert history.data_mark() is None
