"""The monitor's application: samples every few seconds, answers /metrics and its probe."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

from fastapi import FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from contracts.settings import Settings
from monitor.metrics import Metrics
from observability import logging as log_lines
from observability import queue_sample
from observability.logging import event

_logger = logging.getLogger("throughline.monitor")


def create_app(settings: Settings) -> FastAPI:
    """The monitor, ready for uvicorn."""
    log_lines.setup("monitor", settings)
    metrics = Metrics(log_lines.node_name("monitor", settings), settings.worker_replicas)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        sampling = asyncio.create_task(_sample_for_ever(settings, metrics))
        yield
        sampling.cancel()
        with suppress(asyncio.CancelledError):
            await sampling

    app = FastAPI(title="Throughline monitor", lifespan=lifespan, openapi_url=None)

    @app.get("/metrics")
    async def prometheus_metrics() -> Response:
        return Response(metrics.text(), media_type=CONTENT_TYPE_LATEST)

    @app.get("/health/live")
    async def live() -> dict[str, str]:
        return {"status": "ok"}

    return app


async def _sample_for_ever(settings: Settings, metrics: Metrics) -> None:
    redis = Redis.from_url(
        settings.redis_url,
        decode_responses=True,
        socket_timeout=settings.redis_timeout_seconds,
        socket_connect_timeout=settings.redis_timeout_seconds,
        retry=Retry(NoBackoff(), 0),  # the next sample is the retry
    )
    address = urlsplit(settings.redis_url).netloc.rpartition("@")[2]  # without the password
    answers = True
    async with redis:
        while True:
            try:
                seen = await queue_sample.take(redis)
            except (RedisError, OSError) as error:
                if answers:  # once per outage, not every few seconds
                    _logger.warning("Redis at %s does not answer (%s)", address, type(error).__name__)
                answers = False
            else:
                if not answers:
                    _logger.warning("Redis at %s answers again", address)
                answers = True
                metrics.update(seen)
                depth = sum(seen.depth.values())
                event("queue.sampled", f"{depth} waiting, {seen.in_flight} in flight", seen.fields())
            await asyncio.sleep(settings.sample_interval_seconds)
