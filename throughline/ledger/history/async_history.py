"""The history for an event loop: each call in a thread of its own pool, answered or refused before its deadline."""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from throughline.ledger.history.engine import POOL_SIZE
from throughline.ledger.history.errors import HistoryUnavailable
from throughline.ledger.history.history import Bars, DeadLetters, Groups, History, Tasks
from throughline.ledger.stored_task import StoredTask
from throughline.ledger.task_query import TaskQuery

T = TypeVar("T")


class AsyncHistory:
    """`History`, awaited. While a call hangs beyond its deadline, the others are refused at once."""

    def __init__(self, url: str, *, deadline: float = 0.6, timeout: float | None = None, writes: bool = False) -> None:
        # A statement ends a little before its deadline, so that the thread and the connection are free again.
        self._history = History(url, timeout=timeout or deadline * 0.9, writes=writes)
        self._deadline = deadline
        self._threads = ThreadPoolExecutor(POOL_SIZE, thread_name_prefix="history")
        self._hangs: dict[Future[Any], float] = {}  # each call that missed its deadline, and since when it runs

    @property
    def place(self) -> str:
        """Where it is, without a password."""
        return str(self._history.place)

    async def close(self) -> None:
        """Does not wait for a call that hangs."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._history.close()

    async def check(self) -> None:
        await self._call(self._history.check)

    async def archive(self, tasks: Sequence[StoredTask]) -> None:
        await self._call(self._history.archive, tasks)

    async def find(
        self, task_ids: Sequence[str], *, messages: bool = False, caller: str | None = None
    ) -> dict[str, StoredTask]:
        return await self._call(self._history.find, task_ids, messages=messages, caller=caller)

    async def list(self, query: TaskQuery) -> Tasks:
        return await self._call(self._history.list, query)

    async def dead_letters(self, most: int) -> Tasks:
        return await self._call(self._history.dead_letters, most)

    async def dead_letters_between(
        self, since: float, until: float, *, task_type: str = "", most: int = 2000
    ) -> DeadLetters:
        return await self._call(self._history.dead_letters_between, since, until, task_type=task_type, most=most)

    async def count_dead_letters(self) -> int:
        return await self._call(self._history.count_dead_letters)

    async def counts(self, query: TaskQuery, since: float, until: float, bars: int) -> Bars:
        return await self._call(self._history.counts, query, since, until, bars)

    async def error_groups(self, since: float, until: float, *, task_type: str = "", most: int = 50) -> Groups:
        return await self._call(self._history.error_groups, since, until, task_type=task_type, most=most)

    async def prune(self, before: float, most: int = 1000) -> int:
        return await self._call(self._history.prune, before, most)

    async def _call(self, work: Callable[..., T], *arguments: Any, **named: Any) -> T:
        if self._hangs:
            waited = time.monotonic() - min(self._hangs.values())
            raise HistoryUnavailable(f"{self.place}: a call has waited for its answer for {waited:.1f} s")
        begun = time.monotonic()
        running = self._threads.submit(work, *arguments, **named)
        answer = asyncio.wrap_future(running)
        done, _ = await asyncio.wait([answer], timeout=self._deadline)
        if done:
            return answer.result()
        answer.add_done_callback(_expect)
        if not running.cancel():  # it runs
            self._hangs[running] = begun
            running.add_done_callback(lambda ended: self._hangs.pop(ended, None))
        raise HistoryUnavailable(f"{self.place}: no answer within {self._deadline:g} s")


def _expect(answer: asyncio.Future[Any]) -> None:
    """Nobody waits for it any more: asyncio would log its error as one that was never retrieved."""
    if not answer.cancelled():
        answer.exception()
