"""Reads the data of a page: files and Elasticsearch in threads of its own, Redis beside them, all with a deadline."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

from redis.exceptions import RedisError

from monitor.page.answer_cache import AnswerCache
from monitor.page.profile.error_groups import ErrorGroups, Groups
from monitor.page.refusal import Refused
from monitor.page.system_map.minute import Watch
from monitor.page.system_map.replicas import Replica, Replicas
from monitor.page.task_records import TaskRecords
from monitor.page.telemetry_source import TelemetrySource
from monitor.page.traffic import Traffic
from monitor.redis_client import redis_client
from throughline.journey import Journey, assemble
from throughline.journey.elasticsearch_client import Unanswered
from throughline.journey.failure import failures_without_error
from throughline.ledger import deployments, keys, queue_sample, recent_counts, workers
from throughline.ledger.counts import Counts
from throughline.ledger.deployments import Versions
from throughline.ledger.history import AsyncHistory, HistoryUnavailable, HistoryWrong
from throughline.ledger.queue_sample import Sample
from throughline.ledger.record import TaskRecord
from throughline.ledger.stored_task import StoredTask
from throughline.ledger.workers import Workers
from throughline.profile import Profile, Window
from throughline.settings import MonitorSettings

_SEARCHES: Final = 2  # at a time: viewers must not take the processor from the monitor's own rounds
_SEARCH_SECONDS: Final = 10
_MOST_BYTES: Final = 32 * 1024 * 1024
_MOST_ERRORS: Final = 500
_FRESH_SECONDS: Final = 0.9  # just under the fastest refresh of a page

Value = TypeVar("Value")


class PageData:
    """What all pages ask. Answers are shared between those who ask at the same time."""

    def __init__(self, settings: MonitorSettings, source: TelemetrySource) -> None:
        self._source = source
        self.where = source.where
        self._threads = ThreadPoolExecutor(_SEARCHES, "page")
        self._journeys: AnswerCache[Journey] = AnswerCache(_FRESH_SECONDS)
        self._traffic: AnswerCache[Traffic] = AnswerCache(_FRESH_SECONDS)
        self._samples: AnswerCache[Sample] = AnswerCache(_FRESH_SECONDS)
        self._versions: AnswerCache[Versions] = AnswerCache(_FRESH_SECONDS)
        self._recent_counts: AnswerCache[Counts | None] = AnswerCache(_FRESH_SECONDS)
        self._workers: AnswerCache[Workers] = AnswerCache(_FRESH_SECONDS)
        self._replicas = Replicas()
        self._redis = redis_client(settings)
        self.watch = Watch(self._redis)
        self._history = AsyncHistory(settings.history_address)
        self._error_groups = ErrorGroups(self._redis, self._history)
        self._records = TaskRecords(self._redis, self._history)

    async def close(self) -> None:
        await self._redis.aclose()
        await self._history.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def in_thread(self, work: Callable[[], Value]) -> Value:
        """Runs what would hold up the event loop: reading files, asking Elasticsearch, filling a large template."""
        try:
            async with asyncio.timeout(_SEARCH_SECONDS):
                return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except TimeoutError:
            detail = f"{self._source.where} did not answer within {_SEARCH_SECONDS} s. Please retry."
            raise Refused(503, "SEARCH_TIMEOUT", detail, {"Retry-After": "5"}) from None
        except Unanswered as error:
            raise Refused(503, "SEARCH_UNAVAILABLE", f"{error}.", {"Retry-After": "5"}) from None

    async def journey(self, correlation_id: str) -> Journey:
        """Everything found under the ID; one without requests and lines when there is nothing."""

        def search() -> Journey:
            return assemble(correlation_id, self._source.find(correlation_id))

        return await self._journeys.get(correlation_id, lambda: self.in_thread(search))

    async def profile(self, window: Window, task_type: str = "", most_bytes: int = _MOST_BYTES) -> Profile:
        """Where the time of many tasks went; of files, only the newest so many bytes of each."""
        return await self.in_thread(lambda: self._source.profile(window, task_type, most_bytes=most_bytes))

    async def error_groups(self, window: Window, task_type: str = "") -> Groups:
        return await self._error_groups.read(window, task_type)

    async def traffic(self) -> Traffic:
        return await self._traffic.get("", lambda: self.in_thread(self._source.traffic))

    async def sample(self) -> Sample | None:
        """None while Redis does not answer."""
        try:
            return await self._samples.get("", lambda: queue_sample.take(self._redis))
        except (RedisError, OSError):
            return None

    async def versions(self) -> Versions | None:
        """What runs and what was deployed; None while Redis does not answer."""
        try:
            return await self._versions.get("", lambda: deployments.read(self._redis))
        except (RedisError, OSError):
            return None

    async def recent_counts(self) -> Counts | None:
        """Which runs have ended within about an hour; None while Redis does not answer, and before any are counted."""
        try:
            return await self._recent_counts.get("", lambda: recent_counts.read(self._redis))
        except (RedisError, OSError):
            return None

    async def workers(self) -> Workers | None:
        """Those seen lately and the latest deaths; None while Redis does not answer."""
        try:
            return await self._workers.get("", lambda: workers.take(self._redis))
        except (RedisError, OSError):
            return None

    async def replicas(self, now: float) -> tuple[Replica, ...]:
        """Of the API; those known before while Redis does not answer."""
        try:
            told: Any = await self._redis.hgetall(keys.INSTANCES)
            return self._replicas.update(told, now)
        except (RedisError, OSError):
            return self._replicas.update({}, now)

    async def tasks(self, task_ids: Sequence[str]) -> dict[str, TaskRecord]:
        """Their records; none while Redis does not answer: the page then shows spans and lines only."""
        try:
            return await self._records.read(task_ids, attempts=True)
        except (RedisError, OSError):
            return {}

    async def with_errors(self, found: Journey) -> Journey:
        """The journey with the errors that are not whole in the log."""
        missing = [task.task_id for task in failures_without_error(found.tasks)][:_MOST_ERRORS]
        try:
            return found.with_errors(await self._records.errors(missing)) if missing else found
        except (RedisError, OSError):
            return found

    async def stored_task(self, task_id: str, caller: str | None = None) -> StoredTask | None:
        """All that is kept of a task, with what it was submitted with; raises `Refused` when that cannot be told.

        With a `caller`, of their own task alone.
        """
        try:
            return await self._records.stored(task_id, caller)
        except (RedisError, OSError):
            detail = "Redis does not answer, and may have the task. Please retry."
            raise Refused(503, "BROKER_UNAVAILABLE", detail, {"Retry-After": "1"}) from None
        except (HistoryUnavailable, HistoryWrong) as away:
            detail = f"The history does not answer ({away}), and Redis does not have the task. Please retry."
            raise Refused(503, "HISTORY_UNAVAILABLE", detail, {"Retry-After": "1"}) from None

    async def newest_tasks(self, correlation_ids: Sequence[str]) -> dict[str, TaskRecord]:
        try:
            return await self._records.newest(correlation_ids)
        except (RedisError, OSError):
            return {}

    async def correlation_of(self, task_id: str) -> str:
        """The correlation ID of a task; empty when there is no such task."""
        try:
            task = (await self._records.read([task_id])).get(task_id)
        except (RedisError, OSError):
            return ""
        return task.correlation_id if task else ""
