"""What Celery itself publishes from within a running task (a chain's next task, a group, a callback, `send_task`).

It keeps the correlation ID and the trace, has a record from the moment of its publication, and names its parent. The
span is made by OpenTelemetry's instrumentation of Celery, in the signal `before_task_publish`: `_begin` comes before it
and says what the span is to be, `_keep_own_trace` comes after it.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, Final

from celery import Celery, current_app
from celery.signals import after_task_publish, before_task_publish
from celery.utils import uuid
from opentelemetry.context import Context, attach, detach
from opentelemetry.instrumentation.celery import utils as instrumented
from redis.exceptions import RedisError

from throughline.ledger import envelope, message, redis_clock
from throughline.ledger.message import Queue
from throughline.telemetry import correlation, instrumented_spans, messaging
from worker.children import tell_submitted
from worker.delivery import Delivery

_TRACE: Final = (message.TRACEPARENT, message.TRACESTATE)

_above: ContextVar[Context | None] = ContextVar("above_publications", default=None)
_own_traces: Final[dict[str, dict[str, str]]] = {}  # headers of running tasks that Celery is sending once more


class PublishingCelery(Celery):
    """Closes the span of a publication that fails: the instrumentation leaves it open, and what follows below it."""

    def send_task(
        self,
        name: str,
        args: Any = None,
        kwargs: Any = None,
        countdown: Any = None,
        eta: Any = None,
        task_id: str | None = None,
        *more: Any,
        **options: Any,
    ) -> Any:
        task_id = task_id or uuid()
        options = {"argsrepr": envelope.ARGUMENTS, "kwargsrepr": envelope.NAMED_ARGUMENTS} | options
        above = _above.get()
        token = None if above is None else attach(above)
        try:
            return super().send_task(name, args, kwargs, countdown, eta, task_id, *more, **options)
        except BaseException:
            _close_failed(self.tasks.get(name), task_id)
            raise
        finally:
            instrumented_spans.expect_nothing()
            if token is not None:
                detach(token)


@contextmanager
def below(parent: Context) -> Iterator[None]:
    """What is published in the block, where no span is open, is below that one."""
    token = _above.set(parent)
    try:
        yield
    finally:
        _above.reset(token)


def install() -> None:
    before_task_publish.connect(_begin)
    after_task_publish.connect(_published)


def install_after_instrumentation() -> None:
    """Receivers are called in the order of connecting."""
    before_task_publish.disconnect(_keep_own_trace)
    before_task_publish.connect(_keep_own_trace)


def _begin(sender: str, headers: dict[str, Any], routing_key: str, **_: Any) -> None:
    """Before the message is made: its headers are still ours to write."""
    parent_id, task_id = correlation.current_task(), str(headers.get("id") or "")
    if parent_id and task_id == parent_id:
        # The running task is sent again, with the headers that it came with: its next attempt is beside this one, and
        # not below it, or each would be one deeper.
        _own_traces[task_id] = {name: headers[name] for name in _TRACE if headers.get(name)}
        instrumented_spans.expect("", {}, is_withdrawn=True)
        return
    if parent_id:
        for name in _TRACE:  # what a header of the running task's says is not so of this one
            headers.pop(name, None)
        # Celery names the task that runs; what it publishes after that one's end (a chord's body) names none.
        headers["parent_id"] = headers.get("parent_id") or parent_id
    if not correlation.is_valid(headers.get(message.CORRELATION_ID)):
        made = Delivery.of(headers, routing_key).correlation_id
        headers[message.CORRELATION_ID] = correlation.current() or made
    headers[message.PUBLISHED_AT] = redis_clock.own.now()
    instrumented_spans.expect(f"publish {routing_key}", _attributes(sender, task_id, routing_key, headers))


def _attributes(task_type: str, task_id: str, queue: str, headers: dict[str, Any]) -> dict[str, Any]:
    correlation_id, parent_id = headers[message.CORRELATION_ID], headers.get("parent_id")
    attributes = {"queue": queue, "task_type": task_type, "task_id": task_id, "correlation_id": correlation_id}
    attributes |= messaging.publish(queue, task_id, correlation_id)
    return attributes | ({"parent_id": parent_id} if parent_id else {})


def _keep_own_trace(headers: dict[str, Any], **_: Any) -> None:
    """The instrumentation has written its span into the headers."""
    own = _own_traces.pop(str(headers.get("id")), None)
    if own is not None:
        for name in _TRACE:
            headers.pop(name, None)
        headers.update(own)


def _published(headers: dict[str, Any], routing_key: str, **_: Any) -> None:
    """Before the instrumentation ends its span."""
    parent_id = correlation.current_task()
    if not parent_id or headers.get("id") == parent_id:
        return
    delivery = Delivery.of(headers, routing_key)
    with delivery.bound():
        if routing_key in tuple(Queue):
            with suppress(RedisError, OSError):  # whoever takes it makes the record then
                current_app.backend.received(delivery)
        tell_submitted(delivery.task_type, delivery.queue, delivery.parent_id)


def _close_failed(task: Any, task_id: str) -> None:
    """What was not published after all has no span. Without a task of that name here, none is left open."""
    opened = instrumented.retrieve_context(task, task_id, is_publish=True)
    if opened is not None:
        span, activation, _ = opened
        instrumented_spans.withdraw(span)
        activation.__exit__(None, None, None)
        instrumented.detach_context(task, task_id, is_publish=True)
