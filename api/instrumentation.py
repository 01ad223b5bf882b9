"""The server span of each request: made by OpenTelemetry's instrumentation of FastAPI, in the words of this project."""

import os
from typing import Final

from fastapi import FastAPI
from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import Span
from starlette.datastructures import URL
from starlette.types import ASGIApp, Receive, Scope, Send

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

    FastAPIInstrumentor.instrument_app(
        app,
        server_request_hook=_tell_in_our_words,
        tracer_provider=tracing.provider(),
        meter_provider=measured,
        excluded_urls=settings.excluded_urls,
        http_capture_headers_sanitize_fields=settings.sanitized_headers,
        exclude_spans=["receive", "send"],
    )
    app.middleware_stack = ReadableHeaders(app.build_middleware_stack())


def _tell_in_our_words(span: Span, scope: Scope) -> None:
    """The name that journeys and dashboards go by; and no query, which may hold what nobody else should read."""
    if not span.is_recording():
        return
    span.update_name("api")
    if scope.get("query_string"):
        span.set_attribute("url.query", HIDDEN)
        if "dup" in os.environ["OTEL_SEMCONV_STABILITY_OPT_IN"]:
            span.set_attribute("http.url", str(URL(scope=scope).replace(query="")))


class ReadableHeaders:
    """Makes UTF-8 of header values that are not: the instrumentation answers 500 to a `User-Agent` of `\\xff\\x`.

    It reads such a value as Python's `unicode_escape`, which many are not, and fails before any middleware of ours
    (opentelemetry-python-contrib#1478, and #2837, which is open).
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not all(value.isascii() for _, value in scope.get("headers", ())):
            scope["headers"] = [(name, _as_utf8(value)) for name, value in scope["headers"]]
        await self._app(scope, receive, send)


def _as_utf8(value: bytes) -> bytes:
    try:
        value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1").encode()
    return value
