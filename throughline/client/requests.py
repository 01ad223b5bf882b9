"""The requests that a client sends, built from what its caller gave and from the work that the caller is part of."""

import re
import uuid
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from throughline.client.errors import InvalidRequest
from throughline.client.exchange import Request
from throughline.client.json_data import encoded
from throughline.telemetry import correlation, trace_context

_TASKS: Final = "/api/v1/tasks"
_KEY: Final = re.compile(r"[\x20\x21\x23-\x7e]{1,255}", re.ASCII)
_propagator: Final = trace_context.Propagator()


def submission(
    task_type: str,
    data: Any,
    *,
    priority: str | None,
    queue: str | None,
    idempotency_key: str | None,
    correlation_id: str | None,
) -> Request:
    """Carries a key of its own unless one is given: however often this request is sent, it makes one task."""
    if not isinstance(task_type, str) or not task_type:
        raise InvalidRequest(f"task_type must be a task type's name, not {task_type!r}.")
    if callable(
        dump := getattr(data, "model_dump", None)
    ):  # a pydantic model; the client itself does not load pydantic
        data = dump(mode="json", by_alias=True, exclude_unset=True)
    chosen = {"priority": priority, "queue": queue}
    body = {"task_type": task_type, "data": data} | {name: each for name, each in chosen.items() if each is not None}
    headers = {
        "Content-Type": "application/json",
        "Idempotency-Key": f'"{_key(idempotency_key)}"',
        "X-Request-ID": _correlation_id(correlation_id),
    }
    return Request("POST", _TASKS, headers=headers | _trace(), content=encoded(body))


def look(task_id: str, what: str = "", query: Mapping[str, str] | None = None) -> Request:
    """A look is no part of the caller's journey: it is sent without the correlation ID and the trace."""
    return Request("GET", f"{_path(task_id)}{what}", query or {})


def cancellation(task_id: str) -> Request:
    """Part of the journey of whoever cancels, whatever the task was submitted under."""
    return Request("DELETE", _path(task_id), headers={"X-Request-ID": _correlation_id(None)} | _trace())


def checked_task_id(task_id: str) -> str:
    if not isinstance(task_id, str) or not task_id.isprintable() or task_id in {"", ".", ".."}:
        raise InvalidRequest(f"task_id must be a task's ID, not {task_id!r}.")
    return task_id


def _path(task_id: str) -> str:
    return f"{_TASKS}/{quote(task_id, safe='')}"


def _key(given: str | None) -> str:
    if given is None:
        return uuid.uuid4().hex
    if not isinstance(given, str) or not _KEY.fullmatch(given):
        raise InvalidRequest("idempotency_key must be 1 to 255 printable ASCII characters without double quotes.")
    return given


def _correlation_id(given: str | None) -> str:
    """The one given, else that of the current work, else a new one."""
    return correlation.keep_or_make(correlation.current()) if given is None else valid_correlation_id(given)


def valid_correlation_id(correlation_id: str) -> str:
    if not correlation.is_valid(correlation_id):
        raise InvalidRequest(
            f"correlation_id must be 1 to 128 letters, digits, dots, underscores, colons and hyphens, "
            f"not {str(correlation_id)[:128]!r}."
        )
    return correlation_id


def _trace() -> dict[str, str]:
    """`traceparent` and `tracestate` of the caller's current span; empty without one."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return carrier
