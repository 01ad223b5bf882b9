"""FastAPI and Taskiq with FastAPI's instrumentation, Taskiq's own middleware for it and two JSON lines a request."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from taskiq.middlewares.opentelemetry_middleware import OpenTelemetryMiddleware
from taskiq_redis import ListQueueBroker, RedisAsyncResultBackend

from tests.bench.rivals import observed

observed.export_spans()
logger = observed.json_lines()
broker = (
    ListQueueBroker(os.environ["REDIS_URL"])
    .with_result_backend(RedisAsyncResultBackend(os.environ["REDIS_URL"]))
    .with_middlewares(OpenTelemetryMiddleware())
)


@broker.task
async def calculate_var(data: dict[str, Any]) -> None:
    """Never run here: only its submission is measured."""


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    await broker.startup()
    yield
    await broker.shutdown()


app = observed.instrumented(FastAPI(lifespan=lifespan))


@app.post("/api/v1/tasks", status_code=201)
async def submit(task: dict[str, Any]) -> dict[str, str]:
    sent = await calculate_var.kiq(task["data"])
    observed.say(logger, sent.task_id, task["task_type"])
    return {"task_id": sent.task_id, "status": "PENDING"}
