"""Gives spans of OpenTelemetry's instrumentation of Celery our names and attributes, or has them not exported."""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.util.types import AttributeValue

_lengths: Final[dict[int, tuple[int, int]]] = {}  # by span ID


@dataclass(frozen=True)
class _Expected:
    name: str
    attributes: Mapping[str, AttributeValue]
    is_withdrawn: bool


_expected: ContextVar[_Expected | None] = ContextVar("expected_span", default=None)
_WITHDRAWN: Final = "withdrawn"  # nobody sees this attribute: a span that has it is not exported


def expect(name: str, attributes: Mapping[str, AttributeValue], *, is_withdrawn: bool = False) -> None:
    """The next span that starts in this context has this name, and these attributes beside its own, from its start."""
    _expected.set(_Expected(name, attributes, is_withdrawn))


def expect_nothing() -> None:
    """What was expected may not have started: a trace that is not sampled has no spans."""
    _expected.set(None)


def withdraw(span: trace.Span) -> None:
    """This process exports the open span to nobody, whoever ends it: another one writes it, or there is none."""
    span.set_attribute(_WITHDRAWN, True)


def lasted(span: trace.Span, start_ns: int, end_ns: int) -> None:
    """The open span is exported with this start and this end, whenever the instrumentation has begun and ends it."""
    if span.is_recording():
        _lengths[span.get_span_context().span_id] = (start_ns, max(start_ns, end_ns))


class ExpectedSpans(SpanProcessor):
    """Makes of a span that has just started what was expected of it."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        expected = _expected.get()
        if expected is None:
            return
        _expected.set(None)
        span.update_name(expected.name)
        span.set_attributes(expected.attributes)
        if expected.is_withdrawn:
            withdraw(span)

    def on_end(self, span: ReadableSpan) -> None:
        pass


class WithoutWithdrawn(SpanProcessor):
    """Keeps withdrawn spans from the processor that exports the others."""

    def __init__(self, exporting: SpanProcessor) -> None:
        self._exporting = exporting

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        self._exporting.on_start(span, parent_context)

    def on_end(self, span: ReadableSpan) -> None:
        length = _lengths.pop(span.context.span_id, None) if _lengths and span.context else None
        if not (span.attributes and _WITHDRAWN in span.attributes):
            self._exporting.on_end(_with_length(span, *length) if length else span)

    def shutdown(self) -> None:
        self._exporting.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporting.force_flush(timeout_millis)


def _with_length(span: ReadableSpan, start_ns: int, end_ns: int) -> ReadableSpan:
    """What the SDK has no way to set of a span that somebody else begins and ends."""
    return ReadableSpan(
        name=span.name,
        context=span.get_span_context(),
        parent=span.parent,
        resource=span.resource,
        attributes=span.attributes,
        events=span.events,
        links=span.links,
        kind=span.kind,
        status=span.status,
        start_time=start_ns,
        end_time=end_ns,
        instrumentation_scope=span.instrumentation_scope,
    )
