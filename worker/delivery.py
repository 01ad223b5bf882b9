"""One delivery of a task: what its message says, whoever sent it. A header that is not what it should be is absent."""

import time
import uuid
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final, Self

from throughline.ledger import message
from throughline.telemetry import correlation, trace_context

_LONGEST_NAME: Final = 256
_READ: Final = (
    *("id", "task", "root_id", "parent_id"),
    *(message.CORRELATION_ID, message.TRACEPARENT, message.TRACESTATE, message.PUBLISHED_AT),
)
_MADE: Final = uuid.UUID("6f9c2f4e-6a0e-4c0c-9a53-0d6f5d2b7a11")


@dataclass(frozen=True)
class Delivery:
    """What every process that meets the message must find in it alike: IDs that are made are made from the task's."""

    task_id: str
    task_type: str
    queue: str
    correlation_id: str
    traceparent: str  # '' for a task that begins a trace of its own
    trace_id: str
    published_at: float | None
    tracestate: str = ""
    parent_id: str = ""  # the task that sent it
    is_recorded: bool = False  # it came through the front door, which has written its record

    @classmethod
    def of(cls, headers: Mapping[str, Any], queue: Any) -> Self:
        """`headers` are the message's, with those of Celery beside ours."""
        said = {name: _writable(headers.get(name)) for name in _READ}
        task_id, root = str(said["id"] or ""), said["root_id"]
        correlation_id = said[message.CORRELATION_ID]
        traceparent = trace_context.valid_traceparent(said[message.TRACEPARENT])
        made = ""  # an ID costs 10 µs to make, and messages of the api have theirs
        is_named = correlation.is_valid(correlation_id)
        if not traceparent or not is_named:
            made = made_id(root if isinstance(root, str) and root else task_id)
        return cls(
            task_id=task_id,
            task_type=str(said["task"] or "unknown")[:_LONGEST_NAME],
            queue=str(_writable(queue)) if isinstance(queue, str) and queue else "unknown",
            correlation_id=str(correlation_id) if is_named else made,
            traceparent=traceparent,
            trace_id=traceparent[3:35] or _made_trace_id(made),
            published_at=message.time_of_publication(said[message.PUBLISHED_AT], time.time()),
            tracestate=_text(said[message.TRACESTATE]) if traceparent else "",
            parent_id=_parent(said["parent_id"], task_id),
            is_recorded=message.ENVELOPE in headers,
        )

    @classmethod
    def of_request(cls, request: Any) -> Self:
        """The same from Celery's request, whose `headers` are ours alone: see held_request.py."""
        if request is None:
            return cls.of({}, None)
        read: Self | None = getattr(request, "_delivery", None)  # 20 µs, and every step of a run asks
        if read is None:
            names = {name: getattr(request, name, None) for name in ("id", "task", "root_id", "parent_id")}
            queue = (getattr(request, "delivery_info", None) or {}).get("routing_key")
            read = request._delivery = cls.of({**(getattr(request, "headers", None) or {}), **names}, queue)
        return read

    def headers(self) -> dict[str, Any]:
        """Our headers, as they travel to the process that runs the task and into the message of a retry."""
        own = {
            message.CORRELATION_ID: self.correlation_id,
            message.TRACEPARENT: self.traceparent,
            message.TRACESTATE: self.tracestate,
            message.PUBLISHED_AT: self.published_at,
            message.ENVELOPE: message.ENVELOPE_VERSION if self.is_recorded else None,
        }
        return {name: value for name, value in own.items() if value}

    def request(self) -> dict[str, Any]:
        """What Celery's request would say of it."""
        names = {"id": self.task_id, "task": self.task_type, "parent_id": self.parent_id}
        return {**names, "headers": self.headers(), "delivery_info": {"routing_key": self.queue}}

    def record(self) -> dict[str, str]:
        """The fields of the task's record, when no other process has written it."""
        queue = self.queue if self.queue != "unknown" else message.Queue.MEDIUM.value
        record = {
            "task_type": self.task_type,
            "queue": queue,
            "priority": queue,
            "correlation_id": self.correlation_id,
            "trace_id": self.trace_id,
        }
        return record | ({"parent_id": self.parent_id} if self.parent_id else {})

    def bound(self) -> AbstractContextManager[None]:
        """Log lines and spans inside the block are the task's."""
        return correlation.bound(self.correlation_id, self.task_id)


def _writable(value: Any) -> Any:
    """JSON may hold half a character, which can be written nowhere: `?` instead."""
    if not isinstance(value, str) or value.isascii():
        return value
    return value.encode(errors="replace").decode()


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _parent(parent: Any, task_id: str) -> str:
    """Celery's own retry names the task itself: the attempt before sent it."""
    return parent if isinstance(parent, str) and parent != task_id else ""


def made_id(task_id: str) -> str:
    """The ID of 32 hex digits for what came without: the same at each delivery, and for all tasks of one canvas."""
    return uuid.uuid5(_MADE, task_id).hex


def _made_trace_id(made: str) -> str:
    """Not the same ID: a few bits of every UUID are alike, by which a sampler of a ratio would take all or none."""
    return blake2b(made.encode(), digest_size=16).hexdigest()
