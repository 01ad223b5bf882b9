"""Where a process's spans go: to a collector by OTLP, or into a file as OTLP/JSON lines."""

from typing import IO, cast

from opentelemetry.exporter.otlp.json.file import FileSpanExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace.export import SpanExporter

from throughline.settings import BrokerSettings
from throughline.telemetry.appended_lines import AppendedLines


def of(node: str, settings: BrokerSettings) -> SpanExporter | None:
    """The exporter of a process; None when its spans go nowhere."""
    if settings.otel_exporter_otlp_endpoint:
        endpoint = settings.otel_exporter_otlp_endpoint.rstrip("/") + "/v1/traces"
        return OTLPSpanExporter(endpoint=endpoint, timeout=settings.otel_exporter_otlp_timeout)
    if settings.spans_dir is not None:
        settings.spans_dir.mkdir(parents=True, exist_ok=True)
        return FileSpanExporter(stream=cast("IO[str]", AppendedLines(settings.spans_dir / f"{node}.jsonl")))
    return None
