"""The ledger's scripts on a real Redis: each move as states.py has it, and nothing past it."""

import json

import pytest

from tests.integration.story import TIMES, TTL, Story
from throughline.ledger import keys, scripts
from throughline.ledger.states import Reason, Status

NO_LIFETIME = -1


@pytest.fixture
def story(broker):
    return Story(broker)


def given_back(broker, queue="medium"):
    """As Celery gives a message back: other bytes, one header more."""
    message = json.loads(broker.rpop(queue))
    message["headers"]["redelivered"] = True
    broker.rpush(queue, json.dumps(message, sort_keys=True, indent=1))


# Which message is a task's.


@pytest.mark.parametrize("own_id", ["", "nightly-report/7", "tâche-1", 'a"b'])
def test_a_message_that_celery_gave_back_is_found_by_all_who_look_for_it(story, broker, own_id):
    task_id = story.submit(task_id=own_id)
    behind = story.submit()
    given_back(broker)
    assert (story.position(task_id), story.position(behind)) == (1, 2)
    assert story.sweep() == story.sweep() == []
    assert story.cancel(task_id) == "cancelled"
    assert story.position(task_id) is None
    assert [json.loads(message)["headers"]["id"] for message in broker.lrange("medium", 0, -1)] == [behind]


def test_a_child_that_names_its_parent_is_not_taken_for_it(story, broker):
    parent = story.submit()
    broker.rpop("medium")
    child = story.submit(parent_id=parent)
    message = json.loads(broker.rpop("medium"))
    message["headers"]["meta"] = {"id": parent}
    broker.lpush("medium", json.dumps(message, sort_keys=True))
    assert story.record(child).parent_id == parent
    assert message["headers"]["parent_id"] == message["headers"]["root_id"] == parent
    assert story.position(parent) is None
    assert story.cancel(parent) == "cancelling"
    assert broker.llen("medium") == 1


def test_a_copy_of_a_running_tasks_message_is_not_the_task(story, broker):
    task_id = story.submit()
    message = broker.lindex("medium", 0)
    story.take(task_id)
    broker.lpush("medium", message)
    assert story.cancel(task_id) == "cancelling"
    assert story.record(task_id).status is Status.STARTED


# Moves.


def test_a_move_that_is_not_in_the_table_is_refused_and_logged_under_the_tasks_correlation_id(story, broker, log_lines):
    task_id = story.submit()
    assert story.take(task_id).attempt == 1
    assert not story.store(task_id, Status.REVOKED, Reason.EXPIRED)  # it has started: too late to expire
    assert story.record(task_id).status is Status.STARTED
    assert broker.zscore(keys.OPEN, task_id) is not None
    (line,) = log_lines()
    assert (line["event.action"], line["correlation_id"], line["task_id"]) == ("task.move_refused", "ABC-1", task_id)
    assert line["message"] == "store refused STARTED → REVOKED (expired): states.py does not allow it"


def test_only_the_latest_attempt_stores(story):
    task_id = story.submit()
    story.take(task_id)
    story.ledger(scripts.hand_back(task_id, worker="worker-1", reason=Reason.LOST_PROCESS))
    assert story.claim(task_id, worker="worker-2").attempt == 2
    assert not story.store(task_id, Status.SUCCESS, Reason.RETURNED, attempt="1")
    assert not story.store(task_id, Status.FAILURE, Reason.TIME_LIMIT, worker="worker-1")
    assert story.store(task_id, Status.SUCCESS, Reason.RETURNED, attempt="2", worker="worker-2")
    assert story.record(task_id).status is Status.SUCCESS


def test_each_attempt_keeps_the_version_that_ran_it_and_the_task_the_one_that_accepted_it(story):
    task_id = story.submit()
    story.take(task_id, version="1.4")
    story.ledger(scripts.hand_back(task_id, worker="worker-1", reason=Reason.HANDED_BACK))
    story.take(task_id, worker="worker-2", version="1.5")
    record = story.record(task_id)
    assert record.accepted_by_version == "1.4"
    assert [attempt.version for attempt in record.attempts] == ["1.4", "1.5"]


