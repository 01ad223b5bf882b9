"""What a service with traces and JSON logs has around its queue: FastAPI's instrumentation, two lines a request."""

import logging
import os
import sys
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from opentelemetry import trace
from opentelemetry.exporter.otlp.json.file import FileSpanExporter
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from pythonjsonlogger.json import JsonFormatter


def export_spans() -> None:
    """Sends this process's spans into a file, as OTLP/JSON lines."""
    spans = Path(os.environ["SPANS_DIR"], "rival.jsonl").open("a", encoding="utf-8")  # noqa: SIM115
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(FileSpanExporter(stream=spans)))
    trace.set_tracer_provider(provider)


def instrumented(app: FastAPI) -> FastAPI:
    """With the server span alone, as Throughline has it: its spans of receive and send would cost a third more."""
    FastAPIInstrumentor.instrument_app(app, exclude_spans=["receive", "send"])
    return app


def json_lines() -> logging.Logger:
    """A logger whose lines are JSON on stdout."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter("%(asctime)s %(levelname)s %(message)s"))
    logger = logging.getLogger("api")
    logger.handlers, logger.propagate = [handler], False
    logger.setLevel(logging.INFO)
    return logger


def say(logger: logging.Logger, task_id: str, task_type: Any) -> None:
    """The two lines of a request."""
    logger.info("submitted", extra={"correlation_id": "BENCH", "task_id": task_id, "task_type": task_type})
    logger.info("completed", extra={"correlation_id": "BENCH", "task_id": task_id, "status": 201})
