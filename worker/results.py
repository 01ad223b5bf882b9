"""Celery's result backend, which also keeps the task record: every state that Celery stores goes into both at once."""

import logging
import os
from functools import cached_property
from importlib.resources import files
from typing import Any

from celery.backends.redis import RedisBackend
from redis.commands.core import Script

from throughline.errors import TooManyDeliveries
from throughline.ledger import keys, message
from throughline.ledger.message import Queue
from throughline.ledger.states import Status
from throughline.settings import WorkerSettings
from throughline.telemetry.logging import node_name
from worker.attempts import Claim, EarlierAttempt

_logger = logging.getLogger("throughline.worker")


class RecordingBackend(RedisBackend):
    """Stores a state in one atomic step, where Celery's own backend reads, then writes, and may overwrite a success."""

    @cached_property
    def _claim(self) -> Script:
        return self._script("claim.lua")

    @cached_property
    def _record_state(self) -> Script:
        return self._script("record_state.lua")

    @cached_property
    def _retry(self) -> Script:
        return self._script("retry.lua")

    @cached_property
    def _hand_back(self) -> Script:
        return self._script("hand_back.lua")

    @cached_property
    def _attempts(self) -> dict[str, str]:
        """The number of the attempt that this process makes, by task: the fence of every write."""
        return {}

    def _script(self, name: str) -> Script:
        script: Script = self.client.register_script(
            files("throughline.ledger").joinpath("lua", name).read_text(encoding="utf-8")
        )
        return script

    def claim(self, task_id: str, request: Any) -> Claim:
        """Records that this process starts the task, or says why it must not."""
        settings, record, worker = WorkerSettings.load(), _record(request), node_name("worker", WorkerSettings.load())
        started = self._meta(task_id, {"pid": os.getpid(), "hostname": worker}, Status.STARTED, request)
        lost = f"Delivered {settings.max_deliveries} times; each time the process that ran it was lost."
        script_keys = [
            *_keys(task_id, record["correlation_id"]),
            keys.DRAIN,
            keys.PROMISES,
            *Queue,
            keys.OPEN,
            keys.DEAD_LETTERS,
            keys.WORKERS,
            keys.WORKER_TASKS,
            keys.FINISHED,
        ]
        arguments = [
            task_id,
            started,
            settings.result_ttl_seconds,
            worker,
            os.getpid(),
            record["queue"],
            settings.max_deliveries,
            self._meta(task_id, TooManyDeliveries(lost), Status.FAILURE, request),
            keys.WORKER_ALIVE_SECONDS,
        ]
        claim = _claim(*self._decided(self._claim, script_keys, [*arguments, *_flat(record)]))
        if claim.outcome == "run":
            self._attempts[task_id] = str(claim.attempt)
        return claim

    def attempt(self, task_id: str) -> int:
        """The attempt at the task that this process makes, 1 for the first of all."""
        return int(self._attempts.get(task_id, 1))

    def retry_later(self, request: Any, error: Exception, delay: float, most: int) -> str:
        """One of retry, dead, late, unstored: see retry.lua."""
        task_id = request.id
        script_keys = [
            keys.task(task_id),
            keys.attempts(task_id),
            keys.celery_result(task_id),
            keys.message(task_id),
            keys.DELAYED,
            keys.OPEN,
            keys.DEAD_LETTERS,
            keys.FINISHED,
        ]
        arguments = [
            task_id,
            self._attempts.get(task_id, ""),
            type(error).__name__,
            delay,
            most,
            WorkerSettings.load().result_ttl_seconds,
            self._meta(task_id, error, Status.RETRY, request),
            self._meta(task_id, error, Status.FAILURE, request),
        ]
        return str(self._decided(self._retry, script_keys, arguments))

    def hand_back(self, task_id: str, *, stopped: bool) -> None:
        """This worker gives the task up: it stops, or the task's process was lost."""
        worker = node_name("worker", WorkerSettings.load())
        cause = f"handed back by {worker}, which was stopped" if stopped else ""
        script_keys = [keys.task(task_id), keys.attempts(task_id)]
        self._decided(self._hand_back, script_keys, [worker, cause, "1" if stopped else ""])

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
        script_keys = [
            *_keys(task_id, record["correlation_id"]),
            keys.message(task_id),
            keys.FINISHED,
            keys.OPEN,
        ]
        failed = isinstance(result, dict) and state in {Status.FAILURE, Status.RETRY}
        arguments = [
            state,
            self.encode(meta | {"task_id": task_id}),
            WorkerSettings.load().result_ttl_seconds,
            task_id,
            self._attempts.get(task_id, ""),
            node_name("worker", WorkerSettings.load()),
            str(result.get("exc_type", "")) if failed else "",
        ]
        stored = self._decided(self._record_state, script_keys, [*arguments, *_flat(record)])
        if not stored:
            _logger.warning("An attempt at task %s came too late: its %s is not stored", task_id, state)
        return result

    def _meta(self, task_id: str, result: Any, state: str, request: Any) -> str:
        meta = self._get_result_meta(self.encode_result(result, state), state, None, request)
        return str(self.encode(meta | {"task_id": task_id}))

    def _decided(self, script: Script, script_keys: list[str], arguments: list[Any]) -> Any:
        """The script's answer, tried again while Redis is away as long as Celery's retry policy says."""
        answer = self.ensure(lambda: script(keys=script_keys, args=arguments), ())
        if isinstance(answer, list):
            return [_text(part) for part in answer]
        return _text(answer)


def _claim(outcome: str, attempt: str = "1", before: str = "", lost: str = "") -> Claim:
    earlier = EarlierAttempt.from_json(before) if before else None
    return Claim(outcome, int(attempt), earlier, lost=bool(lost))


def _keys(task_id: str, correlation_id: str) -> list[str]:
    return [
        keys.task(task_id),
        keys.attempts(task_id),
        keys.celery_result(task_id),
        keys.correlation(correlation_id),
    ]


def _text(answer: Any) -> Any:
    return answer.decode() if isinstance(answer, bytes) else answer


def _flat(record: dict[str, str]) -> list[str]:
    return [part for field in record.items() for part in field]


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
