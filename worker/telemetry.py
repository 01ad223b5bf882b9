"""The worker's share of the journey: correlation from the message's headers, wait and run spans, task events."""

import logging
import os
import time
from contextlib import AbstractContextManager, ExitStack
from typing import Any

from celery import Task
from celery.app.task import Context
from celery.signals import (
    setup_logging,
    task_failure,
    task_postrun,
    task_prerun,
    task_received,
    task_retry,
    task_success,
    worker_process_init,
    worker_process_shutdown,
)
from celery.worker.request import Request
from opentelemetry.trace import INVALID_SPAN, Span, SpanKind, StatusCode, set_span_in_context

from throughline.ledger import message
from throughline.ledger.answers import Claim
from throughline.ledger.record import Attempt
from throughline.ledger.states import Status
from throughline.settings import WorkerSettings
from throughline.telemetry import correlation, tracing
from throughline.telemetry import logging as log_lines
from throughline.telemetry.logging import event


class RunningTask:
    """What is open while a task runs in this process: its correlation, its start and, once claimed, its run span."""

    def __init__(self, task: Task, task_id: str) -> None:
        request = task.request
        headers = own_headers(request)
        self.queue = (request.delivery_info or {}).get("routing_key") or "unknown"
        self.fields = {"task_type": task.name, "queue": self.queue, "attempt": 1}
        self.started = time.time()
        published_at = headers.get(message.PUBLISHED_AT)
        self._waits_since = float(published_at) if isinstance(published_at, int | float) else None
        self._parent = tracing.remote_parent(headers.get(message.TRACEPARENT))
        self.span: Span = INVALID_SPAN  # until it is claimed: nothing runs before
        self._open = ExitStack()
        self._open.enter_context(correlation.bound(headers[message.CORRELATION_ID], task_id))

    def claimed(self, claim: Claim) -> None:
        """A message that came again does not know how often it came, nor since when it waits: the claim does."""
        self.fields["attempt"] = claim.attempt
        if claim.before:
            self._waits_since = max(self._waits_since or 0.0, claim.before.finished_at or 0.0)
        if claim.before and claim.lost:
            self._tell_of_lost(claim.before)
        self.span = self._open.enter_context(self._run_span())
        if claim.lost:
            tracing.flush()  # what killed that process may kill this one too

    def _run_span(self) -> AbstractContextManager[Span]:
        started_ns, parent = int(self.started * 1e9), self._parent
        if self._waits_since is not None:
            since_ns = int(min(self._waits_since, self.started) * 1e9)
            wait = tracing.tracer().start_span(
                f"wait {self.queue}", parent, attributes={"queue": self.queue}, start_time=since_ns
            )
            wait.end(started_ns)
            parent = set_span_in_context(wait)
        attributes = self.fields | {"process.pid": os.getpid()}
        return tracing.span(self._run, SpanKind.CONSUMER, attributes, parent, started_ns)

    def _tell_of_lost(self, attempt: Attempt) -> None:
        """The span that a killed process could not write: from its start to when its end was noticed."""
        attributes = self.fields | {
            "attempt": attempt.number,
            "process.pid": attempt.process,
            "worker": attempt.worker,
            "cause": attempt.cause,
            "status": Status.RETRY,
        }
        lost = tracing.tracer().start_span(
            self._run, self._parent, SpanKind.CONSUMER, attributes, start_time=int(attempt.started_at * 1e9)
        )
        lost.set_status(StatusCode.ERROR)
        lost.end(int((attempt.finished_at or attempt.started_at) * 1e9))

    @property
    def _run(self) -> str:
        return f"run {self.fields['task_type']}"

    @property
    def queue_wait_ms(self) -> float | None:
        # Clocks of two hosts may differ by more than the wait was long: never a negative wait.
        return None if self._waits_since is None else round(max(0.0, self.started - self._waits_since) * 1000, 3)

    def ended(self, status: Status) -> dict[str, Any]:
        """The fields of the event that ends this run."""
        self.span.set_attribute("status", status)
        duration_ms = round((time.time() - self.started) * 1000, 3)
        fields = self.fields | {"status": status, "duration_ms": duration_ms}
        return fields | ({} if self.queue_wait_ms is None else {"queue_wait_ms": self.queue_wait_ms})

    def close(self) -> None:
        self._open.close()


_running: dict[str, RunningTask] = {}  # by task id; a prefork process runs one at a time


