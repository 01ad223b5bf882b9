"""Redis loses its data while monitors watch, or while none does: it is told once, and each lost task is named."""

import asyncio
import json
import shutil
from contextlib import ExitStack

import pytest
import redis

from api.errors import TaskNotFound
from api.queue_service import QueueService
from api.services import health_service
from api.services.callers import ANYONE
from api.services.task_service import TaskService
from monitor.data_watch import DataWatch
from monitor.redis_client import redis_client
from tests import plain_http
from tests.conftest import free_port
from tests.integration.story import Story
from throughline import redis_url as urls
from throughline.ledger import data_loss, keys
from throughline.ledger.history import AsyncHistory, History, HistoryUnavailable, HistoryWrong
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
def monitor(redis_url, broker, history):
    """`look = monitor()` is one that has started; `look()` is its next look, and whether it tells then of a loss."""
    with asyncio.Runner() as runner, ExitStack() as clients:

        def started(url=redis_url, kept_in=history):
            client = redis_client(MonitorSettings(redis_url=url))
            clients.callback(lambda: runner.run(client.aclose()))
            watch = DataWatch(client, kept_in, urls.place(url))

            def look():
                runner.run(watch.look())
                return watch.is_told

            return look

        yield started


@pytest.fixture
def told(log_lines):
    """`told()`: how many lost tasks each line of a loss counts, and the tasks that were told as lost."""

    def lines():
        said = [line for line in log_lines() if line.get("event.action") in {"redis.data_lost", "task.lost"}]
        counts = [line["tasks.lost"] for line in said if "tasks.lost" in line]
        return counts, sorted(line["task_id"] for line in said if line["event.action"] == "task.lost")

    return lines


@pytest.fixture
def words(log_lines):
    """`words()`: the messages of the lines of a loss."""
    return lambda: [line["message"] for line in log_lines() if line.get("event.action") == "redis.data_lost"]


@pytest.fixture
def copy(redis_url):
    """What is in Redis, to be put back in place of what is there then."""
    with redis.Redis.from_url(redis_url) as raw:

        def made():
            kept = {key: raw.dump(key) for key in raw.scan_iter()}

            def put_back():
                raw.flushall()
                for key, value in kept.items():
                    raw.restore(key, 0, value)

            return put_back

        yield made


def test_a_redis_that_is_empty_at_first_has_lost_nothing(monitor, told):
    look = monitor()
    assert [look(), look(), monitor()()] == [False] * 3
    assert told() == ([], [])


def test_data_that_are_still_there_when_a_monitor_starts_are_not_lost(monitor, story, told):
    for _ in range(3):
        assert not monitor()()
        story.submit()
    assert told() == ([], [])


@pytest.mark.parametrize("emptied", ["flushall", "flushdb"])
def test_of_two_monitors_one_tells_that_redis_was_emptied_and_names_each_open_task(
    monitor, broker, story, history, told, log_lines, emptied
):
    one, other = monitor(), monitor()
    one()
    made = [story.submit() for _ in range(5)]
    assert not one()
    assert not other()
    getattr(broker, emptied)()
    assert one()
    assert other()
    assert one()
    assert told() == ([5], sorted(made))
    assert {line["correlation_id"] for line in log_lines() if "task_id" in line} == {"ABC-1"}
    kept = history.find(made)
    assert {(task.status, task.error_type) for task in kept.values()} == {("FAILURE", data_loss.ERROR)}
    assert len(kept) == 5


def test_the_timeline_of_a_lost_task_ends_with_its_loss_whether_it_waited_or_ran(
    monitor, redis_url, broker, story, history
):
    async def timelines():
        queue = QueueService(ApiSettings(redis_url=redis_url))
        reader = AsyncHistory(f"sqlite:///{history.place.path}")
        try:
            tasks = TaskService(queue, reader)
            return [(await tasks.timeline(each, ANYONE), await tasks.find(each, ANYONE)) for each in (waiting, running)]
        finally:
            await queue.close()
            await reader.close()

    running, waiting = story.submit(), story.submit()
    story.take(running)
    look = monitor()
    look()
    broker.flushall()
    look()

    for (told, task), before in zip(asyncio.run(timelines()), (["PENDING"], ["PENDING", "STARTED"]), strict=True):
        assert [change.status for change in told.changes] == [*before, "FAILURE"]
        assert told.changes[-1].at == task.finished_at
        assert told.changes[-1].cause.startswith("LostWithRedis: It was accepted, and was lost with Redis's data")
        assert (told.status, told.now) == ("FAILURE", None)


def test_of_two_monitors_one_tells_it_too_while_the_history_cannot_say_what_was_told(
    monitor, broker, story, history, told, monkeypatch
):
    def refuse(*_: object) -> None:
        raise HistoryUnavailable

    one, other = monitor(), monitor()
    made = [story.submit() for _ in range(3)]
    assert not one()
    assert not other()
    for asked in ("find", "archive"):
        monkeypatch.setattr(history, asked, refuse)
    broker.flushall()
    assert one()
    assert other()
    assert told() == ([3], sorted(made))


def test_what_only_one_of_two_monitors_has_seen_is_told_by_that_one(monitor, broker, story, told):
    one, other = monitor(), monitor()
    other()
    made = [story.submit()]
    one()
    made.append(story.submit())
    other()
    broker.flushall()
    for look in (one, other, one, other):
        assert look()
    assert told() == ([1, 1], sorted(made))


