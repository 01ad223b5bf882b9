"""A task that runs in this process: its correlation, its claim, and the spans of its wait and of its run.

The run's span is made by OpenTelemetry's instrumentation of Celery, in the signal `task_prerun`. Just before it,
`claim` says what the span is to be, and `opened` finds it just after; the instrumentation ends the span too.
"""

import time
from contextlib import ExitStack
from datetime import datetime
from typing import Any

from celery import Task
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import INVALID_SPAN, Span, use_span

from throughline.ledger.answers import Claim
from throughline.ledger.states import Reason, Status
from throughline.telemetry import instrumented_spans, trace_context, tracing
from worker import attempt_spans
from worker.attempt_spans import Wait
from worker.delivery import Delivery


class RunningTask:
    """What is open while a task runs here."""

    def __init__(self, task: Task) -> None:
        self._request = task.request
        self.delivery = Delivery.of_request(self._request)
        self.fields = {"task_type": task.name, "queue": self.delivery.queue, "attempt": 1}
        self.span: Span = INVALID_SPAN  # until it is claimed: nothing runs before
        self.retried_for = ""  # the class of the error for which Celery itself sends the task again
        self._task = task
        self._started = time.time()
        self._waits_since = self.delivery.published_at
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
            claim = self._claimed = self._task.backend.claim(request.id, request)
        except Exception as error:
            self._claimed = error
            return
        self.fields["attempt"] = claim.attempt
        if claim.before:
            # A message that came again does not know since when it waits: the claim does.
            due = _due(request) if claim.before.ended_by is Reason.RETRIED else 0.0
            self._waits_since = max(self._waits_since or 0.0, claim.before.finished_at or 0.0, due)
        if claim.before and (claim.lost or (not _leaves_a_span(claim) and claim.before.finished_at)):
            attempt_spans.write_closed(self.delivery, claim.before)  # perhaps its worker could not tell of it
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
            began = getattr(span, "start_time", None) or time.time_ns()
            self._started = began / 1e9
            self._wait.end(began)
        if isinstance(self._claimed, Exception):
            raise self._claimed
        if self._claimed.before:
            tracing.flush()  # what ended the attempt before may end this one too, and with it the span of its wait
        return self._claimed

    @property
    def wait_fields(self) -> dict[str, float]:
        """What its events say of the wait; nothing when nobody knows since when it waited."""
        if self._waits_since is None:
            return {}
        # Clocks of two hosts may differ by more than the wait was long: never a negative wait.
        return {"queue_wait_ms": round(max(0.0, self._started - self._waits_since) * 1000, 3)}

    def ended(self, status: Status) -> dict[str, Any]:
        """The fields of the event that ends this run."""
        self._has_ended = True
        self.span.set_attribute("status", status)
        duration_ms = round((time.time() - self._started) * 1000, 3)
        return self.fields | {"status": status, "duration_ms": duration_ms} | self.wait_fields

    def close(self) -> None:
        """Before the instrumentation ends the span."""
        if self.retried_for:
            self.span.set_attribute("celery.retry.reason", self.retried_for)  # it had the error's message
        if not self._has_ended:
            # Torn away in the middle, or too late: the main process, which knows why, or a later attempt writes it.
            instrumented_spans.withdraw(self.span)
        self._open.close()

    def _expect_run(self, claim: Claim) -> None:
        is_run = claim.outcome == "run"
        number = claim.attempt if is_run else claim.attempt + 1  # not run, but the time since the last run was a wait
        refusal = "" if is_run else attempt_spans.refusal_id(self.delivery, self._started)
        # An ID of its own: a dead letter that is replayed waits for an attempt of this number.
        own_id = f"{refusal} wait" if refusal else ""
        self._wait = attempt_spans.begin_wait(self.delivery, number, self._waits_since, self._started, own_id)
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


def _due(request: Any) -> float:
    """When Celery may start it at the earliest, as its message says."""
    try:
        return datetime.fromisoformat(request.eta).timestamp()
    except (TypeError, ValueError):
        return 0.0
