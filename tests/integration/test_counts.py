"""The ledger counts every end of a run and of a task, in the step that ends it: numbers are those of the records."""

from collections import Counter

import pytest

from monitor.version_counts import outdated
from tests.integration.story import Story
from throughline.ledger import counts, keys, scripts
from throughline.ledger.counts import BOUNDS, Counts, Ended, Ran, Waited
from throughline.ledger.deployments import Deployment, Running, Versions
from throughline.ledger.durations import queue_wait_ms
from throughline.ledger.states import Reason, Status

SUCCESS, FAILURE, RETRY, REVOKED = Status.SUCCESS, Status.FAILURE, Status.RETRY, Status.REVOKED
TYPE = "calculate_var"


@pytest.fixture
def story(broker):
    return Story(broker)


def counted(broker):
    return Counts.parse(broker.hgetall(keys.COUNTS), 0.0)


def running(story, waited=2.0, ran=0.03):
    """A task that runs: since `ran`, after it has waited."""
    task_id = story.submit()
    story.time += waited
    assert story.take(task_id, version="1.4").outcome == "run"
    story.time += ran
    return task_id


def store(status, reason, attempt="1", **more):
    return lambda story, task_id: story.store(task_id, status, reason, attempt=attempt, **more)


def hand_back(reason):
    return lambda story, task_id: story.ledger(scripts.hand_back(task_id, worker="worker-1", reason=reason))


def retry(most):
    return lambda story, task_id: story.retry(task_id, 1, max_retries=most)


def claimed_again(story, task_id):
    story.time += 60  # its worker's heartbeat is too old by then
    assert story.claim(task_id, worker="worker-2").attempt == 2


def swept(story, task_id):
    assert ("put_back", task_id, Reason.LOST_WORKER) in story.wait(30)


# How an attempt ends → what is counted: of the run, and of the task if that has ended too.
ENDS = {
    "it returned": (store(SUCCESS, Reason.RETURNED), SUCCESS, SUCCESS),
    "it failed": (store(FAILURE, Reason.FAILED), FAILURE, FAILURE),
    "its hard time limit": (store(FAILURE, Reason.TIME_LIMIT, attempt=""), FAILURE, FAILURE),
    "it met a temporary error": (retry(most=3), RETRY, None),
    "its retries are used up": (retry(most=0), FAILURE, FAILURE),
    "Celery's own retry": (store(RETRY, Reason.RETRIED), RETRY, None),
    "its process is lost": (hand_back(Reason.LOST_PROCESS), RETRY, None),
    "it was handed back": (hand_back(Reason.HANDED_BACK), RETRY, None),
    "its worker is lost, and the sweep says so": (swept, RETRY, None),
    "its worker is lost, and the message came again": (claimed_again, RETRY, None),
    "it stopped at a checkpoint": (store(REVOKED, Reason.CANCELLED), REVOKED, REVOKED),
    "it was terminated": (store(REVOKED, Reason.REVOKED, attempt=""), REVOKED, REVOKED),
}


@pytest.mark.parametrize(("end", "run", "task"), ENDS.values(), ids=ENDS)
def test_each_end_of_a_run_is_counted_once_with_its_times(story, broker, end, run, task):
    task_id = running(story)

    end(story, task_id)

    told, attempt = counted(broker), story.record(task_id).attempts[0]
    assert {key: each.count for key, each in told.ran.items()} == {Ran(TYPE, "1.4", run): 1}
    assert {key: each.count for key, each in told.waited.items()} == {Waited(TYPE, "medium"): 1}
    assert told.ended == ({Ended(TYPE, task): 1} if task else {})
    assert told.runs().seconds == pytest.approx(attempt.ran_until - attempt.started_at, abs=1e-6)
    assert told.waits().seconds == pytest.approx(2.0, abs=1e-6)
    assert told.waits().within[BOUNDS.index(2.5)] == 1
    story.store(task_id, SUCCESS, Reason.RETURNED, attempt="1")  # too late, or once more
    assert counted(broker).runs(lambda each: each.status is run).count == 1


@pytest.mark.parametrize(
    ("end", "status"),
    [
        (lambda story, task_id: story.cancel(task_id), REVOKED),
        (store(REVOKED, Reason.EXPIRED, attempt=""), REVOKED),
        (store(REVOKED, Reason.REVOKED, attempt=""), REVOKED),
        (store(FAILURE, Reason.INVALID_MESSAGE, attempt=""), FAILURE),
    ],
    ids=["cancelled", "expired", "revoked", "unreadable"],
)
def test_a_task_that_never_ran_is_a_task_and_no_run(story, broker, end, status):
    end(story, story.submit())
    told = counted(broker)
    assert (told.ended, told.ran, told.waited) == ({Ended(TYPE, status): 1}, {}, {})


