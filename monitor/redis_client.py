"""The monitor's connection to Redis. It tries once: the next round, or the page's next refresh, is the retry."""

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from throughline.settings import MonitorSettings


def redis_client(settings: MonitorSettings, seconds: float | None = None) -> Redis:
    """Answers or raises `RedisError` or `OSError` within so many seconds for each of connecting and asking.

    By default `redis_timeout_seconds`.
    """
    patience = seconds or settings.redis_timeout_seconds
    return Redis.from_url(
        settings.redis_url,
        decode_responses=True,
        encoding_errors="replace",  # a stock Celery worker may have stored a pickle as a task's result
        socket_timeout=patience,
        socket_connect_timeout=patience,
        retry=Retry(NoBackoff(), 0),
    )
