"""FastAPI and one Redis round trip: less cannot be done."""

import os
from typing import Any

from fastapi import FastAPI
from redis.asyncio import Redis

app = FastAPI()
redis = Redis.from_url(os.environ["REDIS_URL"])


@app.post("/api/v1/tasks", status_code=201)
async def submit(task: dict[str, Any]) -> dict[str, str]:
    await redis.lpush("floor", "message")
    return {"task_id": "1", "status": "PENDING"}
