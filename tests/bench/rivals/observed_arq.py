"""FastAPI and arq with FastAPI's instrumentation, arq's and two JSON lines a request."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from arq import create_pool
from arq.connections import RedisSettings
from fastapi import FastAPI
from opentelemetry.instrumentation.arq import ArqInstrumentor

from tests.bench.rivals import observed

observed.export_spans()
logger = observed.json_lines()
ArqInstrumentor().instrument()


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.arq = await create_pool(RedisSettings.from_dsn(os.environ["REDIS_URL"]))
    yield
    await app.state.arq.aclose()


app = observed.instrumented(FastAPI(lifespan=lifespan))


@app.post("/api/v1/tasks", status_code=201)
async def submit(task: dict[str, Any]) -> dict[str, str]:
    sent = await app.state.arq.enqueue_job("calculate_var", task["data"])
    observed.say(logger, sent.job_id, task["task_type"])
    return {"task_id": sent.job_id, "status": "PENDING"}
