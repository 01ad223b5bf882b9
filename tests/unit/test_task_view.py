"""What the API says of a task follows from what Redis holds of it."""

import json

import pytest
from billiard.exceptions import SoftTimeLimitExceeded, TimeLimitExceeded
from celery import Celery
from celery.backends.base import DisabledBackend

from api.services.task_view import task_view
from throughline.ledger.states import Status
from throughline.ledger.stored_task import StoredTask

RECORD = {
    "task_type": "calculate_var",
    "queue": "high",
    "priority": "high",
    "correlation_id": "ABC-1",
    "trace_id": "a" * 32,
    "status": "PENDING",
    "submitted_at": "1790000000.100000",
}
FINISHED = {"started_at": "1790000000.350000", "finished_at": "1790000001.350500"}


def stored(told, attempts, celery_meta):
    return StoredTask("t", told, tuple(map(json.dumps, attempts)), result=json.dumps(celery_meta))


def test_a_waiting_task_has_neither_start_nor_result():
    view = task_view(stored(RECORD, [], {}))
    assert view.status is Status.PENDING
    assert (view.started_at, view.result, view.error, view.queue_wait_ms) == (None, None, None, None)


def test_a_finished_task_says_how_long_it_waited_and_ran():
    view = task_view(stored(RECORD | FINISHED | {"status": "SUCCESS"}, [], {"status": "SUCCESS", "result": {"x": 1}}))
    assert (view.queue_wait_ms, view.run_ms, view.result) == (250.0, 1000.5, {"x": 1})


def test_what_earlier_attempts_ran_is_no_wait():
    attempts = [
        {"worker": "worker-1", "process": 7, "started_at": "1790000000.2", "finished_at": "1790000000.3"},
        {"worker": "worker-2", "process": 8} | FINISHED,
    ]
    view = task_view(stored(RECORD | FINISHED | {"status": "SUCCESS"}, attempts, {"status": "SUCCESS"}))
    assert (view.queue_wait_ms, view.run_ms) == (150.0, 1000.5)


def test_a_failure_tells_its_class_and_words_and_no_traceback():
    meta = {
        "status": "FAILURE",
        "result": {"exc_type": "NotCalculable", "exc_message": ["no such matrix"], "exc_module": "throughline.errors"},
        "traceback": "Traceback (most recent call last): …",
    }
    view = task_view(stored(RECORD | FINISHED | {"status": "FAILURE"}, [], meta))
    assert view.error is not None
    assert (view.error.type, view.error.message, view.result) == ("NotCalculable", "no such matrix", None)
    assert "Traceback" not in view.model_dump_json()


def test_a_result_that_a_stock_worker_stored_counts():
    view = task_view(stored(RECORD, [], {"status": "SUCCESS", "result": {"x": 1}}))
    assert (view.status, view.result) == (Status.SUCCESS, {"x": 1})


@pytest.mark.parametrize("stale", ["PENDING", "STARTED"])
def test_what_celery_noted_on_the_way_does_not_outrank_the_record(stale):
    view = task_view(stored(RECORD | {"status": "RETRY"}, [], {"status": stale, "result": None}))
    assert view.status is Status.RETRY


def test_a_running_task_tells_how_far_it_is():
    told = '{"fraction":0.25,"estimate":983.0,"interval_low":980.0,"interval_high":986.0,'
    told += '"updated_at":"2026-01-01T00:00:00Z"}'
    progress = task_view(stored(RECORD | {"progress": told}, [], {})).progress
    assert progress is not None
    assert (progress.fraction, progress.estimate, progress.interval_high) == (0.25, 983.0, 986.0)


