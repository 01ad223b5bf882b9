"""A task that has ended leaves Redis: not before the history has it as it is, and its message runs nothing again."""

import asyncio

import pytest
from redis.asyncio import Redis

from monitor import indices as indices_of_tasks
from tests.integration.story import STOCK, TTL, Story
from throughline.ledger import history_scripts, keys, scripts, stored_task
from throughline.ledger.states import Reason, Status

INDICES = (keys.UNARCHIVED, keys.ENDED, keys.HOT, keys.OPEN, keys.DELAYED, keys.DEAD_LETTERS)


@pytest.fixture
def story(broker):
    return Story(broker)


@pytest.fixture
def read(redis_url):
    """All that Redis has of a task, as the archiver reads it."""

    def read(task_id):
        async def told():
            async with Redis.from_url(redis_url, decode_responses=True) as redis:
                (found,) = await stored_task.read(redis, [task_id], messages=True)
                return found

        return asyncio.run(told())

    return read


def indices(broker, task_id):
    return {key for key in INDICES if broker.zscore(key, task_id) is not None}


def keys_of(broker, task_id):
    return set(broker.keys(f"*{task_id}*"))


def dead_letter(story, task_id=""):
    task_id = story.submit(task_id)
    assert story.retry(task_id, story.take(task_id).attempt, max_retries=0) == "dead"
    return task_id


def ended(story, task_id=""):
    task_id = story.submit(task_id)
    story.take(task_id)
    assert story.store(task_id, Status.SUCCESS, Reason.RETURNED, attempt="1")
    return task_id


def archive(story, task_id):
    """Answers whether the version in Redis was taken as copied."""
    version = story.record(task_id).version
    return story.ledger(history_scripts.copied({task_id: version})) == [task_id]


def test_each_task_is_in_the_index_of_what_the_history_lacks_from_its_first_moment(story, broker):
    accepted, claimed, received, refused = story.submit(), "stock-1", "stock-2", "stock-3"
    story.claim(claimed)
    story.ledger(scripts.received(received, ttl=TTL, record=STOCK))
    story.store(refused, Status.FAILURE, Reason.UNKNOWN_TASK)
    for task_id in (accepted, claimed, received, refused):
        assert broker.zscore(keys.UNARCHIVED, task_id) == pytest.approx(story.record(task_id).submitted_at)
        assert story.record(task_id).version == 1
    assert broker.zrange(keys.ENDED, 0, -1) == [refused]


def test_its_version_grows_with_each_change_of_its_state(story):
    task_id = story.submit()
    versions = [story.record(task_id).version]
    for change in (
        lambda: story.take(task_id),
        lambda: story.ledger(scripts.hand_back(task_id, worker="worker-1", reason=Reason.LOST_PROCESS)),
        lambda: story.claim(task_id),
        lambda: story.retry(task_id, 2, max_retries=0),
        lambda: story.ledger(scripts.replay(task_id, queue="medium", requested_by="x")),
        lambda: story.cancel(task_id),
    ):
        change()
        versions.append(story.record(task_id).version)
    assert versions == [1, 2, 3, 4, 5, 6, 7]


