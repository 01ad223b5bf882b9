"""Ended tasks move from Redis into the history: each is in one of them at every moment, whoever dies in between."""

import asyncio
import json
import os
import random
import signal
import time
from typing import Any

import pytest
from redis.asyncio import Redis

from monitor import archive as archive_module
from monitor import archive_rounds
from monitor.archive import Archive
from monitor.archive_rounds import ArchiveRounds
from tests.conftest import free_port
from tests.integration.story import Story
from throughline.ledger import history_scripts, keys, scripts, stored_task, task_store
from throughline.ledger.history import AsyncHistory, History, HistoryUnavailable, HistoryWrong, NotStored
from throughline.ledger.states import Reason, Status


class Died(BaseException):
    """The monitor's process is gone."""


class Mortal:
    """Stands before ledger and history: the monitor dies before or after its n-th call of either."""

    def __init__(self, dies_after):
        self.left = dies_after

    def step(self):
        if not self.left:
            raise Died
        self.left -= 1

    def ledger(self, real):
        async def call(each):
            self.step()
            answer = await real(each)
            self.step()
            return answer

        return call

    def history(self, real):
        outer = self

        class Dying:
            def archive(self, tasks):
                outer.step()
                real.archive(tasks)
                outer.step()

        return Dying()


@pytest.fixture
def story(broker):
    """An hour ago: what ends now has been hot long enough."""
    told = Story(broker)
    told.time = time.time() - 3600
    return told


@pytest.fixture
def url(new_history_url):
    return new_history_url()


@pytest.fixture
def history(url):
    opened = History(url, writes=True)
    yield opened
    opened.close()


@pytest.fixture
def run(redis_url):
    """Runs one story with a client of Redis's."""

    def ran(tale):
        async def told():
            async with Redis.from_url(redis_url, decode_responses=True) as redis:
                return await tale(redis)

        return asyncio.run(told())

    return ran


def ended(story, task_id="", result='{"status": "SUCCESS", "result": 1}'):
    task_id = story.submit(task_id)
    attempt = story.take(task_id).attempt
    assert story.store(task_id, Status.SUCCESS, Reason.RETURNED, attempt=str(attempt), result=result)
    return task_id


def dead_letter(story):
    task_id = story.submit()
    assert story.retry(task_id, story.take(task_id).attempt, max_retries=0) == "dead"
    return task_id


def of_redis(broker, task_id):
    return list(broker.scan_iter(f"*{task_id}*", 1000))


def is_nowhere_in_redis(broker, task_id):
    indices = (keys.UNARCHIVED, keys.ENDED, keys.HOT, keys.OPEN, keys.DELAYED, keys.DEAD_LETTERS)
    return not of_redis(broker, task_id) and all(broker.zscore(key, task_id) is None for key in indices)


def move(run, history, hot_seconds=600):
    """As the monitor does it, until nothing is left to copy."""

    async def tale(redis):
        archive = Archive(redis, history, hot_seconds)
        try:
            while await archive.copy() > 0:
                pass
            return await archive.forget()
        finally:
            archive.close()

    return run(tale)


def read(run, task_ids):
    async def tale(redis):
        return await stored_task.read(redis, task_ids, messages=True)

    return run(tale)


def test_what_has_ended_moves_whole_and_what_has_not_stays(story, broker, history, run):
    ids = [ended(story) for _ in range(3)] + [dead_letter(story)]
    cancelled = story.submit()
    story.cancel(cancelled)
    waiting, running = story.submit(), story.submit()
    story.take(running)
    before = dict(zip([*ids, cancelled], read(run, [*ids, cancelled]), strict=True))
    assert move(run, history) == 5
    kept = history.find(list(before), messages=True)
    assert kept == before
    assert all(is_nowhere_in_redis(broker, task_id) for task_id in before)
    assert not broker.exists(keys.correlation("ABC-1")) or set(broker.zrange(keys.correlation("ABC-1"), 0, -1)) == {
        waiting,
        running,
    }
    assert history.find([waiting, running]) == {}
    assert story.record(waiting).status is Status.PENDING


def test_a_task_is_copied_at_once_and_forgotten_after_its_hot_time(story, broker, history, run):
    task_id = ended(story)
    assert move(run, history, hot_seconds=7200) == 0
    assert history.find([task_id])
    assert broker.exists(keys.task(task_id))
    assert move(run, history, hot_seconds=1800) == 1
    assert is_nowhere_in_redis(broker, task_id)


