"""W3C trace context: what the headers `traceparent` and `tracestate` say, and what they are to say."""

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_propagator = TraceContextTextMapPropagator()


def traceparent(context: Context | None = None) -> str:
    """The current span, or that of the context, as a `traceparent` header; empty without one."""
    return _headers(context).get("traceparent", "")


def tracestate(context: Context | None = None) -> str:
    """What other systems have to say of the trace, as a `tracestate` header; empty when it is nothing."""
    return _headers(context).get("tracestate", "")


def remote_parent(traceparent: str | None, tracestate: str = "") -> Context:
    """The context for a span whose parent is elsewhere; for a root span when the header is absent or broken."""
    headers = {"traceparent": traceparent or "", "tracestate": tracestate}
    return _propagator.extract({name: value for name, value in headers.items() if value}, context=Context())


def valid_traceparent(header: object) -> str:
    """The header if it is a W3C `traceparent`, else an empty one."""
    if not isinstance(header, str) or not trace.get_current_span(remote_parent(header)).get_span_context().is_valid:
        return ""
    return header.strip()


def _headers(context: Context | None) -> dict[str, str]:
    carrier: dict[str, str] = {}
    _propagator.inject(carrier, context)
    return carrier
