"""Spans as OTLP/JSON, for a quarter of what OpenTelemetry's encoders cost (6 µs a span instead of 24)."""

import math
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import orjson
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link
from opentelemetry.util.types import Attributes

from throughline.telemetry import otlp
from throughline.telemetry.odd_json import odd_json

_NOT_FINITE: Final = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def encoded(spans: Iterable[ReadableSpan]) -> bytes:
    """The spans as one ExportTraceServiceRequest, on one line."""
    request = {
        "resourceSpans": [
            {
                "resource": {"attributes": _attributes(resource.attributes)},
                "schemaUrl": resource.schema_url,
                "scopeSpans": [_of_scope(scope, of_scope) for scope, of_scope in scopes.items()],
            }
            for resource, scopes in otlp.by_source(spans)
        ]
    }
    try:
        return orjson.dumps(request)
    except TypeError:
        return odd_json(request)


def _of_scope(scope: InstrumentationScope | None, spans: Iterable[ReadableSpan]) -> dict[str, Any]:
    encoded: dict[str, Any] = {"spans": [_span(span) for span in spans]}
    if scope is not None:
        name = {"name": scope.name, "version": scope.version or "", "attributes": _attributes(scope.attributes)}
        encoded |= {"scope": name, "schemaUrl": scope.schema_url or ""}
    return encoded


def _span(span: ReadableSpan) -> dict[str, Any]:
    context, parent = span.context, span.parent
    encoded: dict[str, Any] = {
        "traceId": f"{context.trace_id:032x}",
        "spanId": f"{context.span_id:016x}",
        "flags": otlp.flags(parent),
        "name": span.name,
        "kind": otlp.KINDS[span.kind],
        "startTimeUnixNano": str(span.start_time),
        "endTimeUnixNano": str(span.end_time),
        "attributes": _attributes(span.attributes),
        "status": {"code": span.status.status_code.value},
    }
    if parent:
        encoded["parentSpanId"] = f"{parent.span_id:016x}"
    if context.trace_state:
        encoded["traceState"] = context.trace_state.to_header()
    if span.status.description:
        encoded["status"]["message"] = span.status.description
    if events := span.events:
        encoded["events"] = [_event(event) for event in events]
    if links := span.links:
        encoded["links"] = [_link(link) for link in links]
    if span.dropped_attributes:
        encoded["droppedAttributesCount"] = span.dropped_attributes
    if span.dropped_events:
        encoded["droppedEventsCount"] = span.dropped_events
    if span.dropped_links:
        encoded["droppedLinksCount"] = span.dropped_links
    return encoded


def _event(event: Event) -> dict[str, Any]:
    return {
        "name": event.name,
        "timeUnixNano": str(event.timestamp),
        "attributes": _attributes(event.attributes),
        "droppedAttributesCount": event.dropped_attributes,
    }


def _link(link: Link) -> dict[str, Any]:
    return {
        "traceId": f"{link.context.trace_id:032x}",
        "spanId": f"{link.context.span_id:016x}",
        "flags": otlp.flags(link.context),
        "attributes": _attributes(link.attributes),
        "droppedAttributesCount": link.dropped_attributes,
    }


def _attributes(attributes: Attributes) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in (attributes or {}).items()]


def _value(value: Any) -> dict[str, Any]:
    if isinstance(value, str):  # as most are
        return {"stringValue": value}
    for kind, encode in _VALUES:
        if isinstance(value, kind):
            return encode(value)
    return {}


_VALUES: Final[tuple[tuple[type, Callable[[Any], dict[str, Any]]], ...]] = (
    (bool, lambda value: {"boolValue": value}),  # before int, which it is too
    (int, lambda value: {"intValue" if value in otlp.INTEGERS else "stringValue": str(value)}),
    (float, lambda value: {"doubleValue": value if math.isfinite(value) else _NOT_FINITE[str(value)]}),
    (bytes, lambda value: {"bytesValue": b64encode(value).decode()}),
    (Sequence, lambda value: {"arrayValue": {"values": [_value(one) for one in value]}}),
    (Mapping, lambda value: {"kvlistValue": {"values": _attributes(value)}}),
)
