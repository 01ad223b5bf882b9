"""A page of tasks from Redis and the history as one.

A task is in Redis's index of what the history does not have, or in the history, or for a moment in both. Redis is read
first: what leaves it meanwhile is in the history by then. A row of the history may be older than its task, which a
replay took back to Redis; so Redis is asked about each row, and what it has then counts.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from throughline.ledger.stored_task import StoredTask
from throughline.ledger.task_query import Place, TaskQuery
from throughline.ledger.unarchived import Unarchived

ListHistory = Callable[[TaskQuery], Awaitable[Sequence[StoredTask]]]


@dataclass(frozen=True)
class TaskPage:
    """The tasks in the query's order; `last` is where the next page goes on, None when there is none."""

    tasks: list[StoredTask]
    last: Place | None


async def page(query: TaskQuery, redis: Unarchived, history: ListHistory) -> TaskPage:
    """The first `query.limit` tasks after `query.after`. Raises what Redis or the history raises.

    The history is not asked when only open tasks are wanted.
    """
    one_more = query.at_most(query.limit + 1)
    found = {task.task_id: task for task in await redis.find(one_more)}
    if query.wants_ended:
        found |= {task.task_id: task for task in await _in_history(one_more, redis, history)}
    return _page(query, found.values())


async def page_of_redis(query: TaskQuery, redis: Unarchived) -> TaskPage:
    """The same while the history is away: the tasks that it does not have."""
    return _page(query, await redis.find(query.at_most(query.limit + 1)))


async def _in_history(query: TaskQuery, redis: Unarchived, history: ListHistory) -> list[StoredTask]:
    found: list[StoredTask] = []
    while True:
        rows = await history(query)
        now = await redis.current(query, [row.task_id for row in rows])
        current = (now.get(row.task_id, row) for row in rows)
        found += [task for task in current if task is not None]
        if len(rows) < query.limit or len(found) >= query.limit:
            return found
        query = query.beginning_after(Place.of(rows[-1]))


def _page(query: TaskQuery, found: Iterable[StoredTask]) -> TaskPage:
    tasks = sorted(found, key=Place.of, reverse=query.newest_first)
    shown = tasks[: query.limit]
    return TaskPage(shown, Place.of(shown[-1]) if len(tasks) > query.limit else None)
