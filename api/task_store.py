"""All tasks of the last days, wherever they are: in Redis, or in the history once they have ended and moved there."""

from collections.abc import Awaitable, Sequence
from typing import TypeVar

from api import errors
from api.queue_service import QueueService
from throughline.ledger import task_list, task_store
from throughline.ledger.asked_by import AskedBy
from throughline.ledger.history import AsyncHistory, HistoryUnavailable, HistoryWrong
from throughline.ledger.stored_task import StoredTask
from throughline.ledger.task_list import TaskPage
from throughline.ledger.task_query import TaskQuery
from throughline.telemetry.logging import event

T = TypeVar("T")


class TaskStore:
    """Raises `BrokerUnavailable` or `HistoryUnavailable` for what the one or the other alone could tell."""

    def __init__(self, queue: QueueService, history: AsyncHistory | None) -> None:
        self._queue = queue
        self._history = history
        self._answers = True

    async def read(
        self, task_ids: Sequence[str], *, messages: bool = False, caller: str | None = None
    ) -> list[StoredTask | None]:
        """The tasks of these IDs, in their order; None where there is none, or with a `caller` none of theirs.

        Another's is looked for wherever one that nobody has is: neither the answer nor its time tells them apart.
        """

        async def in_redis(wanted: Sequence[str]) -> list[StoredTask | None]:
            return await self._queue.read(wanted, messages=messages, caller=caller)

        async def in_history(wanted: Sequence[str]) -> dict[str, StoredTask]:
            return await self._in_history(wanted, messages=messages, caller=caller)

        return await task_store.read(task_ids, in_redis, in_history)

    async def page(self, query: TaskQuery) -> TaskPage:
        """A page of a list."""

        async def in_history(asked: TaskQuery) -> list[StoredTask]:
            return await self._asked(self._history.list(asked)) if self._history else []

        return await task_list.page(query, self._queue.unarchived, in_history)

    async def dead_letters(self, most: int) -> list[StoredTask]:
        """The latest first. One that was replayed is none, though the history still has its old end."""
        history = self._history
        kept = await self._asked(history.dead_letters(most)) if history else []
        waiting = await self._queue.dead_letters(most)
        ids = list(dict.fromkeys([*waiting, *(task.task_id for task in kept)]))
        here = dict(zip(ids, await self._queue.read(ids), strict=True))
        found = [task for task in kept if here[task.task_id] is None]
        known = {task.task_id for task in found}
        found += [task for each in waiting if each not in known and (task := here[each])]
        return sorted(found, key=lambda task: task.record.finished_at or 0, reverse=True)[:most]

    async def replay(self, task: StoredTask, by: AskedBy) -> bool:
        """Puts a dead letter back into its queue, from wherever it is; False for a task that is none."""
        if await self._queue.replay(task.task_id, task.record.queue, by):
            return True
        if (await self._queue.read([task.task_id]))[0] is not None:
            return False
        kept = (await self._in_history([task.task_id], messages=True)).get(task.task_id)
        if kept is None or not kept.record.is_dead_letter or not kept.message:
            return False
        return await self._queue.revive(kept, by)

    async def _in_history(
        self, task_ids: Sequence[str], *, messages: bool = False, caller: str | None = None
    ) -> dict[str, StoredTask]:
        if not self._history:
            return {}
        return await self._asked(self._history.find(task_ids, messages=messages, caller=caller))

    async def _asked(self, answer: Awaitable[T]) -> T:
        """Tells once per outage why the history does not answer: the client is told no more than that it does not."""
        try:
            found = await answer
        except (HistoryUnavailable, HistoryWrong) as error:
            if self._answers:
                event("history.unavailable", f"The history does not answer: {error}", {"error.message": str(error)})
            self._answers = False
            raise errors.HistoryUnavailable from None
        self._answers = True
        return found
