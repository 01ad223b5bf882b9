"""Celery's result backend, which also keeps the task record: every state that Celery stores goes into both at once."""

import os
from functools import cached_property
from importlib.resources import files
from typing import Any

from celery.backends.redis import RedisBackend
from redis.commands.core import Script

from contracts import keys, message
from contracts.settings import load_settings
from observability.logging import node_name


class RecordingBackend(RedisBackend):
    """Stores a state in one atomic step, where Celery's own backend reads, then writes, and may overwrite a success."""

    @cached_property
    def _record_state(self) -> Script:
        script: Script = self.client.register_script(
            files("worker").joinpath("record_state.lua").read_text(encoding="utf-8")
        )
        return script

    def _store_result(
        self,
        task_id: str,
        result: Any,
        state: str,
        traceback: str | None = None,
        request: Any = None,
        **_: Any,
    ) -> Any:
        meta = self._get_result_meta(result=result, state=state, traceback=traceback, request=request)
        meta["task_id"] = task_id
        record = _record(request)
        settings = load_settings()
        script_keys = [
            keys.task(task_id),
            keys.attempts(task_id),
            keys.celery_result(task_id),
            keys.correlation(record["correlation_id"]),
        ]
        arguments = [
            state,
            self.encode(meta),
            settings.result_ttl_seconds,
            node_name("worker", settings),
            os.getpid(),
            task_id,
            *(part for field in record.items() for part in field),
        ]
        self.ensure(lambda: self._record_state(keys=script_keys, args=arguments), ())
        return result


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
