"""Where a process's spans go: to a collector by OTLP, or into a file, as OTLP/JSON lines."""

from collections.abc import Sequence

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from throughline.settings import BrokerSettings
from throughline.telemetry import otlp_json, otlp_protobuf
from throughline.telemetry.appended_lines import AppendedLines


class FileExporter(SpanExporter):
    """A line for each batch."""

    def __init__(self, file: AppendedLines) -> None:
        self._file = file

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self._file.append(otlp_json.encoded(spans) + b"\n")
        return SpanExportResult.SUCCESS


class CollectorExporter(OTLPSpanExporter):
    """OpenTelemetry's exporter, with its variables, deadline and retries, but an encoder of our own.

    It has no public way to send what is encoded already: if `_client` changes, tests/unit/test_span_exporter.py fails.
    """

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if self._shutdown:
            return SpanExportResult.FAILURE
        sent = self._client.export(otlp_protobuf.encoded(spans))
        return SpanExportResult.SUCCESS if sent.success else SpanExportResult.FAILURE


def of(node: str, settings: BrokerSettings) -> SpanExporter | None:
    """The exporter of a process; None when its spans go nowhere."""
    if settings.otel_exporter_otlp_endpoint:
        endpoint = settings.otel_exporter_otlp_endpoint.rstrip("/") + "/v1/traces"
        return CollectorExporter(endpoint, timeout=settings.otel_exporter_otlp_timeout)
    if settings.spans_dir is not None:
        try:
            settings.spans_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise SystemExit(f"Wrong setting: SPANS_DIR: {settings.spans_dir}: {error.strerror}") from None
        return FileExporter(AppendedLines(settings.spans_dir / f"{node}.jsonl"))
    return None
