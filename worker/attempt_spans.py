"""The spans of one attempt at a task: how long it waited for it, and how long it ran.

Their IDs are made from the task and the attempt's number: whoever writes them writes the same spans, so that a process
that was killed leaves no gap, and what it had written below its run keeps its parent.
"""

import os
import time
from typing import Any

from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, StatusCode, set_span_in_context

from throughline.ledger.record import Attempt
from throughline.ledger.states import Reason, Status
from throughline.telemetry import trace_context, tracing
from worker.delivery import Delivery


def write_wait(delivery: Delivery, attempt: int, since: float | None, until: float, **attributes: str) -> Context:
    """The context for the run that followed. Without a time to begin at there is no span of the wait."""
    parent = _parent(delivery, attempt)
    if since is None:
        return parent
    with tracing.known(_name("wait", delivery, attempt), delivery.trace_id):
        wait = tracing.tracer().start_span(
            f"wait {delivery.queue}",
            parent,
            attributes={
                "queue": delivery.queue,
                "task_type": delivery.task_type,
                "attempt": attempt,
                **attributes,
            },
            start_time=_ns(min(since, until)),
        )
    wait.end(_ns(until))
    return set_span_in_context(wait)


def write_cancelled(delivery: Delivery, cause: str) -> None:
    """The wait of a task that was cancelled before any attempt."""
    now = time.time()
    write_wait(delivery, 1, delivery.published_at or now, now, status=Status.REVOKED, cause=cause)


def write_refused(delivery: Delivery, error: BaseException) -> None:
    """The wait of a message that cannot be run, and that it was looked at."""
    now = time.time()
    run = start_refusal(delivery, 1, write_wait(delivery, 1, delivery.published_at, now), now)
    run.set_attribute("status", Status.FAILURE)
    tracing.mark_failed(run, error)
    run.end()


def start_run(delivery: Delivery, attempt: int, parent: Context, started: float, **attributes: Any) -> Span:
    """An attempt's run, still open."""
    with tracing.known(_name("run", delivery, attempt), delivery.trace_id):
        return _run(delivery, attempt, parent, started, {"process.pid": os.getpid(), **attributes})


def start_refusal(delivery: Delivery, attempt: int, parent: Context, started: float) -> Span:
    """The time that it took to find that the task must not run: a span beside those of the attempts."""
    with tracing.known(f"{delivery.task_id} refusal {started}", delivery.trace_id):
        return _run(delivery, attempt, parent, started, {"process.pid": os.getpid()})


def write_closed(delivery: Delivery, attempt: Attempt, waited_since: float | None = None, cause: str = "") -> None:
    """The spans of an attempt whose own process did not live to write them. That of a later wait is written already."""
    number, started = attempt.number, attempt.started_at
    if number == 1:
        waited_since = waited_since or delivery.published_at
    if number > 1 and waited_since is None:
        parent = tracing.known_parent(_name("wait", delivery, number), delivery.trace_id)
    else:
        parent = write_wait(delivery, number, waited_since, started, worker=attempt.worker)
    outcome = attempt.outcome or Status.RETRY
    attributes: dict[str, Any] = {"process.pid": attempt.process, "worker": attempt.worker, "status": outcome}
    if attempt.error:
        attributes["error.type"] = attempt.error
    if why := cause or (attempt.cause if attempt.ended_by is not Reason.FAILED else ""):
        attributes["cause"] = why
    run = start_run(delivery, number, parent, started, **attributes)
    if outcome in {Status.RETRY, Status.FAILURE}:
        run.set_status(StatusCode.ERROR)
    run.end(_ns(max(started, attempt.finished_at or started)))


def _parent(delivery: Delivery, attempt: int) -> Context:
    """The span that sent the message. Without one, the first span of the first attempt holds all others together."""
    if delivery.traceparent or attempt == 1:
        return trace_context.remote_parent(delivery.traceparent, delivery.tracestate)
    first = "run" if delivery.published_at is None else "wait"
    return tracing.known_parent(_name(first, delivery, 1), delivery.trace_id)


def _name(kind: str, delivery: Delivery, attempt: int) -> str:
    return f"{delivery.task_id} {kind} {attempt}"


def _run(delivery: Delivery, attempt: int, parent: Context, started: float, attributes: dict[str, Any]) -> Span:
    fields: dict[str, Any] = {"task_type": delivery.task_type, "queue": delivery.queue, "attempt": attempt}
    if delivery.parent_id:
        fields["parent_id"] = delivery.parent_id
    return tracing.tracer().start_span(
        f"run {delivery.task_type}", parent, SpanKind.CONSUMER, fields | attributes, start_time=_ns(started)
    )


def _ns(seconds: float) -> int:
    return int(seconds * 1e9)
