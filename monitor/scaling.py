"""`GET /scaling`: how much work there is, and how many tasks may run at a time: what the number of workers goes by.

Asked of Redis at that moment, where `/metrics` has the latest sample: five seconds are long for a queue. When Redis
does not answer, the answer is 503 and never a zero, by which workers would be taken away in the middle of an outage.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Final

from fastapi import APIRouter, Request
from redis.asyncio import Redis
from redis.exceptions import RedisError
from starlette.responses import JSONResponse

from monitor.redis_client import redis_client
from throughline import redis_url
from throughline.ledger import queue_sample
from throughline.ledger.message import Queue
from throughline.problem import MEDIA_TYPE, problem_of
from throughline.settings import MonitorSettings
from throughline.telemetry import correlation

_KEPT_SECONDS: Final = 1.0
_DEADLINE_SECONDS: Final = 2.0  # KEDA itself waits for three


@dataclass(frozen=True)
class Work:
    """Tasks that wait or run, and what there is to run them."""

    outstanding: int
    waiting: int
    in_flight: int
    slots: int
    workers: int
    queues: dict[Queue, int]
    oldest_age_seconds: float

    @classmethod
    def of(cls, seen: queue_sample.Sample) -> "Work":
        return cls(
            outstanding=seen.outstanding,
            waiting=seen.waiting,
            in_flight=seen.in_flight,
            slots=seen.slots,
            workers=len(seen.workers),
            queues=seen.depth,
            oldest_age_seconds=max(seen.oldest_age.values()),
        )


class LookAtWork:
    """`await LookAtWork(redis)()`: at most a second old, however many ask; raises as Redis's client does."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis
        self._one_at_a_time = asyncio.Lock()
        self._seen: Work | None = None
        self._taken = 0.0

    async def __call__(self) -> Work:
        async with asyncio.timeout(_DEADLINE_SECONDS), self._one_at_a_time:
            if self._seen is None or time.monotonic() - self._taken > _KEPT_SECONDS:
                self._seen = None
                self._seen = Work.of(await queue_sample.take(self._redis))
                self._taken = time.monotonic()
            return self._seen


def router(settings: MonitorSettings) -> APIRouter:
    """To be included by the monitor."""
    # A Redis that is so busy that it answers after a second is just what more workers may be needed for.
    redis = redis_client(settings, _DEADLINE_SECONDS)
    look = LookAtWork(redis)
    address = redis_url.without_password(settings.redis_url)

    @asynccontextmanager
    async def lifespan(_: object) -> AsyncIterator[None]:
        async with redis:
            yield

    routes = APIRouter(lifespan=lifespan)

    @routes.get("/scaling")
    async def scaling(request: Request) -> JSONResponse:
        headers = {"Cache-Control": "no-store"}
        try:
            return JSONResponse(asdict(await look()), headers=headers)
        except (RedisError, OSError) as error:  # a TimeoutError is an OSError
            detail = (
                f"Redis at {address} does not answer ({type(error).__name__}): how much work there is is not known."
            )
            problem = problem_of(
                request.url.path,
                503,
                "BROKER_UNAVAILABLE",
                detail,
                correlation_id=correlation.current(),
            )
            return JSONResponse(problem.model_dump(exclude_none=True), 503, headers=headers, media_type=MEDIA_TYPE)

    return routes
