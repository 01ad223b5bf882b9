"""Spans reach a file or a collector, and a collector that is away costs a process that ends a bounded time."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.json_server import Server
from throughline.settings import BrokerSettings
from throughline.telemetry import correlation, instrumented_spans, span_batches, tracing


@pytest.fixture
def set_up(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Sets tracing up as a process does, with spans that wait until they are flushed.

    At the test's end nothing exports any more: its connection would stay open, and a later test's server be asked.
    """
    before, running = (tracing._process.provider, tracing._process.tracer), set(threading.enumerate())
    instrumented_spans.expect_nothing()  # what another test of this process published without an instrumentation

    def set_up(**settings: Any) -> None:
        tracing.setup("api", BrokerSettings(service_node_name="fastapi-2", otel_bsp_schedule_delay=60_000, **settings))

    yield set_up
    tracing.provider().shutdown()  # still with the test's own LAST_EXPORT_SECONDS
    for export in set(threading.enumerate()) - running:
        export.join(20)
        assert not export.is_alive(), export.name
    tracing._process.provider, tracing._process.tracer = before


def names(request: bytes) -> list[str]:
    scopes = (scope for resource in json.loads(request)["resourceSpans"] for scope in resource["scopeSpans"])
    return [span["name"] for scope in scopes for span in scope["spans"]]


def test_a_collector_is_sent_protobuf_with_the_spans_in_their_order(set_up, server: Server):
    set_up(otel_exporter_otlp_endpoint=server.url)
    with correlation.bound("ABC-1", "task-1"):
        for name in ("first", "second"):
            with tracing.span(name):
                pass
    tracing.flush()

    ((path, body),) = server.asked
    assert path == "POST /v1/traces"
    assert server.headers[0]["Content-Type"] == "application/x-protobuf"
    (scope,) = ExportTraceServiceRequest.FromString(body).resource_spans[0].scope_spans
    assert [span.name for span in scope.spans] == ["first", "second"]
    assert {one.key: one.value.string_value for one in scope.spans[0].attributes} == {
        "correlation_id": "ABC-1",
        "task_id": "task-1",
    }


def test_opentelemetrys_variables_for_headers_and_compression_hold(
    set_up, server: Server, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=blue")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
    set_up(otel_exporter_otlp_endpoint=server.url)
    with tracing.span("first"):
        pass
    tracing.flush()
    assert (server.headers[0]["x-tenant"], server.headers[0]["Content-Encoding"]) == ("blue", "gzip")
    assert server.headers[0]["Content-Type"] == "application/x-protobuf"


def test_each_batch_is_a_line_of_the_processs_file(set_up, tmp_path: Path):
    set_up(spans_dir=tmp_path)
    for name in ("first", "second"):
        with tracing.span(name):
            pass
        tracing.flush()
    lines = (tmp_path / "fastapi-2.jsonl").read_bytes().splitlines()
    assert [names(line) for line in lines] == [["first"], ["second"]]


@pytest.mark.parametrize("end", [tracing.flush, lambda: tracing.provider().shutdown()], ids=["flush", "shutdown"])
def test_a_collector_that_never_answers_holds_up_the_end_of_a_process_for_one_exports_time(
    set_up, monkeypatch: pytest.MonkeyPatch, end: Callable[[], None]
):
    monkeypatch.setattr(span_batches, "LAST_EXPORT_SECONDS", 1)
    with socket.create_server(("127.0.0.1", 0), backlog=8) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        set_up(otel_exporter_otlp_endpoint=endpoint, otel_exporter_otlp_timeout=1)
        for _ in range(2_000):
            with tracing.span("many batches"):
                pass
        before = time.monotonic()
        end()
        assert time.monotonic() - before < 3.5  # four batches would take four seconds
