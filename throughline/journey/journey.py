"""A journey and what it is made of: requests, their tasks and steps, and the log lines written on the way."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Self

from throughline.journey.attempt_end import AttemptEnd
from throughline.journey.role import Role
from throughline.ledger.states import Status

NO_SPAN: Final = ""  # the span_id of a step that has no span


@dataclass(frozen=True)
class Step:
    """One span, or something that log lines report. Offsets are nanoseconds from the request's start."""

    span_id: str
    parent_id: str  # the span around it
    role: Role
    name: str
    service: str
    node: str
    depth: int  # how far it is indented: below the call that made it; a child task below its parent's run
    offset_ns: int
    duration_ns: int
    own_ns: int  # the part of its duration in which none of its children was at work
    what: str
    failed: bool
    task_id: str = ""
    is_ongoing: bool = False  # it has not ended
    from_lines: bool = False  # it left no span, and is drawn from log lines
    version: str = ""  # of the process that did it
    requested_by: str = ""  # the correlation ID of the request that asked for it, if that is another than the task's

    @property
    def end_ns(self) -> int:
        return self.offset_ns + self.duration_ns


@dataclass(frozen=True)
class LogLine:
    """One log line, under the step in which it was written."""

    step_id: str  # the step's span_id; empty when what it belongs to has no span
    offset_ns: int | None  # None: it has no readable timestamp
    fields: Mapping[str, Any]

    def text(self, field: str) -> str:
        return str(self.fields.get(field, ""))


@dataclass(frozen=True)
class Task:
    """One task of a request: the one that it submitted, or a child that another task submitted."""

    task_id: str
    parent_id: str  # the task that submitted it; empty for one that came over HTTP
    task_type: str
    queue: str
    status: str
    note: str  # a sentence on a task that has not ended, was cancelled, or whose run left no span
    node: str  # where it was last seen at work
    attempt: int  # the latest that is known of; 0 before the first
    since_ns: int  # when its status began, from the request's start
    depth: int  # of its steps
    queue_wait_ns: int
    run_ns: int
    pause_ns: int
    has_all_spans: bool  # the spans of its latest run are there, or it never ran
    ends: tuple[AttemptEnd, ...] = ()  # of its attempts so far, and why each ended
    error_type: str = ""  # of one that failed: the class of its error
    error_message: str = ""  # empty also where it may hold the task's data: then it is not logged
    cause: str = ""  # of one that failed without an error of its own

    @property
    def has_ended(self) -> bool:
        return self.status in _FINAL

    def with_error(self, error_type: str, message: str) -> Self:
        """With the error as it is stored, which the log does not have whole."""
        return replace(self, error_type=error_type, error_message=message)


_FINAL: Final = frozenset(status.value for status in Status if status.is_final)


class Source(StrEnum):
    """What a request's steps are made of."""

    SPANS = "spans"  # but for what never has one: a pause, a mark
    LINES = "log lines"
    BOTH = "spans and log lines"


@dataclass(frozen=True)
class Effect:
    """What a request did to a task of an earlier one."""

    action: str  # cancelled, asked to stop, replayed
    task_id: str
    correlation_id: str  # of that task


@dataclass(frozen=True)
class Request:
    """One HTTP request and, if it submitted a task, that task and its children; or a task that came past the API."""

    trace_id: str
    started: datetime
    method: str
    path: str
    http_status: int | None
    code: str  # the problem's code when it was refused
    task_id: str  # the task that it submitted, or that its answer is about
    tasks: tuple[Task, ...]  # parents before their children; empty when it submitted none
    effects: tuple[Effect, ...]
    total_ns: int
    queue_wait_ns: int
    run_ns: int
    pause_ns: int
    slowest: Step
    steps: tuple[Step, ...]
    logs: tuple[LogLine, ...]
    source: Source = Source.SPANS
    unsampled: bool = False  # its log lines say so

    @property
    def submitted(self) -> bool:
        return bool(self.tasks)

    @property
    def task_type(self) -> str:
        return self.tasks[0].task_type if self.tasks else ""

    @property
    def queue(self) -> str:
        return self.tasks[0].queue if self.tasks else ""

    @property
    def status(self) -> str:
        """The status of the task that was submitted; empty when there is none."""
        return self.tasks[0].status if self.tasks else ""

    @property
    def note(self) -> str:
        return self.tasks[0].note if self.tasks else ""

    @property
    def has_ended(self) -> bool:
        return all(task.has_ended for task in self.tasks)

    @property
    def rest_ns(self) -> int:
        """Time in which none of its tasks waited or ran: NGINX and the API took the request in."""
        return self.total_ns - self.queue_wait_ns - self.run_ns - self.pause_ns

    @property
    def refused(self) -> bool:
        return self.http_status is None or self.http_status >= 400


@dataclass(frozen=True)
class Journey:
    """Everything that happened under one correlation ID, by time."""

    correlation_id: str
    requests: tuple[Request, ...]
    loose_logs: tuple[LogLine, ...]  # lines of a correlation ID of which neither a span nor a task was found

    @property
    def submissions(self) -> tuple[Request, ...]:
        """The requests that submitted a task."""
        return tuple(request for request in self.requests if request.submitted)

    @property
    def tasks(self) -> tuple[Task, ...]:
        """All tasks, children too."""
        return tuple(task for request in self.requests for task in request.tasks)

    @property
    def others(self) -> tuple[Request, ...]:
        """Reads, refusals, cancellations, and repeated submissions that were answered with the first one's task."""
        return tuple(request for request in self.requests if not request.submitted)

    def with_errors(self, errors: Mapping[str, tuple[str, str]]) -> Self:
        """With class and message of these tasks' errors, as they are stored."""

        def told(task: Task) -> Task:
            return task.with_error(*errors[task.task_id]) if task.task_id in errors else task

        requests = (replace(each, tasks=tuple(map(told, each.tasks))) for each in self.requests)
        return replace(self, requests=tuple(requests))

    def of_task(self, task_id: str) -> Self:
        """The journey of one task alone, with its parents and children: an ID that is used again has several tasks."""
        return replace(self, requests=tuple(request for request in self.requests if _concerns(request, task_id)))


def _concerns(request: Request, task_id: str) -> bool:
    return request.task_id == task_id or any(task.task_id == task_id for task in request.tasks)
