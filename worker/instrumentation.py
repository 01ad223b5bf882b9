"""OpenTelemetry's instrumentation of Celery: it makes the spans of runs, and of what Celery itself publishes."""

from opentelemetry.instrumentation.celery import CeleryInstrumentor
from opentelemetry.metrics import NoOpMeterProvider

from throughline.telemetry import tracing
from worker import publications


def install() -> None:
    """In a process whose spans are set up. Its receivers of signals come after those that are connected already."""
    instrumentor = CeleryInstrumentor()  # type: ignore[no-untyped-call]
    if instrumentor.is_instrumented_by_opentelemetry:  # in the process that this one was forked from
        instrumentor.uninstrument()
    # Its one metric, of run times, has a label for each worker's host name: as many as there ever were pods.
    meters = NoOpMeterProvider()
    instrumentor.instrument(tracer_provider=tracing.provider(), meter_provider=meters, skip_dep_check=True)
    publications.install_after_instrumentation()
