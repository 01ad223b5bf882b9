"""The server span of each request: made by OpenTelemetry's instrumentation of FastAPI, in the words of this project."""

import os
from typing import Any, Final

from fastapi import FastAPI
from opentelemetry.context import Context
from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import Span, SpanKind, Tracer, TracerProvider
from starlette.datastructures import URL
from starlette.types import Scope

from throughline.settings import ApiSettings
from throughline.telemetry import tracing

HIDDEN: Final = "REDACTED"


def install(app: FastAPI, settings: ApiSettings, measured: MeterProvider) -> None:
    """Once the application is complete: all of its middleware is inside the span."""
    if settings.otel_sdk_disabled:
        return  # each request would pay for the look-up of its route, and have no span
    # It reads this variable from the environment alone, once.
    os.environ["OTEL_SEMCONV_STABILITY_OPT_IN"] = settings.otel_semconv_stability_opt_in
    # Not before the settings are checked: a wrong OTEL_PYTHON_EXCLUDED_URLS makes the import itself fail.
    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor  # noqa: PLC0415

    from api import patches  # noqa: PLC0415

    patches.install(app)
    FastAPIInstrumentor.instrument_app(
        app,
        server_request_hook=_hide_query,
        tracer_provider=ServerSpans(),
        meter_provider=measured,
        excluded_urls=settings.excluded_urls,
        http_capture_headers_sanitize_fields=settings.sanitized_headers,
        exclude_spans=["receive", "send"],
    )


def _hide_query(span: Span, scope: Scope) -> None:
    """It may hold what nobody else should read."""
    if not scope.get("query_string") or not span.is_recording():
        return
    span.set_attribute("url.query", HIDDEN)
    if "http/dup" in os.environ["OTEL_SEMCONV_STABILITY_OPT_IN"]:
        span.set_attribute("http.url", str(URL(scope=scope).replace(query="")))


class ServerSpans(TracerProvider):
    """Starts the instrumentation's spans by the name that journeys and dashboards go by.

    And without attributes: it sets all of them again, one by one, once the span has started. So the first time would be
    7 µs of every request for nothing.
    """

    def get_tracer(self, *args: Any, **kwargs: Any) -> Tracer:
        return _ServerTracer(tracing.provider().get_tracer(*args, **kwargs))


class _ServerTracer(Tracer):
    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def start_span(self, name: str, context: Context | None = None, *args: Any, **kwargs: Any) -> Span:
        return self._tracer.start_span("api", context, SpanKind.SERVER)

    def start_as_current_span(self, *args: Any, **kwargs: Any) -> Any:
        return self._tracer.start_as_current_span(*args, **kwargs)  # of a background task; we have none
