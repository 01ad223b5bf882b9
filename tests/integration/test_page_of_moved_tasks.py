"""The page knows tasks that have left Redis: by ID, by correlation ID and in a journey."""

import asyncio
import time
from pathlib import Path

import pytest

from monitor.page.contents.pages import ContentsPages
from monitor.page.page_data import PageData
from monitor.page.telemetry_source import telemetry_source
from tests.history_away import taken_away
from tests.integration.story import Story
from tests.integration.test_archive import ended
from throughline.ledger import history_scripts, keys, stored_task
from throughline.ledger.history import History
from throughline.settings import MonitorSettings


@pytest.fixture
def story(broker):
    told = Story(broker)
    told.time = time.time() - 3600
    return told


@pytest.fixture
def asked(redis_url, tmp_path):
    """Runs one story with what a page reads; the history is a file in the test's folder."""

    def ask(tale):
        async def told():
            settings = MonitorSettings(redis_url=redis_url, var_dir=tmp_path)
            data = PageData(settings, telemetry_source(settings))
            try:
                return await tale(data)
            finally:
                await data.close()

        return asyncio.run(told())

    return ask


@pytest.fixture
def moved(story, redis_url, tmp_path, asked):
    """A task that only the history has."""
    task_id = ended(story)

    async def read(data):
        return await stored_task.read(data._redis, [task_id], messages=True)

    history = History(f"sqlite:///{tmp_path}/history.sqlite", writes=True)
    history.archive(asked(read))
    history.close()
    story.ledger(history_scripts.copied({task_id: story.record(task_id).version}))
    assert story.ledger(history_scripts.forget([task_id])) == [task_id]
    return task_id


def test_a_task_that_has_moved_is_found_by_its_id_and_by_its_correlation_id(moved, asked):
    async def tale(data):
        return (
            await data.correlation_of(moved),
            (await data.tasks([moved, "unknown"])),
            (await data.newest_tasks(["ABC-1", "NOBODY-1"])),
        )

    correlation_id, records, newest = asked(tale)
    assert correlation_id == "ABC-1"
    assert set(records) == {moved}
    assert len(records[moved].attempts) == 1
    assert {name: record.task_id for name, record in newest.items()} == {"ABC-1": moved}


def test_its_input_is_there_and_while_the_history_is_away_the_page_says_so(moved, asked, tmp_path):
    async def tale(data):
        pages = ContentsPages(data, 600)
        told = (await pages.of_journey(moved))()
        unknown = (await pages.of_journey("unknown"))()
        with taken_away(Path(tmp_path) / "history.sqlite"):
            return told, unknown, (await pages.of_journey(moved))()

    told, unknown, away = asked(tale)
    assert told.input.text == "{}"
    assert unknown.input.says == "No longer there: input and result are kept for 10 minutes after the task's end."
    assert away.input.says.startswith("The history does not answer")


def test_while_the_history_is_away_the_page_shows_what_redis_has(moved, story, broker, asked, tmp_path):
    here = ended(story)

    async def tale(data):
        await data.correlation_of(moved)
        with taken_away(Path(tmp_path) / "history.sqlite"):
            return await data.tasks([moved, here]), await data.correlation_of(moved), await data.newest_tasks(["ABC-1"])

    records, correlation_id, newest = asked(tale)
    assert set(records) == {here}
    assert correlation_id == ""
    assert newest["ABC-1"].task_id == here
    assert broker.exists(keys.task(here))