def test_a_dead_letter_is_counted_when_the_claim_says_so_and_again_after_its_replay(story, broker):
    task_id = running(story)
    for number in (1, 2, 3):
        hand_back(Reason.LOST_PROCESS)(story, task_id)
        story.time += 1
        assert story.claim(task_id, version="1.4").outcome == ("run" if number < 3 else "dead")
    assert counted(broker).ended == {Ended(TYPE, FAILURE): 1}
    assert counted(broker).runs().count == 3

    assert story.ledger(scripts.replay(task_id, queue="medium", requested_by=""))
    story.time += 7
    story.take(task_id, version="1.4")
    story.store(task_id, SUCCESS, Reason.RETURNED, attempt="4")

    told = counted(broker)
    assert told.ended == {Ended(TYPE, FAILURE): 1, Ended(TYPE, SUCCESS): 1}
    assert Counter({key.status: each.count for key, each in told.ran.items()}) == {RETRY: 3, SUCCESS: 1}
    assert told.waits().seconds == pytest.approx(2 + 1 + 1 + 1 + 7, abs=1e-5)  # none while it was a dead letter
    assert told.waits().seconds * 1000 == pytest.approx(queue_wait_ms(story.record(task_id)), abs=0.01)


def test_waits_are_those_of_the_records_however_often_a_task_was_put_back(story, broker):
    task_id = story.submit()
    broker.rpop("medium")  # its worker died before the task had started
    story.wait(30)
    assert story.take(task_id).attempt == 1
    story.retry(task_id, 1, delay=30)
    story.wait(60)
    assert story.take(task_id).attempt == 2
    story.time += 0.5
    story.store(task_id, SUCCESS, Reason.RETURNED, attempt="2")

    told, record = counted(broker), story.record(task_id)
    assert told.waits().seconds * 1000 == pytest.approx(queue_wait_ms(record), abs=0.01)
    assert [each.queue_wait for each in record.attempts] == pytest.approx([30, 30], abs=6)


def test_made_up_names_do_not_make_it_grow_and_declared_ones_count_under_their_own(story, broker):
    for number in range(50):
        made_up = {"task_type": f"made up {number}", "queue": "medium", "correlation_id": "STOCK-1"}
        call = scripts.store(
            f"stock-{number}",
            FAILURE,
            Reason.UNKNOWN_TASK,
            celery_result="{}",
            ttl=60,
            worker="worker-1",
            record=made_up,
        )
        assert story.ledger(call)
    store(SUCCESS, Reason.RETURNED)(story, running(story))
    assert counted(broker).ended == {Ended(counts.OTHER, FAILURE): 50, Ended(TYPE, SUCCESS): 1}


def test_a_hash_that_is_full_takes_no_new_name_and_goes_on_with_those_it_has(story, broker):
    store(SUCCESS, Reason.RETURNED)(story, running(story))
    broker.hset(keys.COUNTS, mapping={f"ended|SUCCESS|{number}": 1 for number in range(counts.MOST_FIELDS)})
    fields = broker.hlen(keys.COUNTS)

    store(SUCCESS, Reason.RETURNED)(story, running(story))
    store(FAILURE, Reason.FAILED)(story, running(story))
    retry(most=0)(story, running(story))

    told = counted(broker)
    assert told.ran[Ran(TYPE, "1.4", SUCCESS)].count == 2
    assert told.ran[Ran(counts.OTHER, "1.4", FAILURE)].count == 2
    assert told.ended[Ended(counts.OTHER, FAILURE)] == 2
    assert broker.hlen(keys.COUNTS) == fields + 2
    assert told.runs().seconds == pytest.approx(4 * 0.03, abs=1e-5)


def test_versions_that_have_not_run_for_long_are_counted_as_one_and_no_sum_falls(story, broker):
    for number in range(15):
        task_id = story.submit()
        story.take(task_id, version=f"1.{number}")
        story.time += 0.1
        story.store(task_id, *((FAILURE, Reason.FAILED) if number % 2 else (SUCCESS, Reason.RETURNED)), attempt="1")
    before = counted(broker)
    deployed = tuple(Deployment("worker", f"1.{number}", "", 0.0) for number in range(13, 0, -1))
    runs_now = Versions((Running("worker", "1.0", 0.0, 1), Running("api", "1.2", 0.0, 1)), deployed)

    old = outdated(before, runs_now)
    story.ledger(scripts.fold_counts(old))

    after = counted(broker)
    assert old == ["1.1", "1.14", "1.2", "1.3"]
    assert {run.version for run in after.ran if run.version not in {"1.0", counts.OLDER}} == {
        f"1.{number}" for number in range(4, 14)
    }
    assert after.ended == before.ended
    assert after.runs() == before.runs()
    older = {key.status: each.count for key, each in after.ran.items() if key.version == counts.OLDER}
    assert older == {SUCCESS: 2, FAILURE: 2}
    assert outdated(after, runs_now) == []
    assert outdated(before, Versions((), deployed)) == []  # no worker has been heard of yet


def test_the_version_that_a_system_began_with_is_there_to_be_compared_with_the_first_that_is_deployed(story, broker):
    store(SUCCESS, Reason.RETURNED)(story, running(story))
    deployed = Versions((Running("worker", "1.5", 1.0, 1),), (Deployment("worker", "1.5", "1.4", 1.0),))

    assert {run.version for run in counted(broker).ran} == {"1.4"}
    assert outdated(counted(broker), deployed) == []
