"""How long requests take, as OpenTelemetry measures it, sent to the collector by OTLP every so often."""

from typing import Any, Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.metrics import Histogram, Meter, MeterProvider, NoOpMeter
from opentelemetry.sdk import metrics as sdk
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, View
from opentelemetry.util.types import Attributes

from throughline.settings import ApiSettings
from throughline.telemetry import span_batches, tracing

# By its stable name, and by the one before it, which a user may ask for beside it.
DURATION: Final = "http.server.request.duration"
_FORMER: Final = "http.server.duration"
_SLOW_SECONDS: Final = 0.1
# Seconds. The convention's begin with 5 ms, which most requests do not take.
_BUCKETS: Final = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]


class Durations(MeterProvider):
    """What FastAPI's instrumentation measures with: it has the durations of requests, and nothing else.

    The instrumentation also counts requests under way and measures bodies. A view could drop these, and each would cost
    8 µs a request all the same; the size of answers is wrong besides, once there are two requests at a time.
    """

    def __init__(self, settings: ApiSettings) -> None:
        wanted = not settings.otel_sdk_disabled and settings.otel_metrics_exporter == "otlp"
        self._sdk = _exporting(settings) if wanted and settings.otel_exporter_otlp_endpoint else None

    def get_meter(self, name: str, *args: Any, **kwargs: Any) -> Meter:
        return (
            NoOpMeter(name) if self._sdk is None else _DurationMeter(name, self._sdk.get_meter(name, *args, **kwargs))
        )

    def shutdown(self) -> None:
        """Exports what was measured since the last time."""
        if self._sdk is not None:
            self._sdk.shutdown(span_batches.LAST_EXPORT_SECONDS * 1000)


def _exporting(settings: ApiSettings) -> sdk.MeterProvider:
    endpoint = f"{settings.otel_exporter_otlp_endpoint}/v1/metrics"
    exporter = OTLPMetricExporter(endpoint=endpoint, timeout=settings.otel_exporter_otlp_timeout)
    return sdk.MeterProvider(
        [PeriodicExportingMetricReader(exporter, settings.otel_metric_export_interval)],
        tracing.provider().resource,
        exemplar_filter=_SlowRequests(),
        shutdown_on_exit=False,
        views=[
            View(instrument_name=DURATION, aggregation=ExplicitBucketHistogramAggregation(_BUCKETS)),
            # The former conventions make a label of what the client sent as Host.
            View(instrument_name=_FORMER, attribute_keys={"http.method", "http.scheme", "http.status_code"}),
        ],
    )


class _SlowRequests(sdk.ExemplarFilter):
    """Which requests may be examples for their bucket: an example of every one would cost 5 µs a request.

    Not by the former name: what its view leaves out, the Host that a client sent, would be in the example.
    """

    def should_sample(self, value: float, time_unix_nano: int, attributes: Attributes, context: Context) -> bool:
        return (
            value >= _SLOW_SECONDS
            and "http.request.method" in (attributes or {})
            and trace.get_current_span(context).get_span_context().trace_flags.sampled
        )


class _DurationMeter(NoOpMeter):
    def __init__(self, name: str, meter: Meter) -> None:
        super().__init__(name)
        self._meter = meter

    def create_histogram(self, name: str, *args: Any, **kwargs: Any) -> Histogram:
        if name in {DURATION, _FORMER}:
            return self._meter.create_histogram(name, *args, **kwargs)
        return super().create_histogram(name, *args, **kwargs)