def test_an_ordinary_task_has_no_changes_and_its_attempt_no_reason(story, broker):
    task_id = story.submit()
    story.take(task_id)
    story.store(task_id, Status.SUCCESS, Reason.RETURNED, attempt="1")
    assert not broker.exists(keys.changes(task_id))
    (attempt,) = map(json.loads, broker.lrange(keys.attempts(task_id), 0, -1))
    assert attempt.keys() == {"worker", "process", "version", "started_at", "queue_wait", "finished_at", "outcome"}


def test_the_changes_of_a_task_are_bounded_and_live_as_long_as_its_record(story, broker):
    task_id = story.submit()
    for _ in range(150):
        broker.delete("medium")
        story.sweep()
        story.sweep()
    assert broker.llen(keys.changes(task_id)) == 100
    assert broker.ttl(keys.changes(task_id)) == broker.ttl(keys.task(task_id)) == NO_LIFETIME
    story.cancel(task_id)
    assert 0 < broker.ttl(keys.changes(task_id)) <= broker.ttl(keys.task(task_id)) == TTL


# Ends that Celery makes.


def test_a_task_that_was_sent_past_the_api_has_a_record_before_it_starts(story, broker):
    record = {"task_type": "nightly", "queue": "low", "correlation_id": "STOCK-9", "retry_at": "1800000600"}
    assert story.ledger(scripts.received("own-1", ttl=TTL, record=record)) is Status.PENDING
    told = story.record("own-1")
    assert (told.status, told.correlation_id, told.retry_at) == (Status.PENDING, "STOCK-9", 1_800_000_600)
    assert broker.zrange(keys.correlation("STOCK-9"), 0, -1) == ["own-1"]
    story.claim("own-1")
    assert story.ledger(scripts.received("own-1", ttl=TTL, record=record)) is Status.STARTED  # delivered again
    assert story.record("own-1").correlation_id == "STOCK-9"


@pytest.mark.parametrize("starts", [False, True])
def test_celerys_own_revoke_ends_a_task_whether_it_waits_or_runs(story, broker, starts):
    task_id = story.submit()
    broker.rpop("medium")
    if starts:
        story.claim(task_id)
    assert story.store(task_id, Status.REVOKED, Reason.REVOKED, worker="worker-2")
    told = story.record(task_id)
    assert (told.status, told.finished_at) == (Status.REVOKED, story.time)
    assert [each.ended_by for each in told.attempts] == [Reason.REVOKED] * starts
    assert [each.reason for each in told.changes] == [Reason.REVOKED] * (not starts)
    assert story.sweep() == story.sweep() == []
    assert not story.store(task_id, Status.SUCCESS, Reason.RETURNED, attempt="1")


NEVER_STARTED = [
    (Status.REVOKED, Reason.EXPIRED),
    (Status.FAILURE, Reason.UNKNOWN_TASK),
    (Status.FAILURE, Reason.INVALID_MESSAGE),
]


@pytest.mark.parametrize(("state", "reason"), NEVER_STARTED)
def test_a_task_that_never_started_is_ended_by_its_workers_main_process(story, broker, state, reason):
    task_id = story.submit()
    broker.rpop("medium")
    assert story.store(task_id, state, reason)
    assert (story.record(task_id).status, broker.zcard(keys.OPEN)) == (state, 0)


def test_the_main_process_hears_which_attempt_it_ended(story):
    task_id = story.submit()
    story.take(task_id, process=11)
    stored = story.store(task_id, Status.FAILURE, Reason.TIME_LIMIT, error_class="TimeLimitExceeded")
    assert stored.attempt is not None
    assert (stored.attempt.number, stored.attempt.process) == (1, 11)
    assert stored.attempt.cause == "ended at its hard time limit"


def test_a_lost_process_whose_task_had_its_end_stored_is_told_how_it_ended(story):
    task_id = story.submit()
    story.take(task_id)
    story.store(task_id, Status.SUCCESS, Reason.RETURNED, attempt="1")
    told = story.ledger(scripts.hand_back(task_id, worker="worker-1", reason=Reason.LOST_PROCESS))
    assert (told.outcome, told.status, told.attempt.outcome) == ("finished", Status.SUCCESS, Status.SUCCESS)
    again = story.claim(task_id)
    assert (again.outcome, again.before.outcome, again.lost) == ("SUCCESS", Status.SUCCESS, False)


