"""Our two encodings say of a span, field by field, what OpenTelemetry's own encoders say."""

import json
import math
from collections.abc import Callable
from enum import StrEnum
from typing import Any

import pytest
from opentelemetry.exporter.otlp.json.common import trace_encoder as json_encoder
from opentelemetry.exporter.otlp.proto.common import trace_encoder as protobuf_encoder
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto_json.collector.trace.v1.trace_service import ExportTraceServiceRequest as JsonRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
    TraceState,
    set_span_in_context,
)

from throughline.telemetry import otlp_json, otlp_protobuf


class Colour(StrEnum):
    GREEN = "green"


ATTRIBUTES: dict[str, Any] = {
    "text": "žluť “quoted” \n \\ \x00",
    "empty": "",
    "enum": Colour.GREEN,
    "true": True,
    "false": False,
    "zero": 0,
    "negative": -1,
    "long": 2**63 - 1,
    "double": 0.1,
    "whole": 1.0,
    "large": 1e300,
    "texts": ["a", "b"],
    "numbers": (1, 2),
    "doubles": [0.5, math.inf],
    "flags": [True, False],
    "none": [],
    "bytes": b"\x00\xff",
    "map": {"one": 1, "nested": {"two": [2]}},
}


def elsewhere(*, is_remote: bool = True, state: tuple[tuple[str, str], ...] = ()) -> SpanContext:
    return SpanContext(0x0AF7, 0xB7AD, is_remote, TraceFlags(1), TraceState(state))


def of_every_attribute(tracer: Tracer) -> None:
    tracer.start_span("attributes", attributes=ATTRIBUTES).end()


def of_every_kind(tracer: Tracer) -> None:
    for kind in SpanKind:
        tracer.start_span(kind.name, kind=kind).end()


def of_every_status(tracer: Tracer) -> None:
    for status in (Status(StatusCode.OK), Status(StatusCode.ERROR), Status(StatusCode.ERROR, "it broke")):
        tracer.start_span("status", start_time=1).set_status(status)
        span = tracer.start_span("status")
        span.set_status(status)
        span.end(1_700_000_000_123_456_789)


def with_events(tracer: Tracer) -> None:
    span = tracer.start_span("events")
    span.add_event("bare", timestamp=1_700_000_000_123_456_789)
    span.add_event("told", {"a": 1, "b": ["c"]})
    span.record_exception(ValueError("no"))
    span.end()


def with_links(tracer: Tracer) -> None:
    links = [Link(elsewhere()), Link(elsewhere(is_remote=False), {"why": "retry"})]
    tracer.start_span("links", links=links).end()


def with_parents(tracer: Tracer) -> None:
    for context in (elsewhere(), elsewhere(is_remote=False), elsewhere(state=(("a", "1"), ("b@c", "2=3")))):
        tracer.start_span("child", set_span_in_context(NonRecordingSpan(context))).end()


def with_more_than_its_limits(tracer: Tracer) -> None:
    span = tracer.start_span("dropped", attributes={str(n): n for n in range(40)}, links=[Link(elsewhere())] * 5)
    for n in range(9):
        span.add_event("event", {str(m): n for m in range(4)})
    span.end()


EVERY_KIND = [
    of_every_attribute,
    of_every_kind,
    of_every_status,
    with_events,
    with_links,
    with_parents,
    with_more_than_its_limits,
]


def spans_of(
    *made: Callable[[Tracer], None], scope: tuple[Any, ...] = ("throughline",), resource: str = "api"
) -> list[ReadableSpan]:
    memory = InMemorySpanExporter()
    provider = TracerProvider(
        resource=Resource({"service.name": resource, "list": ["a"]}, "https://opentelemetry.io/schemas/1.30.0"),
        span_limits=SpanLimits(max_span_attributes=20, max_events=3, max_links=2, max_event_attributes=2),
    )
    provider.add_span_processor(SimpleSpanProcessor(memory))
    for make in made:
        make(provider.get_tracer(*scope))
    return list(memory.get_finished_spans())


def in_json(spans: list[ReadableSpan]) -> tuple[Any, Any]:
    """By our encoder, read by OpenTelemetry's reader; and by OpenTelemetry's encoder."""
    ours = JsonRequest.from_json(otlp_json.encoded(spans))
    return ours.to_dict(), json_encoder.encode_spans(spans).to_dict()


def in_protobuf(spans: list[ReadableSpan]) -> tuple[Any, Any]:
    return ExportTraceServiceRequest.FromString(otlp_protobuf.encoded(spans)), protobuf_encoder.encode_spans(spans)


@pytest.mark.parametrize("encode", [in_json, in_protobuf])
@pytest.mark.parametrize("make", EVERY_KIND, ids=lambda make: make.__name__)
def test_it_is_what_opentelemetry_would_write(make, encode):
    spans = spans_of(make)
    assert spans
    ours, opentelemetrys = encode(spans)
    assert ours == opentelemetrys


@pytest.mark.parametrize("encode", [in_json, in_protobuf])
def test_spans_of_several_scopes_and_resources_stay_apart(encode):
    with_scope = spans_of(with_links, with_events, scope=("one", "1.0", "https://schema/1", {"a": "b"}))
    without = spans_of(with_events, scope=("two",), resource="worker")
    ours, opentelemetrys = encode([*with_scope, *without])
    assert ours == opentelemetrys


def test_long_numbers_are_text_and_ids_are_hexadecimal_as_the_protocol_has_it():
    (span,) = spans_of(of_every_attribute)
    encoded = json.loads(otlp_json.encoded([span]))["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    assert encoded["startTimeUnixNano"] == str(span.start_time)
    assert encoded["traceId"] == f"{span.context.trace_id:032x}"
    assert {"key": "long", "value": {"intValue": str(2**63 - 1)}} in encoded["attributes"]


def test_a_batch_is_one_line():
    assert b"\n" not in otlp_json.encoded(spans_of(*EVERY_KIND))


def odd(tracer: Tracer) -> None:
    tracer.start_span("odd", attributes={"text": "half a pair \udc80"}).end()


def with_a_long_number(tracer: Tracer) -> None:
    tracer.start_span("long", attributes={"long": 2**63, "longer": [-(2**70)]}).end()


def test_a_number_of_more_than_64_bits_is_told_as_text_and_costs_its_batch_no_span():
    spans = spans_of(with_links, with_a_long_number)

    in_json = json.loads(otlp_json.encoded(spans))["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert in_json[1]["attributes"] == [
        {"key": "long", "value": {"stringValue": str(2**63)}},
        {"key": "longer", "value": {"arrayValue": {"values": [{"stringValue": str(-(2**70))}]}}},
    ]
    request = ExportTraceServiceRequest.FromString(otlp_protobuf.encoded(spans))
    long, longer = request.resource_spans[0].scope_spans[0].spans[1].attributes
    assert long.value.string_value == str(2**63)
    assert longer.value.array_value.values[0].string_value == str(-(2**70))


def test_a_text_that_json_cannot_hold_costs_its_batch_no_span():
    spans = json.loads(otlp_json.encoded(spans_of(with_links, odd)))["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert [span["name"] for span in spans] == ["links", "odd"]
    assert spans[1]["attributes"] == [{"key": "text", "value": {"stringValue": "half a pair ?"}}]


def test_nor_does_a_text_that_protobuf_cannot_hold():
    request = ExportTraceServiceRequest.FromString(otlp_protobuf.encoded(spans_of(with_links, odd)))
    spans = request.resource_spans[0].scope_spans[0].spans
    assert [span.name for span in spans] == ["links", "odd"]
    assert spans[1].attributes[0].value.string_value == "half a pair ?"
