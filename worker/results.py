"""Celery's result backend, which also keeps the task record: every state that Celery stores goes into both at once."""

import os
from functools import cached_property
from importlib.resources import files
from typing import Any

from celery.backends.redis import RedisBackend
from redis.commands.core import Script

from contracts import keys, message
from contracts.message import Queue
from contracts.settings import load_settings
from contracts.status import Status
from observability.logging import node_name


class RecordingBackend(RedisBackend):
    """Stores a state in one atomic step, where Celery's own backend reads, then writes, and may overwrite a success."""

    @cached_property
    def _claim(self) -> Script:
        return self._script("claim.lua")

    @cached_property
    def _record_state(self) -> Script:
        return self._script("record_state.lua")

    def _script(self, name: str) -> Script:
        script: Script = self.client.register_script(files("worker").joinpath(name).read_text(encoding="utf-8"))
        return script

    def claim(self, task_id: str, request: Any) -> str:
        """Records that this process starts the task: "run"; else its final status, or "cancel": it must not run."""
        settings, record, worker = load_settings(), _record(request), node_name("worker", load_settings())
        meta = self._get_result_meta({"pid": os.getpid(), "hostname": worker}, Status.STARTED, None, request)
        script_keys = [
            *_keys(task_id, record["correlation_id"]),
            keys.DRAIN,
            keys.PROMISES,
            *Queue,
        ]
        encoded = self.encode(meta | {"task_id": task_id})
        arguments = [task_id, encoded, settings.result_ttl_seconds, worker, os.getpid(), record["queue"]]
        return str(self._decided(self._claim, script_keys, [*arguments, *_flat(record)]))

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
        script_keys = [*_keys(task_id, record["correlation_id"]), keys.message(task_id), keys.FINISHED]
        encoded = self.encode(meta | {"task_id": task_id})
        arguments = [state, encoded, load_settings().result_ttl_seconds, task_id]
        self._decided(self._record_state, script_keys, [*arguments, *_flat(record)])
        return result

    def _decided(self, script: Script, script_keys: list[str], arguments: list[Any]) -> Any:
        """The script's answer, tried again while Redis is away as long as Celery's retry policy says."""
        answer = self.ensure(lambda: script(keys=script_keys, args=arguments), ())
        return answer.decode() if isinstance(answer, bytes) else answer


def _keys(task_id: str, correlation_id: str) -> list[str]:
    return [
        keys.task(task_id),
        keys.attempts(task_id),
        keys.celery_result(task_id),
        keys.correlation(correlation_id),
    ]


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
