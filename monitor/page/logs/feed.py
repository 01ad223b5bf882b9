"""One reader of log lines for all who look at them, in the background, and only while somebody looks.

Each set of filters that is looked at is a watch: it begins with the lines of the last minutes, takes each new one that
it lets through, and keeps the newest. However many look, one reader follows the files, or asks Elasticsearch.
"""

import asyncio
import time
from bisect import insort
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import orjson

from monitor.page.logs.source import Follower, LogSource
from monitor.page.refusal import Refused
from throughline.journey.elasticsearch_client import Unanswered
from throughline.tail.told_line import ToldLine, told_line
from throughline.tail.wanted import Wanted

MOST_LINES: Final = 300  # of each watch
MOST_WATCHES: Final = 50
_POLL_SECONDS: Final = 1.0
_LEFT_SECONDS: Final = 30.0  # a watch that nobody has looked at for so long ends
_WAIT_SECONDS: Final = 10.0

Value = TypeVar("Value")


@dataclass
class Watch:
    """The newest lines that some filters let through, in the order of time, each once."""

    wanted: Wanted
    looked_at: float
    lines: list[ToldLine] = field(default_factory=list)
    more: bool = False  # there are older ones
    _known: set[int] = field(default_factory=set)
    _keys: list[int] = field(default_factory=list)  # of the lines, oldest told first

    def add(self, fields: Mapping[str, Any]) -> None:
        key = hash(orjson.dumps(fields, option=orjson.OPT_SORT_KEYS))
        if key in self._known:
            return
        self._known.add(key)
        self._keys.append(key)
        insort(self.lines, told_line(fields), key=lambda line: line.at_ns)
        if len(self.lines) > MOST_LINES:
            self.more = True
            del self.lines[0]
        if len(self._keys) > 2 * MOST_LINES:
            self._known.discard(self._keys.pop(0))


class LogFeed:
    """One monitor's."""

    def __init__(self, source: LogSource) -> None:
        self._source = source
        self._thread = ThreadPoolExecutor(1, "logs")
        self._watches: dict[Wanted, asyncio.Task[Watch]] = {}
        self._reading: asyncio.Task[None] | None = None
        self._follower: Follower | None = None
        self._opening = asyncio.Lock()
        self.trouble = ""

    @property
    def where(self) -> str:
        return self._source.where

    async def close(self) -> None:
        if self._reading:
            self._reading.cancel()
            with suppress(asyncio.CancelledError):
                await self._reading
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def watch(self, wanted: Wanted) -> Watch:
        """What these filters let through until now; raises `Refused`."""
        if wanted not in self._watches:
            if len(self._watches) >= MOST_WATCHES:
                detail = f"{MOST_WATCHES} different views of the log lines are open already. Please retry later."
                raise Refused(503, "TOO_MANY_VIEWS", detail, {"Retry-After": "30"})
            self._watches[wanted] = asyncio.ensure_future(self._begun(wanted))
        if self._reading is None or self._reading.done():
            self._reading = asyncio.ensure_future(self._read())
        beginning = self._watches[wanted]
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                watch = await asyncio.shield(beginning)
        except TimeoutError:
            raise Refused(
                503, "SEARCH_TIMEOUT", f"{self.where} did not answer in time.", {"Retry-After": "5"}
            ) from None
        except Unanswered as error:
            self._watches.pop(wanted, None)
            raise Refused(503, "SEARCH_UNAVAILABLE", f"{error}.", {"Retry-After": "5"}) from None
        watch.looked_at = time.monotonic()
        return watch

    async def _begun(self, wanted: Wanted) -> Watch:
        """Followed from before the look at what is there, so that nothing is missed in between."""
        async with self._opening:
            if self._follower is None:
                self._follower = await self._in_thread(self._source.follow)
        watch = Watch(wanted, time.monotonic())
        for fields in await self._in_thread(lambda: self._source.recent(wanted, MOST_LINES)):
            watch.add(fields)
        watch.more = watch.more or len(watch.lines) >= MOST_LINES
        return watch

    async def _read(self) -> None:
        try:
            while self._watches:
                await asyncio.sleep(_POLL_SECONDS)
                await self._look()
        finally:
            if self._follower:
                self._follower.close()
            self._follower = None

    async def _look(self) -> None:
        follower = self._follower
        if follower is None:
            return
        try:
            self._take(await self._in_thread(lambda: list(follower.new())))
            self.trouble = ""
        except Unanswered as error:
            self.trouble = f"{error}. Trying again."
        left = time.monotonic() - _LEFT_SECONDS
        for wanted, task in list(self._watches.items()):
            if task.done() and (task.cancelled() or task.exception() or task.result().looked_at < left):
                del self._watches[wanted]

    def _take(self, lines: Iterable[Mapping[str, Any]]) -> None:
        for fields in lines:
            for task in self._watches.values():
                if task.done() and not task.cancelled() and not task.exception():
                    watch = task.result()
                    if watch.wanted.lets_through(fields):
                        watch.add(fields)

    async def _in_thread(self, work: Callable[[], Value]) -> Value:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