ENDS = {
    "a result": lambda story, task_id: story.store(task_id, Status.SUCCESS, Reason.RETURNED, attempt="1"),
    "a dead letter, at its last retry": lambda story, task_id: story.retry(task_id, 1, max_retries=0),
    "by its main process": lambda story, task_id: story.store(task_id, Status.FAILURE, Reason.TIME_LIMIT),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_every_end_makes_a_task_ready_for_the_history_and_gives_it_a_lifetime(story, broker, end):
    task_id = story.submit()
    story.take(task_id)
    story.time += 1
    end(story, task_id)
    assert broker.zscore(keys.ENDED, task_id) == story.record(task_id).finished_at == story.time
    assert {keys.UNARCHIVED, keys.ENDED} <= indices(broker, task_id)
    assert keys.OPEN not in indices(broker, task_id)
    for key in keys_of(broker, task_id):
        assert 0 < broker.ttl(key) <= TTL, key
    assert broker.exists(keys.message(task_id))  # it can be submitted again


def test_a_task_that_is_cancelled_or_dead_when_it_is_claimed_is_ready_for_the_history_too(story, broker):
    cancelled, dead = story.submit(), story.submit()
    story.cancel(cancelled)
    for process in range(4):
        broker.rpop("medium")
        story.claim(dead, process=process)
        story.ledger(scripts.hand_back(dead, worker="worker-1", reason=Reason.LOST_PROCESS))
    assert story.record(dead).status is Status.FAILURE
    assert set(broker.zrange(keys.ENDED, 0, -1)) == {cancelled, dead}
    assert broker.zrange(keys.OPEN, 0, -1) == []


def test_what_was_copied_and_forgotten_leaves_nothing(story, broker):
    task_id = ended(story)
    assert archive(story, task_id)
    assert indices(broker, task_id) == {keys.HOT}
    assert broker.zscore(keys.HOT, task_id) == story.record(task_id).finished_at
    assert story.ledger(history_scripts.forget([task_id])) == [task_id]
    assert keys_of(broker, task_id) == set()
    assert indices(broker, task_id) == set()
    assert broker.zrange(keys.correlation("ABC-1"), 0, -1) == []


def test_what_the_history_lacks_is_not_forgotten(story, broker):
    waiting, fresh = story.submit(), ended(story)
    replayed = dead_letter(story)
    assert archive(story, replayed)
    assert story.ledger(scripts.replay(replayed, queue="medium", requested_by="x"))
    before = {each: broker.hgetall(keys.task(each)) for each in (waiting, fresh, replayed)}
    assert story.ledger(history_scripts.forget([waiting, fresh, replayed])) == []
    assert {each: broker.hgetall(keys.task(each)) for each in before} == before
    assert indices(broker, replayed) == {keys.UNARCHIVED, keys.OPEN}


def test_a_copy_that_a_replay_overtook_does_not_count(story, broker):
    task_id = dead_letter(story)
    version = story.record(task_id).version
    story.ledger(scripts.replay(task_id, queue="medium", requested_by="x"))
    assert story.ledger(history_scripts.copied({task_id: version})) == []
    story.take(task_id, process=8)
    story.store(task_id, Status.SUCCESS, Reason.RETURNED, attempt="2")
    assert story.ledger(history_scripts.copied({task_id: version})) == []
    assert indices(broker, task_id) == {keys.UNARCHIVED, keys.ENDED}
    assert archive(story, task_id)


def test_an_id_whose_record_has_expired_leaves_the_indices(story, broker):
    for key in INDICES:
        broker.zadd(key, {"gone-1": 1, "gone-2": 2, "gone-3": 3})
    assert story.ledger(history_scripts.copied({"gone-1": 3})) == []
    assert indices(broker, "gone-1").isdisjoint({keys.UNARCHIVED, keys.ENDED, keys.HOT})
    assert story.ledger(history_scripts.forget(["gone-2"])) == ["gone-2"]
    assert indices(broker, "gone-2") == set()
    assert story.ledger(history_scripts.reindex(["gone-3", "never-was"])) == ["gone-3"]
    assert indices(broker, "gone-3") == set()


def test_what_the_version_before_wrote_can_be_archived(story, broker):
    """It wrote neither a version nor an index, and deleted the message."""
    task_id, waiting = ended(story), story.submit()
    broker.hdel(keys.task(task_id), "version")
    broker.hdel(keys.task(waiting), "version")
    broker.delete(keys.UNARCHIVED, keys.ENDED, keys.message(task_id))
    assert story.ledger(history_scripts.reindex([task_id, waiting])) == [task_id, waiting]
    assert story.ledger(history_scripts.reindex([task_id, waiting])) == []
    assert indices(broker, task_id) == {keys.UNARCHIVED, keys.ENDED}
    assert indices(broker, waiting) == {keys.UNARCHIVED, keys.OPEN}
    assert archive(story, task_id)
    assert story.ledger(history_scripts.forget([task_id])) == [task_id]


def test_the_monitor_finds_what_the_version_before_wrote_and_what_has_expired(story, broker, redis_url):
    async def put_right():
        async with Redis.from_url(redis_url, decode_responses=True) as redis:
            return await indices_of_tasks.put_right(redis)

    old = {ended(story) for _ in range(120)}
    broker.delete(keys.UNARCHIVED, keys.ENDED)
    broker.zadd(keys.UNARCHIVED, {"expired": 1})
    waiting = story.submit()
    assert asyncio.run(put_right()) == 121
    assert set(broker.zrange(keys.ENDED, 0, -1)) == old
    assert set(broker.zrange(keys.UNARCHIVED, 0, -1)) == {*old, waiting}
    assert asyncio.run(put_right()) == 0


def test_a_batch_has_a_limit(story):
    with pytest.raises(ValueError, match="at most 100 tasks a call, not 101"):
        history_scripts.forget([str(each) for each in range(101)])


# What comes after it was forgotten.


def forgotten(story, task_id=""):
    task_id = ended(story, task_id)
    assert archive(story, task_id)
    assert story.ledger(history_scripts.forget([task_id])) == [task_id]
    return task_id


def forgotten_stock(story, task_id="stock-1"):
    story.claim(task_id)
    story.store(task_id, Status.SUCCESS, Reason.RETURNED, attempt="1")
    assert archive(story, task_id)
    assert story.ledger(history_scripts.forget([task_id])) == [task_id]
    return task_id


def test_a_message_of_the_front_door_that_comes_again_runs_nothing_and_writes_nothing(story, broker):
    task_id = forgotten(story)
    assert story.claim(task_id, is_recorded=True).outcome == "moved"
    for attempt in ("1", ""):
        for state, reason in ((Status.SUCCESS, Reason.RETURNED), (Status.REVOKED, Reason.REVOKED)):
            assert not story.store(task_id, state, reason, attempt=attempt, is_recorded=True)
    assert story.ledger(scripts.progress(task_id, b"{}")) is None
    assert story.ledger(scripts.hand_back(task_id, worker="worker-1", reason=Reason.LOST_PROCESS)).outcome == "not_held"
    assert story.retry(task_id, 1) == "late"
    assert story.cancel(task_id) == "unknown"
    assert not story.ledger(scripts.replay(task_id, queue="medium", requested_by="x"))
    assert keys_of(broker, task_id) == set()
    assert indices(broker, task_id) == set()


def test_a_message_that_was_sent_past_the_front_door_meets_a_tombstone(story, broker):
    task_id = forgotten_stock(story)
    assert story.ledger(scripts.received(task_id, ttl=TTL, record=STOCK)) is Status.SUCCESS
    assert story.claim(task_id).outcome == "moved"
    assert not story.store(task_id, Status.SUCCESS, Reason.RETURNED, attempt="1")
    assert not story.store(task_id, Status.REVOKED, Reason.EXPIRED)
    assert keys_of(broker, task_id) == {keys.moved(task_id)}
    assert 0 < broker.ttl(keys.moved(task_id)) <= history_scripts.TOMBSTONE_SECONDS


def test_a_task_of_celery_that_is_new_to_everybody_is_run(story):
    assert story.claim("stock-2").outcome == "run"


def test_a_late_progress_does_not_change_what_was_copied(story, broker):
    task_id = ended(story)
    assert archive(story, task_id)
    story.ledger(scripts.progress(task_id, b'{"fraction": 0.5}'))
    assert broker.hget(keys.task(task_id), "progress") is None


# A dead letter that only the history has.


@pytest.fixture
def old_letter(story, read):
    """A dead letter as the history has it; Redis has nothing of it any more."""
    task_id = dead_letter(story)
    told = read(task_id)
    assert archive(story, task_id)
    assert story.ledger(history_scripts.forget([task_id])) == [task_id]
    return told


def test_a_dead_letter_from_the_history_runs_again_with_all_that_was_known_of_it(story, broker, old_letter):
    story.time += 30
    assert story.ledger(history_scripts.revive(old_letter, ttl=TTL, requested_by="POST-1"))
    task_id, told = old_letter.task_id, story.record(old_letter.task_id)
    assert (told.status, told.version) == (Status.PENDING, old_letter.record.version + 1)
    assert (told.attempts, told.submitted_at) == (old_letter.record.attempts, old_letter.record.submitted_at)
    assert [(each.reason, each.requested_by) for each in told.changes] == [(Reason.REPLAYED, "POST-1")]
    assert (told.finished_at, told.retries, told.deliveries) == (None, 0, 0)
    assert broker.lrange("medium", 0, -1) == [broker.get(keys.message(task_id))] == [old_letter.message]
    assert indices(broker, task_id) == {keys.UNARCHIVED, keys.OPEN}
    assert broker.zrange(keys.correlation("ABC-1"), 0, -1) == [task_id]
    assert {broker.ttl(key) for key in keys_of(broker, task_id)} == {-1}
    assert story.take(task_id, process=9).attempt == 2


def test_of_two_revivals_at_once_one_counts(story, broker, old_letter):
    calls = [history_scripts.revive(old_letter, ttl=TTL, requested_by="POST-1") for _ in range(2)]
    assert [story.ledger(each) for each in calls] == [True, False]
    assert broker.llen("medium") == 1


def test_a_dead_letter_that_is_still_here_is_replayed_as_it_is(story, broker, read):
    task_id = dead_letter(story)
    told = read(task_id)
    assert archive(story, task_id)
    assert story.ledger(history_scripts.revive(told, ttl=TTL, requested_by="POST-1"))
    assert indices(broker, task_id) == {keys.UNARCHIVED, keys.OPEN}
    assert broker.hget(keys.task(task_id), "archived") is None
    assert len(story.record(task_id).attempts) == 1


def test_what_is_no_dead_letter_is_not_revived(story, broker, read):
    told = read(ended(story))
    archive(story, told.task_id)
    story.ledger(history_scripts.forget([told.task_id]))
    assert not story.ledger(history_scripts.revive(told, ttl=TTL, requested_by="POST-1"))
    assert keys_of(broker, told.task_id) == set()
