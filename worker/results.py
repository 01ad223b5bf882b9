"""Celery's result backend, which also keeps the task record: every state that Celery stores goes into both at once."""

import logging
import os
from functools import cached_property
from typing import Any

from celery.backends.redis import RedisBackend

from throughline.errors import TooManyDeliveries
from throughline.ledger import message, scripts
from throughline.ledger.script import Call, Ledger, T
from throughline.ledger.scripts import Starter
from throughline.ledger.states import Status
from throughline.settings import WorkerSettings
from throughline.telemetry.logging import node_name
from worker.attempts import Claim, EarlierAttempt

_logger = logging.getLogger("throughline.worker")


class RecordingBackend(RedisBackend):
    """Stores a state in one atomic step, where Celery's own backend reads, then writes, and may overwrite a success."""

    @cached_property
    def _ledger(self) -> Ledger:
        return Ledger(self.client)

    @cached_property
    def _attempts(self) -> dict[str, str]:
        """The number of the attempt that this process makes, by task: the fence of every write."""
        return {}

    def claim(self, task_id: str, request: Any) -> Claim:
        """Records that this process starts the task, or says why it must not."""
        settings, record, worker = WorkerSettings.load(), _record(request), node_name("worker", WorkerSettings.load())
        started = self._meta(task_id, {"pid": os.getpid(), "hostname": worker}, Status.STARTED, request)
        lost = f"Delivered {settings.max_deliveries} times; each time the process that ran it was lost."
        starter = Starter(worker, os.getpid(), record["queue"], record["correlation_id"], record)
        call = scripts.claim(
            task_id,
            starter,
            ttl=settings.result_ttl_seconds,
            max_deliveries=settings.max_deliveries,
            celery_started=started,
            celery_dead=self._meta(task_id, TooManyDeliveries(lost), Status.FAILURE, request),
        )
        claim = _claim(*self._decided(call))
        if claim.outcome == "run":
            self._attempts[task_id] = str(claim.attempt)
        return claim

    def attempt(self, task_id: str) -> int:
        """The attempt at the task that this process makes, 1 for the first of all."""
        return int(self._attempts.get(task_id, 1))

    def retry_later(self, request: Any, error: Exception, delay: float, most: int) -> str:
        """One of retry, dead, late, unstored: see retry.lua."""
        task_id = request.id
        return self._decided(
            scripts.retry(
                task_id,
                attempt=self._attempts.get(task_id, ""),
                cause=type(error).__name__,
                delay=delay,
                max_retries=most,
                ttl=WorkerSettings.load().result_ttl_seconds,
                celery_retry=self._meta(task_id, error, Status.RETRY, request),
                celery_failure=self._meta(task_id, error, Status.FAILURE, request),
            )
        )

    def hand_back(self, task_id: str, *, stopped: bool) -> None:
        """This worker gives the task up: it stops, or the task's process was lost."""
        worker = node_name("worker", WorkerSettings.load())
        cause = f"handed back by {worker}, which was stopped" if stopped else ""
        self._decided(scripts.hand_back(task_id, worker=worker, cause=cause, uncounted=stopped))

    def _store_result(
        self,
        task_id: str,
        result: Any,
        state: str,
        traceback: str | None = None,
        request: Any = None,
        **_: Any,
    ) -> Any:
        record = _record(request)
        meta = self._get_result_meta(result=result, state=state, traceback=traceback, request=request)
        failed = isinstance(result, dict) and state in {Status.FAILURE, Status.RETRY}
        stored = self._decided(
            scripts.store(
                task_id,
                state,
                celery_result=self.encode(meta | {"task_id": task_id}),
                ttl=WorkerSettings.load().result_ttl_seconds,
                attempt=self._attempts.get(task_id, ""),
                worker=node_name("worker", WorkerSettings.load()),
                cause=str(result.get("exc_type", "")) if failed else "",
                correlation_id=record["correlation_id"],
                record=record,
            )
        )
        if not stored:
            _logger.warning("An attempt at task %s came too late: its %s is not stored", task_id, state)
        return result

    def _meta(self, task_id: str, result: Any, state: str, request: Any) -> str:
        meta = self._get_result_meta(self.encode_result(result, state), state, None, request)
        return str(self.encode(meta | {"task_id": task_id}))

    def _decided(self, call: Call[T]) -> T:
        """The script's answer, tried again while Redis is away as long as Celery's retry policy says."""
        answer: T = self.ensure(lambda: self._ledger(call), ())
        return answer


def _claim(outcome: str, attempt: str = "1", before: str = "", lost: str = "") -> Claim:
    earlier = EarlierAttempt.from_json(before) if before else None
    return Claim(outcome, int(attempt), earlier, lost=bool(lost))


def _record(request: Any) -> dict[str, str]:
    """The record of a task that was sent with Celery's own `send_task`."""
    headers = getattr(request, "headers", None) or {}
    queue = (getattr(request, "delivery_info", None) or {}).get("routing_key") or message.Queue.MEDIUM
    return {
        "task_type": getattr(request, "task", None) or "unknown",
        "queue": queue,
        "priority": queue,
        "correlation_id": headers.get(message.CORRELATION_ID) or "unknown",
        "trace_id": headers.get(message.TRACEPARENT, "")[3:35],
    }