@pytest.mark.parametrize("error_class", ["ConnectionError", "lost", "TimeoutError"])
def test_an_attempt_that_celery_retries_was_not_lost_whatever_its_error_is_called(story, error_class):
    story.claim("own-1")
    assert story.store("own-1", Status.RETRY, Reason.RETRIED, attempt="1", error_class=error_class)
    again = story.claim("own-1", process=8)
    assert (again.outcome, again.attempt, again.lost) == ("run", 2, False)
    assert again.before.cause == f"retried: {error_class}"


def test_celerys_own_retries_use_up_no_deliveries(story):
    for attempt in range(1, 8):
        assert story.claim("own-1", process=attempt).outcome == "run"
        story.store("own-1", Status.RETRY, Reason.RETRIED, attempt=str(attempt), error_class="OSError")


@pytest.mark.parametrize("how", ["hand_back", "claim", "sweep"])
def test_a_lost_attempt_is_heard_of_once(story, how):
    task_id = story.submit()
    story.beat()
    story.take(task_id)
    story.time += 60  # its worker is silent, and nobody sweeps
    if how == "hand_back":
        story.ledger(scripts.hand_back(task_id, worker="worker-1", reason=Reason.LOST_PROCESS))
    elif how == "sweep":
        story.wait(15)
    assert [story.claim(task_id, worker="worker-2", process=n).lost for n in (1, 1)] == [True, False]
    story.ledger(scripts.hand_back(task_id, worker="worker-2", reason=Reason.HANDED_BACK))
    assert story.claim(task_id, worker="worker-3").lost


# The sweep.


def test_the_sweep_says_of_which_request_and_attempt_a_task_is_that_it_put_back(story):
    task_id = story.submit()
    story.beat(held=task_id)
    story.take(task_id)
    assert story.wait(5) == []
    story.time += 5
    died, one = story.ledger(scripts.sweep(**TIMES))
    assert (died.kind, died.worker, died.tasks) == ("died", "worker-1", 1)
    told = (one.kind, one.task_id, one.task_type, one.queue, one.attempt, one.worker, one.reason)
    assert told == ("put_back", task_id, "calculate_var", "medium", 1, "worker-1", Reason.LOST_WORKER)
    assert (one.correlation_id, one.trace_id, one.traceparent) == ("ABC-1", "a" * 32, f"00-{'a' * 32}-{'b' * 16}-01")


def test_a_task_that_a_live_worker_has_just_claimed_is_not_taken_from_it_for_a_dead_ones_list(story, broker):
    task_id = story.submit()
    story.beat("worker-1", held=task_id)
    broker.rpop("medium")
    story.claim(task_id, worker="worker-1")
    assert story.wait(20) == [("put_back", task_id, Reason.LOST_WORKER)]
    story.beat("worker-2")
    assert story.take(task_id, worker="worker-2").attempt == 2
    assert story.sweep(0.1) == []  # worker-2's list does not have it yet, worker-1's last one has
    assert story.store(task_id, Status.SUCCESS, Reason.RETURNED, attempt="2", worker="worker-2")


def test_what_was_missed_and_has_ended_since_is_forgotten(story, broker):
    task_id = story.submit()
    broker.rpop("medium")
    assert story.sweep() == []
    assert broker.hkeys(keys.MISSING) == [task_id]
    story.claim(task_id)
    story.store(task_id, Status.SUCCESS, Reason.RETURNED, attempt="1")
    story.sweep()
    assert not broker.exists(keys.MISSING)


