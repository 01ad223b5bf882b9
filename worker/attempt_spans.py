"""The spans of one attempt at a task: how long it waited for it, and how long it ran.

Their IDs are made from the task and the attempt's number: whoever writes them writes the same spans, so that a process
that was killed leaves no gap, and what it had written below its run keeps its parent.

The run of an attempt that is made here is a span of OpenTelemetry's instrumentation: see running_task.py. These are the
spans that nothing can instrument: a wait, and what a process that was lost could not write.
"""

import os
import time
from dataclasses import dataclass
from typing import Any, Final

from opentelemetry.context import Context
from opentelemetry.trace import INVALID_SPAN, Span, SpanKind, StatusCode, get_current_span, set_span_in_context

from throughline.ledger import redis_clock
from throughline.ledger.record import Attempt
from throughline.ledger.states import Reason, Status
from throughline.telemetry import messaging, trace_context, tracing
from worker.delivery import Delivery

# Its own process knew how such an attempt ended; the error says why, and it is no lost one.
_ENDED_BY_ITS_ERROR: Final = {Reason.FAILED, Reason.RETRIED, Reason.RETRIES_USED_UP}


@dataclass(frozen=True)
class Wait:
    """A wait that is not over, or that nobody knows the beginning of: then it has no span."""

    context: Context  # for the run that follows
    span: Span = INVALID_SPAN

    def end(self, at_ns: int) -> None:
        self.span.end(at_ns)


def begin_wait(
    delivery: Delivery, attempt: int, since: float | None, until: float, made_from: str = "", **attributes: Any
) -> Wait:
    """The wait from then on; it ends when its run begins, about `until`. `made_from`: of a wait for no attempt."""
    parent = parent_of_all(delivery) if attempt > 1 or delivery.traceparent else Context()
    if since is None:
        return Wait(parent)
    fields = {"queue": delivery.queue, "task_type": delivery.task_type, "attempt": attempt, **attributes}
    name = made_from or wait_id(delivery, attempt)
    with tracing.known(name, delivery.trace_id):
        start = nanoseconds(min(since, until))
        wait = tracing.tracer().start_span(f"wait {delivery.queue}", parent, attributes=fields, start_time=start)
    if not wait.get_span_context().is_valid:  # OTEL_SDK_DISABLED and a message without a trace
        return Wait(tracing.known_parent(name, delivery.trace_id, flags=0))
    return Wait(set_span_in_context(wait), wait)


def write_wait(delivery: Delivery, attempt: int, since: float | None, until: float, **attributes: Any) -> Context:
    """The context for the run that followed."""
    wait = begin_wait(delivery, attempt, since, until, **attributes)
    wait.end(nanoseconds(until))
    return wait.context


def write_take(
    delivery: Delivery, attempt: int, wait: Context, seconds: float | None, until: float, **attributes: Any
) -> None:
    """The last part of a wait: its worker had the message. A wait that has no span has no part either."""
    if seconds is None or not get_current_span(wait).get_span_context().is_valid:
        return
    with tracing.known(f"{delivery.task_id} take {attempt}", delivery.trace_id):
        fields = {"queue": delivery.queue, "task_type": delivery.task_type, "attempt": attempt, **attributes}
        start = nanoseconds(until - seconds)
        take = tracing.tracer().start_span(f"take {delivery.queue}", wait, attributes=fields, start_time=start)
    take.end(nanoseconds(until))


def write_cancelled(delivery: Delivery, cause: str) -> None:
    """The wait of a task that was cancelled before any attempt."""
    now = time.time()
    write_wait(delivery, 1, _published_here(delivery) or now, now, status=Status.REVOKED, cause=cause)


def write_refused(delivery: Delivery, error: BaseException) -> None:
    """The wait of a message that cannot be run, and that it was looked at."""
    now = time.time()
    parent = write_wait(delivery, 1, _published_here(delivery), now)
    attributes = run_attributes(delivery, 1) | {"status": Status.FAILURE}
    with tracing.known(refusal_id(delivery, now), delivery.trace_id):
        run = _start_run(delivery, parent, now, attributes)
    tracing.mark_failed(run, error)
    run.end()


