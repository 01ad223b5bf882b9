"""Spans: made with OpenTelemetry and stamped with the correlation ID."""

import atexit
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from hashlib import blake2b
from threading import Thread
from typing import Final

from opentelemetry import propagate, trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.trace import SpanKind, StatusCode, Tracer
from opentelemetry.util.types import AttributeValue

try:
    from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
    from opentelemetry.sdk.trace.sampling import Decision
except ValueError as wrong:  # the import itself reads OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT and its like, before our settings
    raise SystemExit(f"Wrong setting: {wrong}") from None

from throughline.ledger import redis_clock
from throughline.settings import BrokerSettings
from throughline.telemetry import correlation, source, span_exporter, trace_context
from throughline.telemetry.instrumented_spans import ExpectedSpans, WithoutWithdrawn
from throughline.telemetry.logging import node_name
from throughline.telemetry.span_batches import LAST_EXPORT_SECONDS, SpanBatches

_OFFSET: Final = "clock_offset_ms"
_known_span: ContextVar[int | None] = ContextVar("known_span", default=None)
_known_trace: ContextVar[int | None] = ContextVar("known_trace", default=None)


class KnownIds(RandomIdGenerator):
    """Random IDs, but for a span that `known` names."""

    def generate_span_id(self) -> int:
        return _known_span.get() or super().generate_span_id()

    def generate_trace_id(self) -> int:
        return _known_trace.get() or super().generate_trace_id()


@contextmanager
def known(name: str, trace_id: str = "") -> Iterator[None]:
    """The span that is started in the block has an ID made from this name, whichever process starts it.

    So the span of a process that was killed can be written by another one: as the parent of what the first had written
    below it, and as the same span if both wrote it. `trace_id` (32 hex digits) counts for a span without a parent.
    """
    span = _known_span.set(_span_id(name))
    trace_ = _known_trace.set(int(trace_id, 16) if trace_id else None)
    try:
        yield
    finally:
        _known_trace.reset(trace_)
        _known_span.reset(span)


def known_parent(name: str, trace_id: str, flags: int) -> Context:
    """The context for a span whose parent is, or will be, the one that `known` names so."""
    parent = trace.SpanContext(int(trace_id, 16), _span_id(name), is_remote=True, trace_flags=trace.TraceFlags(flags))
    return trace.set_span_in_context(trace.NonRecordingSpan(parent), Context())


def _span_id(name: str) -> int:
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big")


