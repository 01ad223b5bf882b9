"""Where lists of tasks are read: Redis and the history as one, or the one that answers while the other is away."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from redis.exceptions import RedisError

from monitor.page.changes.releases import Release, releases
from monitor.page.tasks.time_range import TimeRange
from monitor.redis_client import redis_client
from throughline.ledger import deployments, task_list
from throughline.ledger.history import AsyncHistory, Bar, HistoryUnavailable, HistoryWrong
from throughline.ledger.states import Status
from throughline.ledger.stored_task import StoredTask
from throughline.ledger.task_query import TaskQuery
from throughline.ledger.unarchived import Unarchived
from throughline.settings import MonitorSettings

_COUNTING_SECONDS: Final = 2.0
_MOST_COUNTED: Final = 2000  # tasks that the history does not have: each of them has to be read
_AWAY: Final = (HistoryUnavailable, HistoryWrong)
NO_REDIS: Final = "Redis does not answer: only ended tasks are shown, as the history has them."


@dataclass(frozen=True)
class Listed:
    """Tasks in the order asked for, whether there are more, and what is away and so missing."""

    tasks: tuple[StoredTask, ...]
    more: bool
    troubles: tuple[str, ...] = ()
    without_history: bool = False


@dataclass(frozen=True)
class Counted:
    """How many tasks of each state in each bar (its start in seconds since 1970), and what is missing."""

    bars: tuple[tuple[float, Mapping[Status, int]], ...]
    troubles: tuple[str, ...] = ()


class TaskSource:
    """Each answer comes within the deadlines of Redis's client and of the history."""

    def __init__(self, settings: MonitorSettings) -> None:
        self._redis = redis_client(settings)
        self._unarchived = Unarchived(self._redis)
        self._history = AsyncHistory(settings.history_address)
        # Counting a busy week takes longer than a page of it, and must not keep the next page waiting.
        self._counting = AsyncHistory(settings.history_address, deadline=_COUNTING_SECONDS)

    async def close(self) -> None:
        await self._redis.aclose()
        await self._history.close()
        await self._counting.close()

    async def page(self, query: TaskQuery) -> Listed:
        try:
            found = await task_list.page(query, self._unarchived, self._history.list)
            return Listed(tuple(found.tasks), found.last is not None)
        except _AWAY as away:
            return await self._of_redis(query, away)
        except (RedisError, OSError):
            return await self._of_history(query)

    async def counts(self, query: TaskQuery, within: TimeRange, without_history: bool = False) -> Counted:
        """Without regard to the place in the list where the page begins."""
        whole = replace(
            query, after=None, newest_first=True, submitted_after=within.since, submitted_before=within.until
        )
        ended, (others, troubles) = await asyncio.gather(
            self._ended(whole, within, without_history), self._unarchived_of(whole)
        )
        if isinstance(ended, Exception):
            troubles, ended = [*troubles, _without_history(ended)], []
        bars = {within.start(number): Counter[Status]() for number in range(within.bars)}
        for bar, counted in zip(ended, bars.values(), strict=False):
            counted.update(bar.counts)
        for task in others:
            bars[within.start(within.number(task.record.submitted_at))][task.status] += 1
        return Counted(tuple(bars.items()), tuple(troubles))

    async def releases(self) -> tuple[Release, ...]:
        """The latest first; none while Redis is away."""
        try:
            return releases((await deployments.read(self._redis)).deployments)
        except (RedisError, OSError):
            return ()

    async def _of_redis(self, query: TaskQuery, away: Exception) -> Listed:
        try:
            found = await task_list.page_of_redis(query, self._unarchived)
        except (RedisError, OSError):
            return _nothing(away)
        return Listed(tuple(found.tasks), found.last is not None, (_without_history(away),), without_history=True)

    async def _of_history(self, query: TaskQuery) -> Listed:
        try:
            found = await self._history.list(query.at_most(query.limit + 1))
        except _AWAY as away:
            return _nothing(away)
        return Listed(tuple(found[: query.limit]), len(found) > query.limit, (NO_REDIS,))

    async def _ended(self, query: TaskQuery, within: TimeRange, without_history: bool) -> Sequence[Bar] | Exception:
        if without_history or not query.wants_ended:
            return []
        try:
            return await self._counting.counts(query, within.since, within.until, within.bars)
        except _AWAY as away:
            return away

    async def _unarchived_of(self, query: TaskQuery) -> tuple[list[StoredTask], list[str]]:
        try:
            found = await self._unarchived.find(query.at_most(_MOST_COUNTED))
        except (RedisError, OSError):
            return [], [NO_REDIS]
        if len(found) < _MOST_COUNTED:
            return found, []
        return found, [f"Of the tasks that only Redis has, the picture counts the latest {_MOST_COUNTED:,}."]


def _nothing(away: Exception) -> Listed:
    return Listed((), False, (f"Neither Redis nor the history answers ({away}).",), without_history=True)


def _without_history(away: Exception) -> str:
    return f"The history does not answer ({away}): only tasks that are still in Redis are shown."
