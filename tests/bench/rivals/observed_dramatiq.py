"""FastAPI and Dramatiq with FastAPI's instrumentation, an instrumentation of Dramatiq and two JSON lines a request."""

import os
from typing import Any

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from fastapi import FastAPI
from opentelemetry_instrumentor_dramatiq import DramatiqInstrumentor

from tests.bench.rivals import observed

observed.export_spans()
logger = observed.json_lines()
dramatiq.set_broker(RedisBroker(url=os.environ["REDIS_URL"]))
DramatiqInstrumentor().instrument()
app = observed.instrumented(FastAPI())


@dramatiq.actor(queue_name="high")
def calculate_var(data: dict[str, Any]) -> None:
    """Never run here: only its submission is measured."""


@app.post("/api/v1/tasks", status_code=201)
def submit(task: dict[str, Any]) -> dict[str, str]:
    sent = calculate_var.send(task["data"])
    observed.say(logger, sent.message_id, task["task_type"])
    return {"task_id": sent.message_id, "status": "PENDING"}