def write_closed(delivery: Delivery, attempt: Attempt, *, with_wait: bool = False, cause: str = "") -> None:
    """The spans of an attempt whose own process did not live to write them; `with_wait`: that of its wait too."""
    clock = redis_clock.own
    number, started = attempt.number, clock.here(attempt.started_at)
    ended = clock.here(attempt.finished_at or attempt.started_at)
    parent = _wait_before(delivery, attempt, started, with_wait=with_wait)
    outcome = attempt.outcome or Status.RETRY
    attributes = run_attributes(delivery, number, attempt.process) | {"worker": attempt.worker, "status": outcome}
    if attempt.error:
        attributes["error.type"] = attempt.error
    if why := cause or ("" if attempt.ended_by in _ENDED_BY_ITS_ERROR else attempt.cause):
        attributes["cause"] = why
    with tracing.known(run_id(delivery, number), delivery.trace_id):
        run = _start_run(delivery, parent, started, attributes)
    if outcome in {Status.RETRY, Status.FAILURE}:
        run.set_status(StatusCode.ERROR)
    seen = ended if attempt.last_seen_at is None else clock.here(attempt.last_seen_at)
    run.end(nanoseconds(max(started, seen)))
    if seen < ended:
        _write_loss(delivery, attempt, set_span_in_context(run), seen, ended)


def _wait_before(delivery: Delivery, attempt: Attempt, started: float, *, with_wait: bool) -> Context:
    number = attempt.number
    if number == 1 and delivery.published_at is None:  # nobody knows since when it waited: it has no such span
        return write_wait(delivery, number, None, started)
    if number > 1 and not with_wait:  # its own process has written it before it began
        return tracing.known_parent(wait_id(delivery, number), delivery.trace_id, _flags(delivery))
    waited = attempt.queue_wait if attempt.queue_wait is not None else started - (_published_here(delivery) or started)
    wait = write_wait(delivery, number, started - waited, started, worker=attempt.worker)
    write_take(delivery, number, wait, attempt.take, started, worker=attempt.worker)
    return wait


def _published_here(delivery: Delivery) -> float | None:
    """Its sender knew Redis's time, or is a stranger, whose clock nobody knows."""
    return None if delivery.published_at is None else redis_clock.own.here(delivery.published_at)


def _write_loss(delivery: Delivery, attempt: Attempt, run: Context, seen: float, noticed: float) -> None:
    fields: dict[str, Any] = {"task_type": delivery.task_type, "queue": delivery.queue, "attempt": attempt.number}
    fields |= {"worker": attempt.worker, "cause": attempt.cause}
    with tracing.known(f"{delivery.task_id} lost {attempt.number}", delivery.trace_id):
        start = nanoseconds(seen)
        lost = tracing.tracer().start_span(f"lost {delivery.task_type}", run, attributes=fields, start_time=start)
    lost.end(nanoseconds(noticed))


def run_name(delivery: Delivery) -> str:
    return f"run {delivery.task_type}"


def run_attributes(delivery: Delivery, attempt: int, process: int | None = None) -> dict[str, Any]:
    """Of a run, whoever writes it; without another process, this one runs the task."""
    attributes: dict[str, Any] = {
        "task_type": delivery.task_type,
        "queue": delivery.queue,
        "attempt": attempt,
        "process.pid": os.getpid() if process is None else process,
    } | messaging.run(delivery.queue, delivery.task_id, delivery.correlation_id)
    return attributes | ({"parent_id": delivery.parent_id} if delivery.parent_id else {})


def wait_id(delivery: Delivery, attempt: int) -> str:
    """What the ID of the wait for that attempt is made from: see `tracing.known`."""
    return f"{delivery.task_id} wait {attempt}"


def run_id(delivery: Delivery, attempt: int) -> str:
    return f"{delivery.task_id} run {attempt}"


def refusal_id(delivery: Delivery, at: float) -> str:
    """Of the span, beside those of the attempts, in which it was found that the task must not run."""
    return f"{delivery.task_id} refusal {at}"


def parent_of_all(delivery: Delivery) -> Context:
    """The span that sent the message. Without one, the first span of the first attempt holds all others together."""
    if delivery.traceparent:
        return trace_context.remote_parent(delivery.traceparent, delivery.tracestate)
    first = run_id(delivery, 1) if delivery.published_at is None else wait_id(delivery, 1)
    return tracing.known_parent(first, delivery.trace_id, _flags(delivery))


def _flags(delivery: Delivery) -> int:
    """Whether the task's trace is sampled: its sender has said so, or the task begins the trace."""
    if not delivery.traceparent:
        return tracing.flags_of_a_new_trace(delivery.trace_id)
    parent = trace_context.remote_parent(delivery.traceparent, delivery.tracestate)
    return int(get_current_span(parent).get_span_context().trace_flags)


def _start_run(delivery: Delivery, parent: Context, started: float, attributes: dict[str, Any]) -> Span:
    start = nanoseconds(started)
    return tracing.tracer().start_span(run_name(delivery), parent, SpanKind.CONSUMER, attributes, start_time=start)


def nanoseconds(seconds: float) -> int:
    """Of a moment that is known to the microsecond, as Redis's are: a float has no more digits."""
    return round(seconds * 1e6) * 1000
