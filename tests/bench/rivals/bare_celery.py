"""FastAPI and Celery's `send_task` with a result backend, in FastAPI's own thread pool."""

import os
from typing import Any

from celery import Celery
from fastapi import FastAPI

app = FastAPI()
queue = Celery(broker=os.environ["REDIS_URL"], backend=os.environ["REDIS_URL"])
queue.conf.broker_transport_options = {"priority_steps": [0]}


@app.post("/api/v1/tasks", status_code=201)
def submit(task: dict[str, Any]) -> dict[str, str]:
    sent = queue.send_task(task["task_type"], [task["data"]], queue=task["priority"])
    return {"task_id": sent.id, "status": "PENDING"}
