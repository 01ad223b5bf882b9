"""Hands ended spans to the exporter in batches, from a thread of its own."""

from threading import Thread
from typing import Final

from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

LAST_EXPORT_SECONDS: Final = 5  # of a process about to end, while a collector may not answer


class SpanBatches(BatchSpanProcessor):
    """OpenTelemetry's, but neither its flush nor its end takes longer than `LAST_EXPORT_SECONDS`.

    The flush ignores its timeout (open-telemetry/opentelemetry-python#4568), and the end waits for 30 s: with a
    collector that does not answer, a worker's process was replaced, or a program ended, 20 s late. `_batch_processor`
    alone takes a time for its end: tests/unit/test_span_exporter.py fails without it.
    """

    def __init__(self, exporter: SpanExporter, every_ms: float) -> None:
        super().__init__(exporter, schedule_delay_millis=every_ms)

    def force_flush(self, timeout_millis: int | None = None) -> bool:
        export = Thread(target=super().force_flush, name="last spans", daemon=True)
        export.start()
        export.join(LAST_EXPORT_SECONDS)
        return not export.is_alive()

    def shutdown(self) -> None:
        self._batch_processor.shutdown(int(LAST_EXPORT_SECONDS * 1000))