def test_more_than_one_batch_moves_and_large_ones_in_smaller_batches(story, history, run, monkeypatch):
    monkeypatch.setattr(archive_module, "BATCH_BYTES", 300_000)
    large = json.dumps({"status": "SUCCESS", "result": "x" * 200_000})
    ids = [ended(story, result=large) for _ in range(5)]
    story.time += 1
    ids += [ended(story) for _ in range(archive_module.BATCH + 10)]
    sizes = []
    real = history.archive

    def archive(tasks):
        sizes.append(len(tasks))
        real(tasks)

    monkeypatch.setattr(history, "archive", archive)
    assert move(run, history) == len(ids)
    assert len(history.find(ids)) == len(ids)
    assert max(sizes) <= archive_module.BATCH
    assert sizes[0] == 2


def test_whenever_a_monitor_dies_every_task_is_found_and_the_next_one_moves_it_once(story, broker, history, run, url):
    for dies_after in range(100):
        ids = [ended(story), dead_letter(story), ended(story)]
        before = read(run, ids)
        mortal = Mortal(dies_after)

        async def tale(redis, ids=ids, mortal=mortal):
            archive = Archive(redis, history, 600)
            archive._ledger, archive._history = mortal.ledger(archive._ledger), mortal.history(history)
            try:
                await archive.copy()
                await archive.forget()
            except Died:
                pass
            finally:
                archive.close()
            reader = AsyncHistory(url)

            async def in_redis(wanted):
                return await stored_task.read(redis, wanted, messages=True)

            async def in_history(wanted):
                return await reader.find(wanted, messages=True)

            found = await task_store.read(ids, in_redis, in_history)
            await reader.close()
            return found

        def as_it_ended(tasks):
            return [(each.task_id, {**each.fields, "archived": ""}, each.attempts, each.result) for each in tasks]

        assert as_it_ended(run(tale)) == as_it_ended(before)
        move(run, history)
        assert as_it_ended(history.find(ids)[each] for each in ids) == as_it_ended(before)
        assert all(is_nowhere_in_redis(broker, each) for each in ids)
        if mortal.left:  # it did not die any more
            assert dies_after >= 6
            return
    pytest.fail("a round has fewer steps than that")


def test_one_that_is_replayed_between_its_copy_and_the_note_of_it_stays_until_its_new_end(story, broker, history, run):
    task_id = dead_letter(story)

    class Replaying:
        def archive(self, tasks):
            history.archive(tasks)
            assert story.ledger(scripts.replay(task_id, queue="medium", requested_by="REPLAY-1"))

    assert move(run, Replaying()) == 0
    assert story.record(task_id).status is Status.PENDING
    assert broker.zscore(keys.UNARCHIVED, task_id) is not None
    attempt = story.take(task_id).attempt
    assert story.store(task_id, Status.SUCCESS, Reason.RETURNED, attempt=str(attempt))
    assert move(run, history) == 1
    assert history.find([task_id])[task_id].status is Status.SUCCESS
    assert history.dead_letters(10) == []


def test_two_monitors_at_once_move_each_task_once(story, broker, history, run, url):
    ids = [ended(story) for _ in range(250)]

    async def tale(redis):
        histories = [History(url, writes=True) for _ in range(2)]
        archives = [Archive(redis, each, 600) for each in histories]

        async def until_done(archive):
            while await archive.copy() > 0:
                pass
            return await archive.forget()

        await asyncio.gather(*(until_done(each) for each in archives))
        for archive, each in zip(archives, histories, strict=True):
            archive.close()
            each.close()

    run(tale)
    assert len(history.find(ids)) == len(ids)
    assert all(is_nowhere_in_redis(broker, task_id) for task_id in ids[::50])


def test_nothing_is_forgotten_while_the_history_is_away(story, broker, history, run):
    class Away:
        def archive(self, tasks):
            raise HistoryUnavailable("PostgreSQL at postgres:5432 refused the connection")

    copied = ended(story)
    move(run, history, hot_seconds=7200)
    waiting = ended(story)
    with pytest.raises(HistoryUnavailable):
        move(run, Away(), hot_seconds=0)

    async def tale(redis):
        away: Any = Away()
        archive = Archive(redis, away, 0)
        behind = await archive.behind()
        archive.close()
        return await archive.forget(only_if_scarce=True), behind

    forgotten, behind = run(tale)
    assert forgotten == 0
    assert behind.tasks == 1
    assert behind.seconds == pytest.approx(3600, abs=120)
    assert broker.exists(keys.task(copied), keys.task(waiting)) == 2


