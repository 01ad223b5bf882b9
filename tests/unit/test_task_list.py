"""A page of Redis and the history as one: what both have is one task; what moves meanwhile is not lost, nor twice."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from throughline.ledger.states import FINAL, Status
from throughline.ledger.stored_task import StoredTask
from throughline.ledger.task_list import TaskPage, page, page_of_redis
from throughline.ledger.task_query import Place, TaskQuery
from throughline.ledger.unarchived import Unarchived

NOW = 1_000.0


def stored(task_id: str, status: Status, submitted_at: float = 0.0) -> StoredTask:
    return StoredTask(task_id, {"status": status, "submitted_at": f"{submitted_at:.6f}", "task_type": "t"})


class Stores:
    """Redis's part and the history in memory; before each answer, whoever moves tasks has a turn."""

    def __init__(self, moves: Sequence[int] = ()) -> None:
        self.open: dict[str, StoredTask] = {}
        self.history: dict[str, StoredTask] = {}
        self.asked: list[TaskQuery] = []
        self._moves = iter(moves)

    async def find(self, query: TaskQuery) -> list[StoredTask]:
        self._turn()
        return _listed(self.open, query)

    async def current(self, query: TaskQuery, task_ids: Sequence[str]) -> dict[str, StoredTask | None]:
        self._turn()
        known = {task_id: self.open[task_id] for task_id in task_ids if task_id in self.open}
        return {task_id: task if query.matches(task, NOW) else None for task_id, task in known.items()}

    async def ended(self, query: TaskQuery) -> list[StoredTask]:
        self._turn()
        self.asked.append(query)
        return _listed(self.history, query)

    def archive(self, task_id: str, status: Status) -> None:
        """It ends, is copied to the history, and then leaves Redis's index."""
        place = Place.of(self.open.pop(task_id))
        self.history[task_id] = stored(task_id, status, place.submitted_at)

    def replay(self, task_id: str) -> None:
        """It is open again, and the history's row of it stays as it was."""
        self.open[task_id] = stored(task_id, Status.PENDING, Place.of(self.history[task_id]).submitted_at)

    def _turn(self) -> None:
        for seed in [next(self._moves, 0)]:
            chance = random.Random(seed)
            for _ in range(chance.randint(0, 3) if seed else 0):
                if self.open and chance.random() < 0.7:
                    self.archive(chance.choice(sorted(self.open)), chance.choice(FINAL))
                elif ended := sorted(self.history.keys() - self.open.keys()):
                    self.replay(chance.choice(ended))

    def page(self, query: TaskQuery) -> TaskPage:
        return asyncio.run(page(query, cast(Unarchived, self), self.ended))

    def all(self, query: TaskQuery) -> list[str]:
        """The IDs on all pages."""
        found: list[str] = []
        while True:
            shown = self.page(query)
            found += [task.task_id for task in shown.tasks]
            if shown.last is None:
                return found
            query = query.beginning_after(shown.last)


def _listed(tasks: dict[str, StoredTask], query: TaskQuery) -> list[StoredTask]:
    found = [task for task in tasks.values() if query.matches(task, NOW) and query.is_ahead(Place.of(task))]
    return sorted(found, key=Place.of, reverse=query.newest_first)[: query.limit]


PLACES = st.lists(st.tuples(st.integers(0, 3), st.text("ab", min_size=1, max_size=5)), unique_by=lambda each: each[1])
QUERIES = st.builds(
    TaskQuery,
    statuses=st.lists(st.sampled_from(Status), unique=True).map(tuple),
    newest_first=st.booleans(),
    limit=st.integers(1, 5),
    submitted_after=st.none() | st.integers(0, 3).map(float),
)


@given(PLACES, st.randoms(use_true_random=False), QUERIES)
def test_pages_of_both_are_those_of_one_plain_list(places: Any, chance: random.Random, query: TaskQuery):
    stores, current = Stores(), {}
    for at, task_id in places:
        where = chance.choice(["redis", "history", "both", "replayed"])
        ended, now = stored(task_id, chance.choice(FINAL), at), stored(task_id, chance.choice(list(Status)), at)
        if where != "redis":
            stores.history[task_id] = ended
        if where != "history":
            stores.open[task_id] = ended if where == "both" else now
        current[task_id] = stores.open.get(task_id, ended)

    assert stores.all(query) == [task.task_id for task in _listed(current, query.at_most(len(places)))]


@given(PLACES, st.lists(st.integers(0, 10_000), max_size=40), st.booleans(), st.integers(1, 4))
def test_a_task_that_moves_while_pages_are_read_is_on_one_of_them(
    places: Any, moves: list[int], newest_first: bool, limit: int
):
    stores = Stores(moves)
    for number, (at, task_id) in enumerate(places):
        if number % 2:
            stores.history[task_id] = stored(task_id, Status.FAILURE, at)
        else:
            stores.open[task_id] = stored(task_id, Status.PENDING, at)

    found = stores.all(TaskQuery(newest_first=newest_first, limit=limit))

    expected = sorted(places, key=lambda each: (float(each[0]), each[1]), reverse=newest_first)
    assert found == [task_id for _, task_id in expected]


def test_tasks_that_arrive_meanwhile_shift_no_page():
    stores = Stores()
    stores.open = {f"t{n}": stored(f"t{n}", Status.PENDING, n) for n in range(4)}
    first = stores.page(TaskQuery(limit=2))
    assert first.last is not None
    stores.open["new"] = stored("new", Status.PENDING, 9)

    second = stores.page(TaskQuery(limit=2, after=first.last))

    assert [task.task_id for task in (*first.tasks, *second.tasks)] == ["t3", "t2", "t1", "t0"]
    assert second.last is None, "nothing comes after a page that the last task just fills"


def test_what_is_dropped_from_the_historys_rows_is_made_up_for_by_the_next_ones():
    stores = Stores()
    for n in range(9):
        stores.history[f"t{n}"] = stored(f"t{n}", Status.FAILURE, n)
    for n in range(4, 9):
        stores.replay(f"t{n}")

    shown = stores.page(TaskQuery(statuses=(Status.FAILURE,), limit=3))

    assert [task.task_id for task in shown.tasks] == ["t3", "t2", "t1"]
    assert shown.last == Place(1.0, "t1")


def test_the_history_is_not_asked_for_open_tasks():
    stores = Stores()
    stores.open["t"] = stored("t", Status.PENDING)
    shown = stores.page(TaskQuery(statuses=(Status.PENDING, Status.STARTED, Status.RETRY)))
    assert [task.task_id for task in shown.tasks] == ["t"]
    assert stores.asked == []


def test_while_the_history_is_away_there_is_redis_part():
    stores = Stores()
    stores.open = {f"t{n}": stored(f"t{n}", Status.SUCCESS, n) for n in range(3)}

    async def away(_: TaskQuery) -> list[StoredTask]:
        raise ConnectionError("away")

    with pytest.raises(ConnectionError):
        asyncio.run(page(TaskQuery(), cast(Unarchived, stores), away))
    shown = asyncio.run(page_of_redis(TaskQuery(limit=2), cast(Unarchived, stores)))
    assert [task.task_id for task in shown.tasks] == ["t2", "t1"]
    assert shown.last == Place(1.0, "t1")


def test_a_query_that_begins_elsewhere_is_otherwise_the_same():
    query = TaskQuery(task_type="t", limit=7)
    assert query.beginning_after(Place(1.0, "a")) == replace(query, after=Place(1.0, "a"))
