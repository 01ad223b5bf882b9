"""Hands ended spans to the exporter in batches, from a thread of its own."""

from threading import Thread
from typing import Final

from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

LAST_EXPORT_SECONDS: Final = 5  # of a program about to end, while a collector may not answer
CHILD_EXPORT_SECONDS: Final = 1.0  # of a worker's process, for which tasks wait meanwhile


class SpanBatches(BatchSpanProcessor):
    """OpenTelemetry's, but neither its flush nor its end waits longer than that, or than it is told, for a collector.

    All batches that wait share that time. A file takes what there is: whoever flushes waits until it has.

    The flush ignores its timeout (open-telemetry/opentelemetry-python#4568), and the end waits for 30 s: with a
    collector that does not answer, a worker's process was replaced, or a program ended, 20 s late. `_batch_processor`
    alone takes a time for its end: tests/unit/test_span_exporter.py fails without it.
    """

    def __init__(self, exporter: SpanExporter, every_ms: float, *, is_local: bool = False) -> None:
        super().__init__(exporter, schedule_delay_millis=every_ms)
        self._is_local = is_local

    def force_flush(self, timeout_millis: int | None = None) -> bool:
        if self._is_local:
            return super().force_flush()
        export = Thread(target=super().force_flush, name="last spans", daemon=True)
        export.start()
        told = LAST_EXPORT_SECONDS if timeout_millis is None else timeout_millis / 1000
        export.join(min(LAST_EXPORT_SECONDS, told))
        return not export.is_alive()

    def shutdown(self) -> None:
        self._batch_processor.shutdown(int(LAST_EXPORT_SECONDS * 1000))
