"""FastAPI and Dramatiq on Redis, in FastAPI's own thread pool."""

import os
from typing import Any

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from fastapi import FastAPI

dramatiq.set_broker(RedisBroker(url=os.environ["REDIS_URL"]))
app = FastAPI()


@dramatiq.actor(queue_name="high")
def calculate_var(data: dict[str, Any]) -> None:
    """Never run here: only its submission is measured."""


@app.post("/api/v1/tasks", status_code=201)
def submit(task: dict[str, Any]) -> dict[str, str]:
    sent = calculate_var.send(task["data"])
    return {"task_id": sent.message_id, "status": "PENDING"}