def test_a_worker_that_is_gone_and_a_dead_letter_without_record_are_forgotten(story, broker):
    story.submit()
    story.beat("worker-x7f2k")
    story.sweep()
    assert "idle:worker-x7f2k" in broker.hkeys(keys.SWEEP)
    broker.zadd(keys.DEAD_LETTERS, {"gone": 1})
    story.wait(305)
    of_workers = (keys.WORKERS, keys.WORKER_SLOTS, keys.WORKER_TASKS, keys.WORKER_STARTS, keys.WORKER_FACTS)
    for key in (*of_workers, keys.WORKER_RUNS, keys.DEAD_LETTERS):
        assert not broker.exists(key), key
    assert sorted(broker.hkeys(keys.SWEEP)) == ["again", "grace_until", "last", "seen_to"]


def test_a_correlation_id_that_never_rests_forgets_what_has_expired(story, broker):
    old = story.submit()
    story.time += TTL + 1
    new = story.submit()
    assert broker.zrange(keys.correlation("ABC-1"), 0, -1) == [new] != [old]


@pytest.mark.parametrize("reason", [Reason.UNKNOWN_TASK, Reason.INVALID_MESSAGE])
def test_celerys_own_retry_that_no_worker_can_run_ends_as_a_failure(story, reason):
    started = story.claim("STOCK-TASK")
    story.store("STOCK-TASK", Status.RETRY, Reason.RETRIED, attempt=str(started.attempt))
    assert story.store("STOCK-TASK", Status.FAILURE, reason, worker="worker-2").stored
    assert story.record("STOCK-TASK").status is Status.FAILURE
    assert story.record("STOCK-TASK").changes[-1].reason is reason


# How long what is known of a task is kept.


def test_a_task_that_waits_longer_for_its_retry_than_records_live_is_kept_until_then(story, broker):
    task_id = story.submit()
    attempt = story.take(task_id).attempt
    assert story.retry(task_id, attempt, delay=5 * TTL) == "retry"
    for key in (keys.task(task_id), keys.attempts(task_id), keys.message(task_id)):
        assert broker.ttl(key) == NO_LIFETIME, key


def test_a_process_that_did_not_hear_the_answer_to_its_retry_gets_the_same_moment_again(story):
    task_id = story.submit()
    attempt = story.take(task_id).attempt
    first = story.retried(task_id, attempt)
    story.time += 3
    assert story.retried(task_id, attempt) == first
    assert first.at == story.time - 3
    assert story.record(task_id).retries == 1


def test_a_lost_attempt_ends_with_the_last_sign_of_life_that_redis_has_of_it(story):
    """A start, a checkpoint, a heartbeat: whichever was the last."""
    started, asked, beaten = (story.submit() for _ in range(3))
    for task_id in (started, asked, beaten):
        story.take(task_id)
    begun = story.time
    story.time += 1
    story.ledger(scripts.progress(asked, b"{}"))
    story.time += 1
    story.beat(held=beaten)
    story.wait(30)
    seen = {task_id: story.record(task_id).attempts[-1].last_seen_at for task_id in (started, asked, beaten)}
    assert seen == {started: begun, asked: begun + 1, beaten: begun + 2}


def test_a_worker_that_starts_again_keeps_the_last_sign_of_life_of_what_it_held_before(story):
    task_id = story.submit()
    story.take(task_id)
    story.time += 1
    story.beat(held=task_id)
    seen = story.time
    story.time += 3
    story.beat()  # killed, and started again
    story.wait(10)
    (attempt,) = story.record(task_id).attempts
    assert (attempt.is_lost, attempt.last_seen_at, attempt.ran_until) == (True, seen, seen)
    assert attempt.finished_at > seen + 3
    assert story.record(task_id).seen_at is None


def test_an_attempt_keeps_how_long_it_waited_in_its_queue_and_since_its_worker_had_the_message(story):
    task_id = story.submit()
    story.time += 2
    first = story.take(task_id, take=0.25)
    assert (first.queue_wait, first.take, first.started_at) == (2.0, 0.25, story.time)
    story.retry(task_id, first.attempt, delay=5)
    story.wait(5)
    due = story.time
    story.time += 4
    again = story.take(task_id, take=9)
    assert (again.queue_wait, again.take, again.waits_since) == (4.0, 4.0, due)
    assert story.record(task_id).attempts[-1].queue_wait == 4.0
