"""W3C trace context, level 2: what the headers `traceparent` and `tracestate` say, and what they are to say."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.propagators import textmap
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TraceState

# In it, an NGINX that knows only the first of several headers with one name (before 1.23: local runs on Debian 12) says
# what it made of that one, and leaves the caller's headers as they came.
OLD_NGINX: Final = "X-Nginx-Traceparent"
REQUEST_HEADERS: Final = ("traceparent", "tracestate", OLD_NGINX)

# The rules are those of nginx/throughline.conf.template. Version 00 ends with its flags. A later version may go on with
# a "-"; with a comma it would be two headers that some proxy has joined.
_TRACEPARENT: Final = re.compile(
    r"[ \t]*(?!ff|00-.{52}-)[0-9a-f]{2}"
    r"-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:[ \t]*|-[^,]*)"
)
# As we send it ourselves.
_OURS: Final = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-0[0-3]")
# Level 2 lets every key begin with a digit. It also lets "@" stand anywhere in a key; the W3C's test suite does not.
_MEMBER: Final = re.compile(
    r"([a-z0-9][a-z0-9_*/-]{0,255}|[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13})"
    r"=([ -+\--<>-~]{0,255}[!-+\--<>-~])"
)
_MOST_MEMBERS: Final = 32
_MOST_CHARACTERS: Final = 8_192  # as OpenTelemetry's SDK: every message and every span of the task carries them
_FLAGS: Final = tuple(map(TraceFlags, range(4)))  # sampled (1) and random trace ID (2); no other is defined


def span_context(traceparents: Sequence[object], tracestates: Iterable[object] = ()) -> SpanContext | None:
    """The caller's span by all values of the two headers, or none: then the trace begins here.

    A `tracestate` counts only beside a valid `traceparent`; one that is not valid itself is as good as none.
    """
    if len(traceparents) != 1 or not isinstance(header := traceparents[0], str):
        return None
    match = _TRACEPARENT.fullmatch(header)
    if match is None:
        return None
    trace_id, span_id, flags = match.groups()
    state = _trace_state(tracestates) if tracestates else None
    return SpanContext(int(trace_id, 16), int(span_id, 16), True, _FLAGS[int(flags, 16) & 3], state)


def traceparent(context: Context | None = None) -> str:
    """The current span, or that of the context, as a `traceparent` header; empty without one."""
    return _traceparent(trace.get_current_span(context).get_span_context())


def tracestate(context: Context | None = None) -> str:
    """What other systems have to say of the trace, as a `tracestate` header; empty when it is nothing."""
    return _tracestate(trace.get_current_span(context).get_span_context())


def remote_parent(traceparent: str | None, tracestate: str = "") -> Context:
    """The context for a span whose parent is elsewhere; for a root span when the header is absent or broken."""
    return _context(span_context((traceparent,), (tracestate,)), Context())


def caller(*values: Sequence[object]) -> Context:
    """The same for a request: all values of each of `REQUEST_HEADERS`."""
    return _context(_caller(*values), Context())


def valid_traceparent(header: object) -> str:
    """The header as we would send it if it is a valid `traceparent`, else an empty one."""
    if isinstance(header, str) and _OURS.fullmatch(header):  # each task's twice, and 9 µs dearer without
        return header
    parent = span_context((header,))
    return "" if parent is None else _traceparent(parent)


class Propagator(textmap.TextMapPropagator):
    """How OpenTelemetry's instrumentations read and write the two headers.

    OTEL_PROPAGATORS has no say: NGINX and the messages in Redis speak W3C trace context. Another format would cut a
    task off from its request, and `baggage` would carry whatever a caller likes into every task.
    """

    def extract(
        self,
        carrier: textmap.CarrierT,
        context: Context | None = None,
        getter: textmap.Getter[textmap.CarrierT] = textmap.default_getter,
    ) -> Context:
        context = Context() if context is None else context
        return _context(_caller(*(getter.get(carrier, name) or () for name in REQUEST_HEADERS)), context)

    def inject(
        self,
        carrier: textmap.CarrierT,
        context: Context | None = None,
        setter: textmap.Setter[textmap.CarrierT] = textmap.default_setter,
    ) -> None:
        current = trace.get_current_span(context).get_span_context()
        if header := _traceparent(current):
            setter.set(carrier, "traceparent", header)
        if header := _tracestate(current):
            setter.set(carrier, "tracestate", header)

    @property
    def fields(self) -> set[str]:
        return {"traceparent", "tracestate"}


def _caller(
    traceparents: Sequence[object], tracestates: Sequence[object], old_nginx: Sequence[object] = ()
) -> SpanContext | None:
    """NGINX's span with the caller's `tracestate`, unless NGINX continued another trace than is right."""
    parent = span_context(traceparents, tracestates)
    if not old_nginx or (nginx := span_context(old_nginx)) is None:
        return parent
    if parent is None:
        first = span_context(traceparents[:1])
        return None if first is not None and first.trace_id == nginx.trace_id else nginx
    if parent.trace_id != nginx.trace_id:
        return parent
    return SpanContext(nginx.trace_id, nginx.span_id, True, nginx.trace_flags, parent.trace_state)


class _TraceState(TraceState):
    """Pairs that are known to be valid: OpenTelemetry's constructor would refuse keys that begin with a digit."""

    def __init__(self, members: dict[str, str]) -> None:
        super().__init__()
        self._dict = members


def _trace_state(headers: Iterable[object]) -> TraceState | None:
    """All the headers as one list; none if a single member is wrong, or comes twice, or if there are too many."""
    joined = ", ".join(header for header in headers if isinstance(header, str))  # as NGINX joins them
    if len(joined) > _MOST_CHARACTERS:
        return None
    members: dict[str, str] = {}
    for member in joined.split(","):
        if not (pair := member.strip(" \t")):
            continue
        match = _MEMBER.fullmatch(pair)
        if match is None or match[1] in members or len(members) == _MOST_MEMBERS:
            return None
        members[match[1]] = match[2]
    return _TraceState(members) if members else None


def _context(parent: SpanContext | None, context: Context) -> Context:
    return context if parent is None else trace.set_span_in_context(NonRecordingSpan(parent), context)


def _traceparent(current: SpanContext) -> str:
    if not current.is_valid:
        return ""
    return f"00-{current.trace_id:032x}-{current.span_id:016x}-{current.trace_flags & 3:02x}"


def _tracestate(current: SpanContext) -> str:
    return current.trace_state.to_header() if current.is_valid and current.trace_state else ""
