"""What Celery itself publishes from within a running task (a chain's next task, a group, a callback, `send_task`).

It keeps the correlation ID and the trace, has a record from the moment of its publication, and names its parent.
"""

import time
from contextlib import suppress
from typing import Any, Final

from celery import current_app
from celery.signals import after_task_publish, before_task_publish, task_postrun
from opentelemetry.trace import Span, SpanKind, set_span_in_context
from redis.exceptions import RedisError

from throughline.ledger import message
from throughline.ledger.message import Queue
from throughline.telemetry import correlation, trace_context, tracing
from worker.children import tell_submitted
from worker.delivery import Delivery

_open: Final[dict[str, Span]] = {}  # publish spans that have begun, by the ID of the task that is published


def install() -> None:
    before_task_publish.connect(_begin)
    after_task_publish.connect(_end)
    task_postrun.connect(_forget)


def _begin(sender: str, headers: dict[str, Any], routing_key: str, **_: Any) -> None:
    """Before the message is made: its headers are still ours to write."""
    parent_id, task_id = correlation.current_task(), str(headers.get("id") or "")
    if not parent_id or not task_id or task_id == parent_id:
        return  # nothing runs here; or the running task is sent again, with the headers that it came with
    if not correlation.is_valid(headers.get(message.CORRELATION_ID)):
        headers[message.CORRELATION_ID] = correlation.current()
    with correlation.bound(headers[message.CORRELATION_ID], task_id):
        attributes = {"queue": routing_key, "task_type": sender, "parent_id": parent_id}
        span = tracing.tracer().start_span(f"publish {routing_key}", kind=SpanKind.PRODUCER, attributes=attributes)
    _open[task_id] = span
    context = set_span_in_context(span)
    headers[message.TRACEPARENT] = trace_context.traceparent(context)
    if tracestate := trace_context.tracestate(context):
        headers[message.TRACESTATE] = tracestate
    headers[message.PUBLISHED_AT] = time.time()
    # Celery names the task that runs; what it publishes after that one's end (a chord's body) names none.
    headers["parent_id"] = headers.get("parent_id") or parent_id


def _end(headers: dict[str, Any], routing_key: str, **_: Any) -> None:
    span = _open.pop(str(headers.get("id")), None)
    if span is None:
        return
    span.end()
    delivery = Delivery.of(headers, routing_key)
    with delivery.bound():
        if routing_key in tuple(Queue):
            with suppress(RedisError, OSError):  # whoever takes it makes the record then
                current_app.backend.received(delivery)
        tell_submitted(delivery.task_type, delivery.queue, delivery.parent_id)


def _forget(**_: Any) -> None:
    """What was not published after all has no span."""
    _open.clear()