def install(settings: WorkerSettings) -> None:
    """Connects to Celery's signals; in each prefork child, sets up log lines and spans anew."""

    def set_up_process(**_: Any) -> None:
        log_lines.setup("worker", settings)
        # Celery's own account of each task repeats ours, with a traceback for what is the client's mistake.
        for name in ("celery.app.trace", "celery.worker.strategy"):
            logging.getLogger(name).setLevel(logging.CRITICAL)

    def set_up_child(**_: Any) -> None:
        set_up_process()
        tracing.setup("worker", settings)

    setup_logging.connect(set_up_process, weak=False)
    worker_process_init.connect(set_up_child, weak=False)
    worker_process_shutdown.connect(_flush, weak=False)
    task_received.connect(_received)
    task_prerun.connect(_prepared)
    task_success.connect(_succeeded)
    task_failure.connect(_failed)
    task_retry.connect(_retried)
    task_postrun.connect(_done)


def own_headers(request: Context) -> dict[str, Any]:
    """Our headers of a task's message; a correlation ID is made for a message that came without a valid one."""
    headers = dict(request.headers or {})
    headers[message.CORRELATION_ID] = correlation.keep_or_make(headers.get(message.CORRELATION_ID))
    return headers


def _received(request: Request, **_: Any) -> None:
    """In the main process. Celery's request overwrites a *header* correlation_id with the property of that name
    (the task id), so the headers travel to the child, and into a retry's message, as the request's `headers`."""
    sent = request.message.headers
    own = {name: sent[name] for name in message.OWN_HEADERS if name in sent}
    own[message.CORRELATION_ID] = correlation.keep_or_make(own.get(message.CORRELATION_ID))
    request.request_dict["headers"] = own
    with correlation.bound(own[message.CORRELATION_ID], request.id):
        queue = request.delivery_info["routing_key"]
        event("task.received", f"Took {request.name} from {queue}", {"task_type": request.name, "queue": queue})


def _prepared(task_id: str, task: Task, **_: Any) -> None:
    _running[task_id] = RunningTask(task, task_id)


def claimed(task: Task, claim: Claim) -> None:
    """Redis has said whether this process is to run the task."""
    running = _running.get(task.request.id)
    if running is not None:  # absent for a task that is called, not sent
        running.claimed(claim)


def started(task: Task) -> None:
    """The task is claimed by this process and about to calculate."""
    running = _running.get(task.request.id)
    if running is not None:
        wait = {} if running.queue_wait_ms is None else {"queue_wait_ms": running.queue_wait_ms}
        event("task.started", f"Runs {task.name}", running.fields | wait | {"status": Status.STARTED})


def not_run(task: Task, status: Status) -> None:
    """Its message came, but the task was cancelled before it started, or is done already."""
    running = _running.get(task.request.id)
    if running is not None:
        action = "task.cancelled" if status is Status.REVOKED else "task.skipped"
        event(action, f"{task.name} is not run: it is {status}", running.ended(status))


def _succeeded(sender: Task, **_: Any) -> None:
    running = _running[sender.request.id]
    event("task.succeeded", f"{sender.name} succeeded; the result is stored", running.ended(Status.SUCCESS))


def _failed(sender: Task, task_id: str, exception: BaseException, **_: Any) -> None:
    error = {"error.type": type(exception).__name__, "error.message": str(exception)}
    running = _running.get(task_id)
    if running is None:  # in the main process: the task's own process was lost or killed at its time limit
        event("task.failed", f"{sender.name} failed", error | {"task_id": task_id, "status": Status.FAILURE})
        return
    tracing.mark_failed(running.span, exception)
    event("task.failed", f"{sender.name} failed: {exception}", running.ended(Status.FAILURE) | error)


def cancelled(task: Task) -> None:
    """A running task stopped because that was asked of it: no failure."""
    running = _running[task.request.id]
    event("task.cancelled", f"{task.name} was cancelled while it ran", running.ended(Status.REVOKED))


def retried(task: Task, error: BaseException) -> None:
    """A temporary error: the task waits for its next attempt."""
    running = _running[task.request.id]
    told = {"error.type": type(error).__name__, "error.message": str(error)}
    event("task.retried", f"{task.name} will run again", running.ended(Status.RETRY) | told)


def dead_lettered(task: Task, reason: str) -> None:
    """It has used up its deliveries or its retries."""
    running = _running[task.request.id]
    told = {"error.message": reason}
    event("task.dead_lettered", f"{task.name} is a dead letter: {reason}", running.ended(Status.FAILURE) | told)


def _retried(sender: Task, reason: Any, **_: Any) -> None:
    if sender.request.id in _running:
        retried(sender, reason.exc or reason)


def _done(task_id: str, **_: Any) -> None:
    running = _running.pop(task_id, None)
    if running is not None:
        running.close()


def _flush(**_: Any) -> None:
    tracing.flush()
