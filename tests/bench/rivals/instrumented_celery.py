"""The design as it is usually built: depth check, `send_task`, JSON lines, OpenTelemetry's two instrumentations."""

import os
from typing import Any, Literal

import redis
from celery import Celery
from fastapi import FastAPI, HTTPException
from opentelemetry.instrumentation.celery import CeleryInstrumentor
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from pydantic import BaseModel

from tests.bench.rivals import observed

observed.export_spans()
logger = observed.json_lines()
app = FastAPI()
queue = Celery(broker=os.environ["REDIS_URL"], backend=os.environ["REDIS_URL"])
queue.conf.broker_transport_options = {"priority_steps": [0]}
depths = redis.Redis.from_url(os.environ["REDIS_URL"])
CeleryInstrumentor().instrument()
FastAPIInstrumentor.instrument_app(app)


class Task(BaseModel):
    task_type: str
    data: dict[str, Any]
    priority: Literal["high", "medium", "low"] = "medium"


@app.post("/api/v1/tasks", status_code=201)
def submit(task: Task) -> dict[str, str]:
    correlation_id = "BENCH"
    logger.info("received", extra={"correlation_id": correlation_id, "task_type": task.task_type})
    if sum(depths.llen(name) for name in ("high", "medium", "low")) >= 100_000_000:
        raise HTTPException(503)
    sent = queue.send_task(task.task_type, [task.data], queue=task.priority, headers={"correlation_id": correlation_id})
    logger.info("submitted", extra={"correlation_id": correlation_id, "task_id": sent.id})
    logger.info("completed", extra={"correlation_id": correlation_id, "task_id": sent.id, "status": 201})
    return {"task_id": sent.id, "status": "PENDING"}
