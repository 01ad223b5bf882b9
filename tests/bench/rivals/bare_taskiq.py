"""FastAPI and Taskiq on a Redis list, with a result backend."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from taskiq_redis import ListQueueBroker, RedisAsyncResultBackend

broker = ListQueueBroker(os.environ["REDIS_URL"]).with_result_backend(RedisAsyncResultBackend(os.environ["REDIS_URL"]))


@broker.task
async def calculate_var(data: dict[str, Any]) -> None:
    """Never run here: only its submission is measured."""


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    await broker.startup()
    yield
    await broker.shutdown()


app = FastAPI(lifespan=lifespan)


@app.post("/api/v1/tasks", status_code=201)
async def submit(task: dict[str, Any]) -> dict[str, str]:
    sent = await calculate_var.kiq(task["data"])
    return {"task_id": sent.task_id, "status": "PENDING"}