class Stamp(SpanProcessor):
    """Gives every span, whoever starts it, the correlation ID, the task of the current work and its clock's offset."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        if correlation_id := correlation.current():
            span.set_attribute("correlation_id", correlation_id)
        if task_id := correlation.current_task():
            span.set_attribute("task_id", task_id)
        stamp_clock(span)

    def on_end(self, span: ReadableSpan) -> None:
        pass


def stamp_clock(span: trace.Span) -> None:
    """How far this host's clock is ahead of Redis's: the journey sets the span's times right by it.

    Again when Redis has answered in between: by what is known then, no span begins before the one that caused it.
    """
    if redis_clock.own.ahead or _OFFSET in (getattr(span, "attributes", None) or ()):
        span.set_attribute(_OFFSET, redis_clock.own.ahead_ms)


def setup(service: str, settings: BrokerSettings) -> None:
    """Sets up this process's spans; in a prefork child after the fork, which no exporter thread survives.

    The SDK reads the variables of its sampler and its limits itself; with OTEL_SDK_DISABLED it makes no span.
    """
    node = node_name(service, settings)
    resource = source.of(service, node, settings.service_version)
    made = TracerProvider(resource=resource, id_generator=_ids, shutdown_on_exit=False)
    _process.provider, _process.tracer = made, made.get_tracer("throughline")
    propagate.set_global_textmap(trace_context.Propagator())
    atexit.register(made.shutdown)
    _process.is_disabled = settings.otel_sdk_disabled
    if _process.is_disabled:
        return
    made.add_span_processor(Stamp())
    made.add_span_processor(ExpectedSpans())
    exporter = span_exporter.of(node, settings)
    if exporter is not None:
        is_local = isinstance(exporter, span_exporter.FileExporter)
        batches = SpanBatches(exporter, settings.otel_bsp_schedule_delay, is_local=is_local)
        made.add_span_processor(WithoutWithdrawn(batches))


@dataclass
class _Process:
    provider: TracerProvider | None = None
    tracer: Tracer | None = None
    is_disabled: bool = False  # by OTEL_SDK_DISABLED


_ids: Final = KnownIds()
_process: Final = _Process()


def provider() -> TracerProvider:
    """For the instrumentations, which have tracers of their own; until setup(), one whose spans go nowhere.

    It is not made on import: it reads settings, which are checked first.
    """
    if _process.provider is None:
        _process.provider = TracerProvider(id_generator=_ids, shutdown_on_exit=False)
    return _process.provider


def tracer() -> Tracer:
    if _process.tracer is None:
        _process.tracer = provider().get_tracer("throughline")
    return _process.tracer


def flags_of_a_new_trace(trace_id: str) -> int:
    """Whether a trace that begins here, and has this ID of 32 hex digits, is sampled: as W3C trace flags."""
    decision = provider().sampler.should_sample(None, int(trace_id, 16), "").decision
    sampled = decision is Decision.RECORD_AND_SAMPLE and not _process.is_disabled
    return int(trace.TraceFlags.SAMPLED if sampled else trace.TraceFlags.DEFAULT)


def flush(seconds: float = LAST_EXPORT_SECONDS) -> None:
    """Exports what is waiting, now: for a process about to end. A collector has so many seconds for all of it."""
    provider().force_flush(int(seconds * 1000))


def end(*also: Callable[[], None]) -> None:
    """Exports the last spans, and ends the `also` beside it: within five seconds, whether a collector answers or not.

    The SDK itself would wait for the collector with each batch in turn: longer than a container has for its end.
    """
    ending = [Thread(target=each, daemon=True) for each in (provider().shutdown, *also)]
    for each in ending:
        each.start()
    until = time.monotonic() + LAST_EXPORT_SECONDS
    for each in ending:
        each.join(max(0, until - time.monotonic()))


class CurrentSpan(AbstractContextManager[trace.Span]):
    """A span that is the current one in the block, and ends with it.

    OpenTelemetry's own context manager is two generators, which cost 4 µs, twice in each request.
    """

    def __init__(self, started: trace.Span) -> None:
        self._span = started

    def __enter__(self) -> trace.Span:
        self._outer = attach(trace.set_span_in_context(self._span))
        return self._span

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        detach(self._outer)
        if isinstance(error, Exception):
            mark_failed(self._span, error)
        self._span.end()


def unrecorded(parent: Context) -> CurrentSpan:
    """Inside the block there is a span to go by, and none is exported: the parent itself, or one of a new trace.

    So the log lines, the message and the spans of a request that gets no span here are of one trace all the same.
    With OTEL_SDK_DISABLED that trace goes on unsampled, whatever its caller says: there will be no spans of it.
    """
    context = trace.get_current_span(parent).get_span_context()
    if not context.is_valid:
        flags = trace.TraceFlags(trace.TraceFlags.RANDOM_TRACE_ID)
        context = trace.SpanContext(_ids.generate_trace_id(), _ids.generate_span_id(), False, flags)
    elif _process.is_disabled:
        flags = trace.TraceFlags(context.trace_flags & ~trace.TraceFlags.SAMPLED)
        context = trace.SpanContext(context.trace_id, context.span_id, context.is_remote, flags, context.trace_state)
    return CurrentSpan(trace.NonRecordingSpan(context))


def span(
    name: str,
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Mapping[str, AttributeValue] | None = None,
    context: Context | None = None,
    start_ns: int | None = None,
) -> CurrentSpan:
    """A span around the block. An exception marks it failed by its class; its message may hold a task's data."""
    started = tracer().start_span(
        name, context, kind, attributes, start_time=start_ns, record_exception=False, set_status_on_exception=False
    )
    return CurrentSpan(started)


def mark_failed(failed: trace.Span, error: BaseException) -> None:
    if failed.is_recording():  # a server span has ended before an error that follows the answer's last byte
        failed.set_status(StatusCode.ERROR)
        failed.set_attribute("error.type", type(error).__name__)
