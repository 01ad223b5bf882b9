"""Redis loses its data while a monitor watches: it is told, and what is known to be lost is named."""

import asyncio

import pytest
import redis

from api.errors import TaskNotFound
from api.queue_service import QueueService
from api.services import health_service
from api.services.callers import ANYONE
from api.services.task_service import TaskService
from monitor.data_watch import ERROR, DataWatch
from monitor.redis_client import redis_client
from tests.integration.story import Story
from throughline.ledger import data_loss, keys
from throughline.ledger.history import AsyncHistory, History
from throughline.settings import ApiSettings, MonitorSettings


@pytest.fixture
def story(broker):
    return Story(broker)


@pytest.fixture
def history(tmp_path):
    made = History(f"sqlite:///{tmp_path}/history.sqlite", writes=True)
    yield made
    made.close()


@pytest.fixture
def watched(redis_url, broker, history):
    """Runs steps with as many looks of so many monitors between them; whether each of them tells then of a loss."""
    broker.flushall()

    def run(*steps, monitors=1):
        async def told():
            clients = [redis_client(MonitorSettings(redis_url=redis_url)) for _ in range(monitors)]
            watches = [DataWatch(client, history) for client in clients]
            answers = []
            for step in (lambda: None, *steps):
                await asyncio.to_thread(step)
                for watch in watches:
                    await watch.look()
                answers.append({watch.is_told for watch in watches} == {True})
            for client in clients:
                await client.aclose()
            return answers[1:]

        return asyncio.run(told())

    return run


def said(log_lines, action):
    return [line for line in log_lines() if line.get("event.action") == action]


def test_a_redis_that_is_empty_at_first_has_lost_nothing(watched, log_lines):
    assert watched(lambda: None, lambda: None) == [False, False]
    assert not said(log_lines, "redis.data_lost")


@pytest.mark.parametrize("emptied", ["flushall", "flushdb"])
def test_an_emptied_redis_is_told_once_by_each_monitor_and_each_open_task_is_named(
    watched, broker, story, history, log_lines, emptied
):
    made: list[str] = []
    steps = [lambda: made.extend(story.submit() for _ in range(5)), getattr(broker, emptied), lambda: None]
    assert watched(*steps, monitors=2) == [False, True, True]
    assert [line["tasks.lost"] for line in said(log_lines, "redis.data_lost")] == [5, 5]
    assert {line["task_id"] for line in said(log_lines, "task.lost")} == set(made)
    assert {line["correlation_id"] for line in said(log_lines, "task.lost")} == {"ABC-1"}
    kept = history.find(made)
    assert {(task.status, task.error_type) for task in kept.values()} == {("FAILURE", ERROR)}
    assert len(kept) == 5


def test_the_timeline_of_a_lost_task_ends_with_its_loss_whether_it_waited_or_ran(
    watched, redis_url, broker, story, history, tmp_path
):
    async def timelines():
        queue, reader = QueueService(ApiSettings(redis_url=redis_url)), AsyncHistory(history_url)
        try:
            tasks = TaskService(queue, reader)
            return [(await tasks.timeline(each, ANYONE), await tasks.find(each, ANYONE)) for each in (waiting, running)]
        finally:
            await queue.close()
            await reader.close()

    history_url = f"sqlite:///{tmp_path}/history.sqlite"
    running, waiting = story.submit(), story.submit()
    story.take(running)
    watched(lambda: None, broker.flushall)

    for (told, task), before in zip(asyncio.run(timelines()), (["PENDING"], ["PENDING", "STARTED"]), strict=True):
        assert [change.status for change in told.changes] == [*before, "FAILURE"]
        assert told.changes[-1].at == task.finished_at
        assert told.changes[-1].cause.startswith("LostWithRedis: It was accepted, and was lost with Redis's data")
        assert (told.status, told.now) == ("FAILURE", None)


def test_older_data_are_told_too_and_what_they_still_have_is_not_lost(
    watched, redis_url, broker, story, history, log_lines
):
    made, copy = [], {}

    def keep():
        made.append(story.submit())
        with redis.Redis.from_url(redis_url) as raw:
            copy.update({key: raw.dump(key) for key in raw.scan_iter()})

    def bring_back():
        with redis.Redis.from_url(redis_url) as raw:
            raw.flushall()
            for key, value in copy.items():
                raw.restore(key, 0, value)

    assert watched(keep, lambda: made.append(story.submit()), bring_back) == [False, False, True]
    assert [line["task_id"] for line in said(log_lines, "task.lost")] == [made[1]]
    assert broker.exists(keys.task(made[0]))
    assert set(history.find(made)) == {made[1]}


def test_a_replica_tells_of_it_for_an_hour_or_until_somebody_has_taken_note(redis_url, broker):
    async def told():
        queue = QueueService(ApiSettings(redis_url=redis_url))
        try:
            found = await health_service.data_lost_at(queue)
            with pytest.raises(TaskNotFound) as refused:
                await TaskService(queue).find("gone", ANYONE)
            return found is not None, "Redis has lost data" in str(refused.value)
        finally:
            await queue.close()

    seconds, _ = broker.time()
    answers = []
    for age in (None, 5, data_loss.TOLD_SECONDS + 5):
        if age is not None:
            broker.hset(keys.DATA, "lost_at", seconds - age)
        answers.append(asyncio.run(told()))
    broker.hset(keys.DATA, "lost_at", seconds)
    broker.hdel(keys.DATA, "lost_at")
    answers.append(asyncio.run(told()))
    assert answers == [(False, False), (True, True), (False, False), (False, False)]
