"""One task for its own caller or an admin: its page, a section of its journey, its input and result as files."""

import json
import re
from collections.abc import Callable
from typing import Any, Final

import orjson

from monitor.page.contents.view import ContentsView, contents_view, gone, input_of, result_of, unanswered
from monitor.page.page_data import PageData
from monitor.page.refusal import Refused
from monitor.page.responses import rendered
from monitor.page.tasks.rows import task_rows
from throughline import lifetime
from throughline.api_keys import Caller
from throughline.ledger import redis_clock
from throughline.ledger.stored_task import StoredTask
from throughline.tasks.registry import registry

_REFRESH_SECONDS: Final = 2
_OF: Final[dict[str, Callable[[StoredTask], Any]]] = {"input": input_of, "result": result_of}


class ContentsPages:
    """Nothing that it reads goes into a log line, a span or an address."""

    def __init__(self, data: PageData, ttl_seconds: int) -> None:
        self._data, self._ttl = data, ttl_seconds

    async def page(self, task_id: str, viewer: Caller) -> str:
        """Raises `Refused`: another caller's task is one that does not exist."""
        stored = await self._stored(task_id, viewer)

        def draw() -> str:
            (row,) = task_rows([stored], redis_clock.own.now())
            return rendered(
                "task.html",
                contents=self._view(stored),
                row=row,
                sees_all=viewer.sees_all,
                refresh_seconds=0 if stored.status.is_final else _REFRESH_SECONDS,
            )

        return await self._data.in_thread(draw)

    async def file(self, task_id: str, what: str, viewer: Caller) -> bytes:
        """The whole input or result as JSON; raises `Refused`."""
        stored = await self._stored(task_id, viewer)

        def written() -> bytes:
            try:
                value = _OF[what](stored)
            except ValueError as why:
                raise Refused(404, "NOT_FOUND", f"The {what} of task {task_id} is not there. {why}") from None
            return _json(value)

        return await self._data.in_thread(written)

    async def of_journey(self, task_id: str) -> Callable[[], ContentsView]:
        """For a page that is an admin's anyway; what it gives is to be called in a thread."""
        try:
            stored = await self._data.stored_task(task_id)
        except Refused as away:
            why = away.detail
            return lambda: unanswered(task_id, why)
        if stored is None:
            return lambda: gone(task_id, self._ttl)
        return lambda: self._view(stored)

    def _view(self, stored: StoredTask) -> ContentsView:
        declared = registry().get(stored.record.task_type)
        return contents_view(stored, self._ttl, declared.charts if declared else ())

    async def _stored(self, task_id: str, viewer: Caller) -> StoredTask:
        stored = await self._data.stored_task(task_id, viewer.sees)
        if stored is None:
            raise Refused(404, "TASK_NOT_FOUND", lifetime.not_there(task_id, self._ttl))
        return stored


def file_name(task_id: str, what: str) -> str:
    """A Celery client may give a task any ID."""
    return f"{re.sub(r'[^A-Za-z0-9._-]+', '-', task_id)[:64]}-{what}.json"


def _json(value: Any) -> bytes:
    try:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2)
    except TypeError:  # an integer of more than 64 bits
        return json.dumps(value, ensure_ascii=False, indent=2).encode()
