"""Pages of Redis and the history as one, while tasks end, move into the history, are forgotten and come back."""

import asyncio
import random
import time

import pytest
from redis.asyncio import Redis

from monitor.archive import Archive
from tests.integration.story import Story
from throughline.ledger import history_scripts, keys, task_list
from throughline.ledger.history import AsyncHistory, History, HistoryUnavailable
from throughline.ledger.scripts import AsyncLedger
from throughline.ledger.states import Reason, Status
from throughline.ledger.task_query import TaskQuery
from throughline.ledger.unarchived import Unarchived

OPEN = (Status.PENDING, Status.STARTED, Status.RETRY)


@pytest.fixture
def story(broker):
    """An hour ago: what ends now has been hot long enough."""
    told = Story(broker)
    told.time = time.time() - 3600
    return told


class World:
    """The api's reading side and the monitor's mover, on one Redis and one history."""

    def __init__(self, redis, url, story):
        self.story, self.ledger = story, AsyncLedger(redis)
        self.unarchived, self.reading, self.writing = Unarchived(redis), AsyncHistory(url), History(url, writes=True)
        self.writing.check()  # sets it up
        self.archive = Archive(redis, self.writing, 600)

    async def pages(self, query):
        """The IDs on each page."""
        while True:
            page = await task_list.page(query, self.unarchived, self.reading.list)
            yield [task.task_id for task in page.tasks]
            if page.last is None:
                return
            query = query.beginning_after(page.last)

    async def all(self, query):
        return [task_id async for page in self.pages(query) for task_id in page]

    async def move(self):
        await self.archive.copy()
        await self.archive.forget()

    def end(self, task_id, *, dead=False):
        self.story.redis.lrem("medium", 1, self.story.redis.get(keys.message(task_id)))
        attempt = self.story.claim(task_id).attempt
        if dead:
            assert self.story.retry(task_id, attempt, max_retries=0) == "dead"
        else:
            assert self.story.store(task_id, Status.SUCCESS, Reason.RETURNED, attempt=str(attempt))

    async def replay(self, task_id):
        """Whether it was a dead letter."""
        task = self.writing.find([task_id], messages=True).get(task_id)
        return task is not None and await self.ledger(history_scripts.revive(task, ttl=600, requested_by="me"))

    async def close(self):
        self.archive.close()
        await self.reading.close()
        self.writing.close()


@pytest.fixture
def run(redis_url, tmp_path, story):
    """`run(tale)` tells it in a world of its own."""

    def ran(tale):
        async def told():
            async with Redis.from_url(redis_url, decode_responses=True) as redis:
                world = World(redis, f"sqlite:///{tmp_path}/history.sqlite", story)
                try:
                    await tale(world)
                finally:
                    await world.close()

        asyncio.run(told())

    return ran


def submitted(story, number):
    """In the order of their submission; each two in the same microsecond."""
    ids = []
    for n in range(number):
        ids.append(story.submit())
        story.time += (n % 2) / 1_000_000
    return sorted(ids, key=lambda task_id: (story.record(task_id).submitted_at, task_id))


def test_open_copied_forgotten_and_replayed_tasks_are_each_on_one_page(story, run):
    async def tale(world):
        ids = submitted(story, 12)
        for task_id in ids[2:]:
            world.end(task_id, dead=task_id in ids[6:])
        await world.move()
        await world.replay(ids[6])
        world.end(ids[0])

        assert await world.all(TaskQuery(limit=5, newest_first=False)) == ids
        assert await world.all(TaskQuery(limit=5)) == ids[::-1]
        assert await world.all(TaskQuery(limit=1, statuses=(Status.FAILURE,))) == ids[7:][::-1]
        assert await world.all(TaskQuery(limit=5, statuses=OPEN)) == [ids[6], ids[1]]
        assert await world.all(TaskQuery(limit=5, correlation_id="ABC-1")) == ids[::-1]
        assert await world.all(TaskQuery(limit=5, worker="worker-1", newest_first=False)) == [ids[0], *ids[2:]]

    run(tale)


@pytest.mark.parametrize("seed", range(3))
def test_no_task_is_lost_or_twice_though_all_move_while_pages_are_read(story, run, seed):
    chance = random.Random(seed)

    async def tale(world):
        ids = submitted(story, 40)
        moving = asyncio.create_task(_everything_happens(world, ids, chance))
        readings = 0
        while not moving.done():
            newest_first = chance.random() < 0.5
            found = await world.all(TaskQuery(limit=chance.randint(3, 9), newest_first=newest_first))
            assert found == (ids[::-1] if newest_first else ids)
            readings += 1
        await moving
        assert readings > 1

    run(tale)


async def _everything_happens(world, ids, chance):
    for task_id in chance.sample(ids, len(ids)):
        world.end(task_id, dead=chance.random() < 0.5)
        await asyncio.sleep(0)
        if chance.random() < 0.7:
            await world.move()
        replayed = chance.choice(ids)
        if chance.random() < 0.5 and await world.replay(replayed) and chance.random() < 0.5:
            world.end(replayed)


def test_tasks_that_are_submitted_meanwhile_shift_no_page(story, run):
    async def tale(world):
        ids = submitted(story, 9)
        for task_id in ids[:5]:
            world.end(task_id)
        await world.move()
        found = []
        async for page in world.pages(TaskQuery(limit=2)):
            found += page
            story.time += 1
            story.submit()
        assert found == ids[::-1]

    run(tale)


def test_without_its_history_a_list_has_what_redis_has_and_open_tasks_as_ever(story, run):
    async def tale(world):
        ids = submitted(story, 3)
        world.end(ids[0])

        async def away(_):
            raise HistoryUnavailable("away")

        with pytest.raises(HistoryUnavailable):
            await task_list.page(TaskQuery(), world.unarchived, away)
        part = await task_list.page_of_redis(TaskQuery(), world.unarchived)
        waiting = await task_list.page(TaskQuery(statuses=OPEN), world.unarchived, away)
        assert [task.task_id for task in part.tasks] == ids[::-1]
        assert [task.task_id for task in waiting.tasks] == [ids[2], ids[1]]

    run(tale)