def test_one_that_the_history_cannot_take_does_not_hold_up_the_others(
    story, broker, history, run, log_lines, monkeypatch
):
    monkeypatch.setattr(archive_module, "BATCH", 1)  # as many as it refuses: they stay in front of all others
    bad, good = ended(story), [ended(story) for _ in range(3)]

    class Choosy:
        def archive(self, tasks):
            history.archive([each for each in tasks if each.task_id != bad])
            if any(each.task_id == bad for each in tasks):
                raise NotStored({bad: "DataError"})

    async def tale(redis):
        choosy: Any = Choosy()
        archive = Archive(redis, choosy, 600)
        left = [await archive.copy() for _ in range(5)]
        archive.close()
        return left

    assert run(tale)[-1] == 0
    assert set(history.find([bad, *good])) == set(good)
    assert broker.exists(keys.task(bad))
    (line,) = [line for line in log_lines() if line.get("event.action") == "task.not_archived"]
    assert (line["task_id"], line["correlation_id"]) == (bad, "ABC-1")


def test_however_many_it_cannot_take_the_others_go_on(story, broker, history, run, monkeypatch):
    monkeypatch.setattr(archive_module, "BATCH", 3)
    bad, good = {ended(story) for _ in range(8)}, [ended(story) for _ in range(4)]

    class Choosy:
        def archive(self, tasks):
            history.archive([each for each in tasks if each.task_id not in bad])
            if refused := [each.task_id for each in tasks if each.task_id in bad]:
                raise NotStored(dict.fromkeys(refused, "DataError"))

    async def tale(redis):
        choosy: Any = Choosy()
        archive = Archive(redis, choosy, 600)
        left = [await archive.copy() for _ in range(6)]
        archive.close()
        return left

    assert run(tale)[-1] == 0
    assert set(history.find([*bad, *good])) == set(good)
    assert broker.zcard(keys.ENDED) == len(bad)


def test_large_tasks_are_forgotten_a_few_at_a_time(story, broker, history, run):
    """Redis serves nobody else while it frees their memory."""
    large = [ended(story) for _ in range(7)]
    for task_id in large:
        broker.set(keys.celery_result(task_id), "x" * 20_000_000)
    broker.delete(*map(keys.message, large))
    story.ledger(history_scripts.copied({task_id: story.record(task_id).version for task_id in large}))
    assert len(story.ledger(history_scripts.forget(large))) < 5

    async def tale(redis):
        archive = Archive(redis, history, 600)
        forgotten = await archive.forget()
        archive.close()
        return forgotten

    story.time += 601
    assert run(tale) > 2
    assert broker.zcard(keys.HOT) == 0
    assert broker.exists(*map(keys.task, large), *map(keys.celery_result, large)) == 0


def test_one_whose_record_is_gone_leaves_the_list(story, broker, history, run):
    task_id = ended(story)
    broker.delete(keys.task(task_id))
    move(run, history)
    assert broker.zscore(keys.ENDED, task_id) is None
    assert history.find([task_id]) == {}


def test_what_is_older_than_results_are_kept_is_dropped_in_small_batches(story, history, run, monkeypatch):
    monkeypatch.setattr(archive_module, "PRUNED_AT_ONCE", 10)
    monkeypatch.setattr(archive_module, "_PRUNE_PAUSE_SECONDS", 0)
    old = [ended(story) for _ in range(25)]
    story.time += 1800
    young = [ended(story) for _ in range(3)]
    move(run, history)

    async def tale(redis):
        archive = Archive(redis, history, 600)
        dropped = await archive.prune(time.time() - 2700)
        archive.close()
        return dropped

    assert run(tale) == 25
    assert set(history.find(old + young)) == set(young)


def test_a_file_that_has_grown_too_large_loses_its_oldest_tasks(story, run, monkeypatch, tmp_path):
    history = History(f"sqlite:///{tmp_path}/history.sqlite", writes=True)
    monkeypatch.setattr(archive_module, "PRUNED_AT_ONCE", 10)
    stored = []
    for _ in range(60):
        result = {"status": "SUCCESS", "result": random.randbytes(20_000).hex()}
        stored.append(ended(story, result=json.dumps(result)))
        story.time += 1
    move(run, history)
    most = history.size() // 2

    async def tale(redis):
        archive = Archive(redis, history, 600)
        dropped = [await archive.shorten(most), await archive.shorten(most)]
        archive.close()
        return dropped

    dropped, again = run(tale)
    assert history.size() <= most
    assert 20 <= dropped <= 40
    assert again == 0
    assert set(history.find(stored)) == set(stored[dropped:])
    history.close()


