"""The two pages: looks up what they show and fills their templates."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import orjson

from monitor.page.changes.changes_view import now_view
from monitor.page.comparisons import Comparisons
from monitor.page.contents.pages import ContentsPages
from monitor.page.home_view import HomeView, queues_view, recent_view, traffic_view
from monitor.page.journey_view import drawn_requests, journey_view, requests_on_page
from monitor.page.links import example, of_task, places
from monitor.page.page_data import PageData
from monitor.page.recorded_state import as_recorded
from monitor.page.refusal import Refused, not_found
from monitor.page.responses import rendered
from monitor.page.system_map.layout import Layout, layout
from monitor.page.system_map.parts import parts
from monitor.page.system_map.replicas import Replica
from monitor.page.task_list import PageQuery
from monitor.page.telemetry_source import telemetry_source
from monitor.page.traffic import Traffic
from throughline.journey import Journey, to_dict
from throughline.journey.journey import Request as JourneyRequest
from throughline.ledger import redis_clock
from throughline.ledger.queue_sample import Sample
from throughline.ledger.record import TaskRecord
from throughline.ledger.workers import Workers
from throughline.settings import MonitorSettings
from throughline.telemetry import correlation

_MOST_RECORDS: Final = 2000  # that one look reads from Redis


class Pages:
    """The pages of one monitor."""

    def __init__(self, settings: MonitorSettings) -> None:
        self._settings = settings
        self.data = PageData(settings, telemetry_source(settings))
        self.contents = ContentsPages(self.data, settings.result_ttl_seconds)
        self._comparisons = Comparisons(self.data)

    async def home(self, base_url: str, token: str) -> str:
        troubles: list[str] = []
        sample, seen, versions, workers = await asyncio.gather(
            self.data.sample(), self._traffic(troubles), self.data.versions(), self.data.workers()
        )
        replicas = await self.data.replicas(workers.now) if workers else ()
        if sample is None:
            troubles.append("Redis does not answer: nothing is known of the queues at this moment.")
        known = await self.data.newest_tasks([request.correlation_id for request in seen.recent]) if seen else {}
        view = HomeView(
            queues=queues_view(sample, self._settings.circuit_max_depth) if sample else None,
            traffic=traffic_view(seen) if seen else None,
            recent=recent_view(seen, known, datetime.now(UTC)) if seen else (),
            versions=now_view(versions, redis_clock.own.now()) if versions else None,
            troubles=tuple(troubles),
            example=example(base_url, needs_key=self._settings.api_keys_file is not None),
            map=self._map(sample, workers, seen, replicas) if sample and workers else None,
        )
        return await self.data.in_thread(lambda: rendered("home.html", view=view, token=token))

    def _map(self, sample: Sample, workers: Workers, seen: Traffic | None, replicas: tuple[Replica, ...]) -> Layout:
        minute = self.data.watch.minute()
        return layout(parts(sample, workers, minute, seen.within(minute.seconds) if seen else None, replicas))

    async def journey(self, correlation_id: str, asked: PageQuery, base_url: str, token: str) -> str:
        found = await self.data.with_errors(await self._found(correlation_id))
        shown = requests_on_page(found, asked)
        if asked.task_id and not found.of_task(asked.task_id).submissions:
            detail = f"There is no task {asked.task_id} under the correlation ID {correlation_id}."
            raise Refused(404, "TASK_NOT_FOUND", detail)
        now = datetime.now(UTC)
        drawn = drawn_requests(found, asked)
        known, compare = await asyncio.gather(self._records(found, shown), self._comparisons.among(drawn, now))
        at = places(self._settings, base_url)
        only = drawn[0].task_id if len(drawn) == 1 else ""
        contents = await self.contents.of_journey(only) if only else None

        back = of_task("", correlation_id, asked.task_id).url if asked.task_id else asked.address(correlation_id)

        def draw() -> str:
            view = journey_view(found, known, asked, at, now, compare)
            return rendered(
                "journey.html",
                view=view,
                contents=contents() if contents else None,
                token=token,
                back=back,
            )

        return await self.data.in_thread(draw)

    async def document(self, correlation_id: str) -> bytes:
        """What `throughline journey --json` prints."""
        found = await self.data.with_errors(await self._found(correlation_id))
        known = await self._records(found)
        recorded = as_recorded(found, known)
        compare = await self._comparisons.among(recorded.submissions, datetime.now(UTC))
        return await self.data.in_thread(lambda: orjson.dumps(to_dict(recorded, compare), option=orjson.OPT_INDENT_2))

    async def _records(self, found: Journey, shown: Sequence[JourneyRequest] = ()) -> dict[str, TaskRecord]:
        """Of the tasks that are shown, and of those that have not ended as far as lines and spans tell."""
        wanted = [task.task_id for request in shown for task in request.tasks]
        wanted += [task.task_id for task in found.tasks if not task.has_ended]
        return await self.data.tasks(list(dict.fromkeys(filter(None, wanted)))[:_MOST_RECORDS])

    async def _found(self, correlation_id: str) -> Journey:
        if not correlation.is_valid(correlation_id):
            detail = "A correlation ID has 1 to 128 letters, digits, dots, underscores, colons and hyphens."
            raise Refused(400, "CORRELATION_ID_INVALID", detail)
        found = await self.data.journey(correlation_id)
        if not found.requests and not found.loose_logs:
            task = (await self.data.newest_tasks([correlation_id])).get(correlation_id)
            raise not_found(correlation_id, task, redis_clock.own.now())
        return found

    async def _traffic(self, troubles: list[str]) -> Traffic | None:
        try:
            return await self.data.traffic()
        except Refused as refused:
            troubles.append(refused.detail)
            return None
