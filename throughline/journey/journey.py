"""A journey and what it is made of: requests, their steps, and the log lines written on the way."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self

from throughline.journey.span import Role


@dataclass(frozen=True)
class Step:
    """One span, seen from its request: offsets count from the request's start, in nanoseconds."""

    span_id: str
    parent_id: str
    role: Role
    name: str
    service: str
    node: str
    depth: int  # how many calls it lies inside; what the queue hands over lies inside none
    offset_ns: int
    duration_ns: int
    own_ns: int  # the part of its duration in which none of its children was at work
    what: str
    failed: bool

    @property
    def end_ns(self) -> int:
        return self.offset_ns + self.duration_ns


@dataclass(frozen=True)
class LogLine:
    """One log line, under the step in which it was written."""

    step_id: str  # the step's span_id; empty when the line belongs to no request that left a span
    offset_ns: int | None  # None: its timestamp says nothing
    fields: Mapping[str, Any]

    def text(self, field: str) -> str:
        return str(self.fields.get(field, ""))


@dataclass(frozen=True)
class Request:
    """One HTTP request and, if it submitted a task, all that became of it."""

    trace_id: str
    started: datetime
    method: str
    path: str
    http_status: int | None
    code: str  # the problem's code when it was refused
    submitted: bool
    task_id: str
    task_type: str
    queue: str
    status: str  # the task's, as last seen; empty when there is no task
    note: str  # what is known of a task that is not done, or of one whose run left no span
    total_ns: int
    queue_wait_ns: int
    run_ns: int
    slowest: Step
    steps: tuple[Step, ...]
    logs: tuple[LogLine, ...]

    @property
    def rest_ns(self) -> int:
        """Neither waiting in a queue nor running: taking the request in."""
        return self.total_ns - self.queue_wait_ns - self.run_ns

    @property
    def refused(self) -> bool:
        return self.http_status is None or self.http_status >= 400


@dataclass(frozen=True)
class Journey:
    """Everything that happened under one correlation ID, by time."""

    correlation_id: str
    requests: tuple[Request, ...]
    loose_logs: tuple[LogLine, ...]  # lines of a correlation ID of which no span was found

    @property
    def tasks(self) -> tuple[Request, ...]:
        """The requests that submitted a task."""
        return tuple(request for request in self.requests if request.submitted)

    @property
    def others(self) -> tuple[Request, ...]:
        """Reads, refusals, and repeated submissions that were answered with the first one's task."""
        return tuple(request for request in self.requests if not request.submitted)

    def of_task(self, task_id: str) -> Self:
        """The journey of one task alone: an ID that is used again has several."""
        return replace(self, requests=tuple(request for request in self.requests if request.task_id == task_id))
