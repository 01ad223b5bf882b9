"""A task that runs in this process: its correlation, its claim, and the spans of its wait and of its run.

The run's span is made by OpenTelemetry's instrumentation of Celery, in the signal `task_prerun`. Just before it,
`claim` says what the span is to be, and `opened` finds it just after; the instrumentation ends the span too.
"""

import os
import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from typing import Any

from celery import Task
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import INVALID_SPAN, Span, use_span

from throughline.ledger import redis_clock
from throughline.ledger.answers import Claim
from throughline.ledger.attempt_end import end_fields, wait_fields
from throughline.ledger.record import Attempt
from throughline.ledger.states import Status
from throughline.settings import WorkerSettings
from throughline.telemetry import instrumented_spans, trace_context, tracing
from throughline.telemetry.log_line import timestamp
from throughline.telemetry.logging import node_name
from throughline.telemetry.span_batches import CHILD_EXPORT_SECONDS
from worker import attempt_spans
from worker.attempt_spans import Wait
from worker.delivery import Delivery
from worker.held_request import TAKEN_AT


class RunningTask:
    """What is open while a task runs here."""

    def __init__(self, task: Task) -> None:
        self._request = task.request
        self.delivery = Delivery.of_request(self._request)
        self.fields = {"task_type": task.name, "queue": self.delivery.queue, "attempt": 1}
        self.span: Span = INVALID_SPAN  # until it is claimed: nothing runs before
        self.retried_for = ""  # the class of the error for which Celery itself sends the task again
        self._task = task
        self._clock = redis_clock.own
        self._started = 0.0  # as Redis recorded it
        self._wait: Wait | None = None  # None when there is no run after it
        self._claimed: Claim | Exception
        self._has_ended = False
        self._open = ExitStack()
        self._open.enter_context(self.delivery.bound())
        self._until_opened = self._open.enter_context(ExitStack())

    def claim(self) -> None:
        """Before the instrumentation opens a span. Celery would swallow an error here: `opened` raises it."""
        request = self._request
        try:
            claim = self._claimed = self._task.backend.claim(request.id, request, _take(request))
        except Exception as error:
            self._claimed = error
            return
        self.fields["attempt"] = claim.attempt
        self._started = claim.started_at or claim.at
        if claim.before and (claim.lost or (not _leaves_a_span(claim) and claim.before.finished_at)):
            # Perhaps its worker could not tell of it.
            attempt_spans.write_closed(self.delivery, claim.before)
        if _leaves_a_span(claim):
            self._expect_run(claim)

    def opened(self) -> Claim:
        """The instrumentation's span is open. Raises what the claim has raised."""
        span = trace.get_current_span()
        self._until_opened.close()
        instrumented_spans.expect_nothing()
        if self._wait is None:
            instrumented_spans.withdraw(span)
            self._open.enter_context(use_span(INVALID_SPAN))
        else:
            self.span = span
            self._wait.end(self._here_ns(self._started))
        if isinstance(self._claimed, Exception):
            raise self._claimed
        if self._claimed.before:
            tracing.flush(
                CHILD_EXPORT_SECONDS
            )  # what ended the attempt before may end this one too, and with it the span of its wait
        return self._claimed

    @property
    def began(self) -> dict[str, Any]:
        """What the event of its start says: when, and how long it had waited."""
        return {"@timestamp": timestamp(self._clock.here(self._started))} | wait_fields(self._attempt())

    def ended(self, status: Status) -> dict[str, Any]:
        """The fields of the event that ends this run: the moments are those that Redis has recorded."""
        self._has_ended = True
        self.span.set_attribute("status", status)
        end = self._task.backend.end_of(self.delivery.task_id)
        if end is None:  # a task without a record here: a stock client's, whose result alone is stored
            return self.fields | {"status": status}
        tracing.stamp_clock(self.span)  # these moments by what is known of it now
        start_ns, end_ns = self._here_ns(self._started), self._here_ns(end.at)
        instrumented_spans.lasted(self.span, start_ns, end_ns)
        attempt = replace(self._attempt(), finished_at=end.at, outcome=status, ended_by=end.reason)
        return self.fields | {"@timestamp": timestamp(self._clock.here(end.at))} | end_fields(attempt)

    def not_run(self, status: Status) -> dict[str, Any]:
        """The fields of the event that says so. An attempt that was open at a worker that is gone ends with it."""
        self._has_ended = True
        self.span.set_attribute("status", status)
        end = self._task.backend.end_of(self.delivery.task_id)
        if end is None or end.attempt is None:
            return self.fields | {"status": status}
        return self.fields | end_fields(end.attempt)

    @property
    def lost_before(self) -> Attempt | None:
        """The attempt before, if nobody had noticed that its process was gone until this claim."""
        claim = self._claimed
        return claim.before if isinstance(claim, Claim) and claim.closed else None

    def close(self) -> None:
        """Before the instrumentation ends the span."""
        if self.retried_for:
            self.span.set_attribute("celery.retry.reason", self.retried_for)  # it had the error's message
        if not self._has_ended:
            # Torn away in the middle, or too late: the main process, which knows why, or a later attempt writes it.
            instrumented_spans.withdraw(self.span)
        self._open.close()

    def _attempt(self) -> Attempt:
        claim = self._claimed
        assert isinstance(claim, Claim)
        worker = node_name("worker", WorkerSettings.load())
        return Attempt(claim.attempt, worker, os.getpid(), self._started, queue_wait=claim.queue_wait, take=claim.take)

    def _here_ns(self, at: float) -> int:
        return attempt_spans.nanoseconds(self._clock.here(at))

    def _expect_run(self, claim: Claim) -> None:
        is_run = claim.outcome == "run"
        number = claim.attempt if is_run else claim.attempt + 1  # not run, but the time since the last run was a wait
        refusal = "" if is_run else attempt_spans.refusal_id(self.delivery, self._started)
        began, since = self._clock.here(self._started), claim.waits_since
        if since is None and claim.queue_wait is not None:  # it asked again
            since = self._started - claim.queue_wait
        if number == 1 and self.delivery.published_at is None:  # nobody knows when its sender put it into the queue
            since = None
        # An ID of its own: a dead letter that is replayed waits for an attempt of this number.
        own_id = f"{refusal} wait" if refusal else ""
        self._wait = attempt_spans.begin_wait(
            self.delivery, number, None if since is None else self._clock.here(since), began, own_id
        )
        if is_run and since is not None:
            attempt_spans.write_take(self.delivery, number, self._wait.context, claim.take, began)
        _continue_from(self._request, self._wait.context)
        made_from = refusal or attempt_spans.run_id(self.delivery, number)
        self._until_opened.enter_context(tracing.known(made_from, self.delivery.trace_id))
        attributes = attempt_spans.run_attributes(self.delivery, claim.attempt)
        instrumented_spans.expect(attempt_spans.run_name(self.delivery), attributes)


def _leaves_a_span(claim: Claim) -> bool:
    """The others have ended, or run elsewhere: their spans are written already, or will be."""
    return claim.outcome in {"run", "cancel", "dead"}


def _continue_from(request: Any, parent: Context) -> None:
    """The instrumentation takes the parent of its span from Celery's request, where the message's headers are."""
    request.traceparent = trace_context.traceparent(parent) or None
    request.tracestate = trace_context.tracestate(parent) or None


def _take(request: Any) -> float | None:
    """How long ago its worker received the message, or might start it at the earliest: see held_request.py."""
    taken_at = (getattr(request, "headers", None) or {}).get(TAKEN_AT)
    if not isinstance(taken_at, float):
        return None
    return max(0.0, time.time() - max(taken_at, _due(request)))


def _due(request: Any) -> float:
    """When Celery may start it at the earliest, as its message says."""
    try:
        return datetime.fromisoformat(request.eta).timestamp()
    except (TypeError, ValueError):
        return 0.0
