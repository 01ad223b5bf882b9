"""Spans: made with OpenTelemetry and stamped with the correlation ID."""

import atexit
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from hashlib import blake2b
from importlib.metadata import version
from typing import Final

from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import SpanKind, StatusCode, Tracer
from opentelemetry.util.types import AttributeValue

from throughline.settings import BrokerSettings
from throughline.telemetry import correlation, span_exporter, trace_context
from throughline.telemetry.instrumented_spans import ExpectedSpans, WithoutWithdrawn
from throughline.telemetry.logging import node_name

EXPORT_EVERY_MS: Final = 200  # a journey is complete this long after its last step


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


class CorrelationStamp(SpanProcessor):
    """Gives every span, whoever starts it, the correlation ID and the task of the current work."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        if correlation_id := correlation.current():
            span.set_attribute("correlation_id", correlation_id)
        if task_id := correlation.current_task():
            span.set_attribute("task_id", task_id)

    def on_end(self, span: ReadableSpan) -> None:
        pass


def setup(service: str, settings: BrokerSettings) -> None:
    """Sets up this process's spans; in a prefork child after the fork, which no exporter thread survives.

    The SDK itself reads the variables of its sampler and its limits; none of its spans are made with OTEL_SDK_DISABLED.
    """
    node = node_name(service, settings)
    provider = TracerProvider(resource=resource(service, node), id_generator=_ids, shutdown_on_exit=False)
    if not settings.otel_sdk_disabled:
        provider.add_span_processor(CorrelationStamp())
        provider.add_span_processor(ExpectedSpans())
        exporter = span_exporter.of(node, settings)
        if exporter is not None:
            batches = BatchSpanProcessor(exporter, schedule_delay_millis=EXPORT_EVERY_MS)
            provider.add_span_processor(WithoutWithdrawn(batches))
    global _provider, _tracer
    _provider, _tracer = provider, provider.get_tracer("throughline")
    propagate.set_global_textmap(trace_context.Propagator())
    atexit.register(provider.shutdown)


def resource(service: str, node: str) -> Resource:
    """What is said of every span and metric: who made it, and what OTEL_RESOURCE_ATTRIBUTES says beside that."""
    return Resource.create(
        {"service.name": service, "service.instance.id": node, "service.version": version("throughline")}
    )


_ids: Final = KnownIds()
_provider = TracerProvider(shutdown_on_exit=False)  # until setup(): spans that go nowhere
_tracer = _provider.get_tracer("throughline")


def tracer() -> Tracer:
    return _tracer


def provider() -> TracerProvider:
    """For OpenTelemetry's instrumentations, which have tracers of their own."""
    return _provider


def flags_of_a_new_trace(trace_id: str) -> int:
    """Whether a trace that begins here, and has this ID of 32 hex digits, is sampled: as W3C trace flags."""
    sampled = _provider.sampler.should_sample(None, int(trace_id, 16), "").decision is Decision.RECORD_AND_SAMPLE
    return int(trace.TraceFlags.SAMPLED if sampled else trace.TraceFlags.DEFAULT)


def flush() -> None:
    """Exports what is waiting, now: for a process about to end."""
    _provider.force_flush(span_exporter.TIMEOUT_SECONDS * 1000)


@contextmanager
def unrecorded(parent: Context) -> Iterator[trace.Span]:
    """Inside the block there is a span to go by, and none is exported: the parent itself, or one of a new trace.

    So the log lines, the message and the spans of a request that gets no span here are of one trace all the same.
    """
    context = trace.get_current_span(parent).get_span_context()
    if not context.is_valid:
        context = trace.SpanContext(_ids.generate_trace_id(), _ids.generate_span_id(), is_remote=False)
    with trace.use_span(trace.NonRecordingSpan(context), record_exception=False, set_status_on_exception=False) as span:
        yield span


@contextmanager
def span(
    name: str,
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Mapping[str, AttributeValue] | None = None,
    context: Context | None = None,
    start_ns: int | None = None,
) -> Iterator[trace.Span]:
    """A span around the block. An exception marks it failed by its class; its message may hold a task's data."""
    with tracer().start_as_current_span(
        name,
        context,
        kind,
        attributes,
        start_time=start_ns,
        record_exception=False,
        set_status_on_exception=False,
    ) as current:
        try:
            yield current
        except Exception as error:
            mark_failed(current, error)
            raise


def mark_failed(failed: trace.Span, error: BaseException) -> None:
    if failed.is_recording():  # a server span has ended before an error that follows the answer's last byte
        failed.set_status(StatusCode.ERROR)
        failed.set_attribute("error.type", type(error).__name__)
