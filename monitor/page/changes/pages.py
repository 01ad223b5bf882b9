"""The page "What changed": looks up what it shows and fills its template."""

import asyncio
from dataclasses import asdict

import orjson

from monitor.page.changes.changes_view import ChangesView, changes_view
from monitor.page.page_data import PageData
from monitor.page.refusal import Refused
from monitor.page.responses import rendered
from monitor.page.traffic import Traffic
from throughline.ledger import redis_clock
from throughline.ledger.deployments import Versions

_NO_REDIS = "Redis does not answer: neither versions nor runs are known at this moment."


class ChangesPage:
    """Of one monitor."""

    def __init__(self, data: PageData) -> None:
        self._data = data

    async def html(self) -> str:
        view = await self._view()
        return await self._data.in_thread(lambda: rendered("changes.html", view=view))

    async def document(self) -> bytes:
        return orjson.dumps(asdict(await self._view()), option=orjson.OPT_INDENT_2)

    async def _view(self) -> ChangesView:
        troubles: list[str] = []
        versions, runs, seen = await asyncio.gather(
            self._data.versions(), self._data.recent_counts(), self._traffic(troubles)
        )
        if versions is None:
            troubles.append(_NO_REDIS)
        return changes_view(versions or Versions(), runs, seen, troubles, redis_clock.own.now())

    async def _traffic(self, troubles: list[str]) -> Traffic | None:
        try:
            return await self._data.traffic()
        except Refused as refused:
            troubles.append(refused.detail)
            return None