def test_a_task_that_is_cancelled_while_it_waits_for_its_next_attempt_does_not_run_in_that_time():
    attempt = {"worker": "w", "process": 7, "started_at": "1790000000.35", "finished_at": "1790000000.45"}
    view = task_view(stored(RECORD | FINISHED | {"status": "REVOKED"}, [attempt], {}))
    assert view.run_ms == 100.0


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (TimeLimitExceeded(3), "It ran past its time limit of 3 s, at which its process was killed."),
        (SoftTimeLimitExceeded(), "It ran past its soft time limit, at which it was asked to stop."),
    ],
)
def test_a_time_limit_is_told_in_words(error, message):
    failed = {"status": "FAILURE", "result": DisabledBackend(Celery()).encode_result(error, "FAILURE")}
    failed = json.loads(json.dumps(failed))
    view = task_view(stored(RECORD | FINISHED | {"status": "FAILURE"}, [], failed))
    assert view.error is not None
    assert (view.error.type, view.error.message) == (type(error).__name__, message)


def test_neither_the_wait_for_a_retry_nor_that_for_a_replay_is_a_wait_in_the_queue():
    attempts = [
        {"worker": "w", "process": 7, "started_at": "1790000000.2", "finished_at": "1790000000.3"}
        | {"outcome": "RETRY", "ended_by": "retried"},
        {"worker": "w", "process": 8, "started_at": "1790000003.4", "finished_at": "1790000003.5"}
        | {"outcome": "FAILURE", "ended_by": "retries_used_up"},
        {"worker": "w", "process": 8, "started_at": "1790000009.9", "finished_at": "1790000010.1"},
    ]
    changes = [
        {"at": 1790000003.3, "status": "PENDING", "reason": "due"},
        {"at": 1790000009.5, "status": "PENDING", "reason": "replayed"},
    ]
    told = RECORD | {"started_at": "1790000009.9", "finished_at": "1790000010.1", "status": "SUCCESS"}
    task = StoredTask("t", told, tuple(map(json.dumps, attempts)), tuple(map(json.dumps, changes)))
    assert task_view(task).queue_wait_ms == 600.0


def test_each_attempt_tells_its_own_wait_and_run_and_a_lost_one_ends_with_its_last_sign_of_life():
    attempts = [
        {"worker": "w", "process": 7, "started_at": "1790000000.2", "finished_at": "1790000011.2"}
        | {"outcome": "RETRY", "ended_by": "lost_worker", "last_seen_at": "1790000001.4"},
        {"worker": "w", "process": 8, "queue_wait": "0.405000", "take": "0.004000"}
        | {"started_at": "1790000011.605", "finished_at": "1790000012.605", "outcome": "SUCCESS"},
    ]
    told = RECORD | {"started_at": "1790000011.605", "finished_at": "1790000012.605", "status": "SUCCESS"}
    view = task_view(stored(told, attempts, {"status": "SUCCESS"}))
    lost, ran = view.attempts
    assert (lost.queue_wait_ms, lost.take_ms, lost.run_ms, lost.lost_ms) == (100.0, None, 1200.0, 9800.0)
    assert (ran.queue_wait_ms, ran.take_ms, ran.run_ms, ran.lost_ms) == (405.0, 4.0, 1000.0, None)
    assert view.queue_wait_ms == lost.queue_wait_ms + ran.queue_wait_ms
    assert lost.last_seen_at is not None
    assert lost.last_seen_at.timestamp() == 1790000001.4


def test_a_task_says_which_version_accepted_it_and_which_ran_each_attempt():
    first = {"worker": "w", "process": 7, "version": "1.4", "started_at": "1790000000.2", "finished_at": "1790000000.3"}
    attempts = [first, {"worker": "w", "process": 8, "version": "1.5"} | FINISHED]
    view = task_view(stored(RECORD | FINISHED | {"accepted_by_version": "1.4"}, attempts, {}))
    assert (view.accepted_by_version, [each.version for each in view.attempts]) == ("1.4", ["1.4", "1.5"])


def test_what_a_version_stored_that_did_not_say_which_it_was_is_told_without():
    view = task_view(stored(RECORD | FINISHED, [{"worker": "w", "process": 7} | FINISHED], {}))
    told = view.model_dump(exclude_none=True)
    assert "accepted_by_version" not in told
    assert "version" not in told["attempts"][0]