def test_a_redis_that_was_emptied_while_no_monitor_ran_is_told_by_the_next_one(
    monitor, broker, story, history, told, words
):
    made = [story.submit() for _ in range(51)]
    monitor()()
    broker.flushall()
    one, other = monitor(), monitor()
    for look in (one, other, monitor()):
        assert look()
    assert told() == ([51], sorted(made))
    assert set(history.find(made)) == set(made)
    (message,) = words()
    assert "has lost the data that it had at" in message


def test_what_had_ended_and_is_in_the_history_is_not_told_as_lost(monitor, broker, story, history, told):
    ended, lost = story.submit(), story.submit()
    look = monitor()
    look()
    known = history.data_mark().open[ended]
    history.archive([known])
    broker.flushall()
    assert look()
    assert told() == ([1], [lost])


def test_another_database_is_told_with_the_place_where_the_data_were(monitor, redis_url, story, told, words):
    made = [story.submit()]
    monitor()()
    assert monitor(url=f"{redis_url[:-1]}1")()
    assert told() == ([1], made)
    (message,) = words()
    assert " (database 1) does not have the data that were at " in message
    assert "database 0" in message
    assert "is REDIS_URL right?" in message


@pytest.mark.parametrize("is_anew", [False, True], ids=["while it runs", "while none runs"])
def test_databases_that_are_swapped_and_swapped_back_are_told_each_time(monitor, broker, story, told, is_anew):
    look = monitor()
    made = [story.submit()]
    look()
    for _ in range(2):
        broker.swapdb(0, 1)
        look = monitor() if is_anew else look
        assert look()
    assert told() == ([1, 0], made)


@pytest.mark.parametrize("is_anew", [False, True], ids=["while it runs", "while none runs"])
def test_older_data_are_told_too_and_what_they_still_have_is_not_lost(
    monitor, story, history, told, words, copy, is_anew
):
    look, other = monitor(), monitor()
    kept = story.submit()
    look()
    put_back = copy()
    lost = story.submit()
    look()
    other()
    put_back()
    look = monitor() if is_anew else look
    assert look()
    assert other()
    assert told() == ([1], [lost])
    assert ["is back with older data" in message for message in words()] == [True]
    assert story.redis.exists(keys.task(kept))
    assert set(history.find([kept, lost])) == {lost}


def test_an_old_copy_of_the_history_is_no_loss_of_redis(monitor, broker, story, history, told, copy):
    """Neither one from before a loss that was told since, nor one of the same data."""
    look = monitor()
    story.submit()
    look()
    old = history.data_mark()
    story.submit()
    look()
    history.keep_data_mark(old)
    assert not monitor()()
    for _ in range(2):
        broker.flushall()
        look()
    before = told()
    noted = json.loads(broker.hget(keys.DATA, "before"))
    broker.hset(keys.DATA, "before", json.dumps([each | {"at": each["at"] - 86_400} for each in noted]))
    history.keep_data_mark(old)
    look = monitor()
    look()
    assert told() == before
    assert history.data_mark().identity == broker.hget(keys.DATA, "id")


@pytest.mark.parametrize("error", [HistoryUnavailable("away"), HistoryWrong("may not be written to")])
def test_without_a_history_a_monitor_watches_all_the_same_and_compares_when_it_is_back(
    monitor, broker, story, history, told, error, monkeypatch
):
    made = [story.submit()]
    monitor()()
    broker.flushall()

    def refuse(*_: object) -> None:
        raise error

    look = monitor()
    with monkeypatch.context() as away:
        for name in ("data_mark", "keep_data_mark", "find", "archive"):
            away.setattr(history, name, refuse)
        assert not look()
        made.append(story.submit())
        look()
        broker.flushall()
        assert look()
        assert told() == ([1], made[1:])
    assert look()
    assert told() == ([1, 1], sorted(made))
    assert set(history.find(made)) == set(made)


def test_a_redis_that_comes_back_with_an_empty_disk_after_all_have_stopped_is_told(
    start, stoppable, tmp_path, history, wait_until
):
    var, output, port = tmp_path / "var", tmp_path / "monitor.jsonl", free_port()
    own = {
        "SAMPLE_INTERVAL_SECONDS": "0.2",
        "MONITOR_PORT": str(port),
        "HISTORY_URL": f"sqlite:///{history.place.path}",
    }

    def monitor():
        return start("monitor", output=output, REDIS_URL=stoppable.url, VAR_DIR=str(var), **own)

    def is_known():
        mark = history.data_mark()
        return mark is not None and set(mark.open) == set(made)

    made = [Story(stoppable.client).submit() for _ in range(3)]
    before = monitor()
    wait_until(is_known, 30, "the history has the mark")
    before.terminate()
    before.wait(timeout=20)
    stoppable.stop()
    shutil.rmtree(tmp_path / "appendonlydir")
    stoppable.start()
    monitor()
    wait_until(lambda: set(history.find(made)) == set(made), 30, "the history has the lost tasks")
    lines = [json.loads(line) for line in output.read_text().splitlines()]
    assert {line["task_id"] for line in lines if line.get("event.action") == "task.lost"} == set(made)
    with plain_http.client(f"http://127.0.0.1:{port}") as client:
        wait_until(lambda: "throughline_redis_data_lost 1.0" in client.get("/metrics").text, 20, "the alert's gauge")


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