class Unsteady:
    """A history that answers as the test says: one word for each call."""

    def __init__(self, history, *answers):
        self.history, self.answers = history, list(answers)

    def archive(self, tasks):
        if self.answers and self.answers.pop(0) == "away":
            raise HistoryUnavailable("PostgreSQL at postgres:5432: no answer within 5 s")
        self.history.archive(tasks)


def test_an_outage_of_the_history_is_told_once_and_so_is_its_end(
    story, broker, history, run, log_lines, monkeypatch, wait_until
):
    monkeypatch.setattr(archive_rounds, "_LONGEST_PAUSE_SECONDS", 0.01)
    ids = [ended(story) for _ in range(3)]
    unsteady: Any = Unsteady(history, "away", "away", "away")

    async def tale(redis):
        archive = Archive(redis, unsteady, 600)
        going = asyncio.create_task(ArchiveRounds(archive, 604_800, 10**9).move())
        records = [keys.task(each) for each in ids]
        await asyncio.to_thread(wait_until, lambda: not broker.exists(*records), 20, "they have moved")
        going.cancel()
        archive.close()

    run(tale)
    assert len(history.find(ids)) == 3
    told = [(line["event.action"], line["log.level"]) for line in log_lines() if "history" in line["event.action"]]
    assert told == [("history.unavailable", "warning"), ("history.available", "notice")]
    (first, *_) = [line for line in log_lines() if line["event.action"] == "history.unavailable"]
    assert "postgres:5432" in first["message"]


@pytest.mark.parametrize("error", [RuntimeError("a mistake"), HistoryWrong("gives the user no right to do this")])
def test_the_round_goes_on_whatever_happens_in_it(story, broker, history, run, monkeypatch, wait_until, error):
    monkeypatch.setattr(archive_rounds, "_LONGEST_PAUSE_SECONDS", 0.01)
    task_id = ended(story)
    errors = [error]

    class Broken:
        def archive(self, tasks):
            if errors:
                raise errors.pop()
            history.archive(tasks)

    broken: Any = Broken()

    async def tale(redis):
        archive = Archive(redis, broken, 600)
        going = asyncio.create_task(ArchiveRounds(archive, 604_800, 10**9).move())
        await asyncio.to_thread(wait_until, lambda: not broker.exists(keys.task(task_id)), 20, "it has moved")
        going.cancel()
        archive.close()

    run(tale)
    assert history.find([task_id])


def test_killed_monitors_lose_and_double_nothing(story, broker, history, start, url, wait_until, tmp_path):
    """Two real monitors archive while tasks end; one is killed every other second, another takes its place."""

    def monitor(number):
        settings = {"HISTORY_URL": url, "HOT_SECONDS": "1", "MONITOR_PORT": str(free_port())}
        return start("monitor", output=tmp_path / f"{number}.jsonl", **settings)

    monitors = [monitor(0), monitor(1)]
    results: dict[str, str] = {}
    deadline = time.monotonic() + 11
    killed = 0
    next_kill = time.monotonic() + 3
    while time.monotonic() < deadline:
        story.time = time.time()  # an older open task would be swept: no worker's heartbeat is there
        task_id = ended(story, result=json.dumps({"status": "SUCCESS", "result": len(results)}))
        results[task_id] = str(len(results))
        if time.monotonic() > next_kill:
            victim = monitors.pop(0)
            os.kill(victim.pid, signal.SIGKILL)
            victim.wait()
            killed += 1
            monitors.append(monitor(killed + 1))
            next_kill = time.monotonic() + random.uniform(1.2, 2.0)
    wait_until(lambda: not broker.exists(keys.ENDED, keys.HOT, keys.UNARCHIVED), 60, "everything has moved")
    kept = {task_id: task for each in batches(list(results)) for task_id, task in history.find(each).items()}
    assert {task_id: str(task.celery_meta["result"]) for task_id, task in kept.items()} == results
    assert killed >= 4
    assert list(broker.scan_iter("tl:task:*", 1000)) == []


def batches(ids):
    return [ids[at : at + 200] for at in range(0, len(ids), 200)]
