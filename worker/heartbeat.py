"""Tells Redis every two seconds that this worker's main loop turns: what /health, the monitor and the sweep go by."""

from contextlib import suppress
from typing import Any

from celery import Celery
from celery.signals import heartbeat_sent, worker_ready, worker_shutdown
from redis.exceptions import RedisError

from contracts import keys
from contracts.settings import Settings
from observability.logging import node_name

# Scored by Redis's clock: the clocks of workers and of whoever reads need not agree.
_BEAT = "redis.call('ZADD', KEYS[1], redis.call('TIME')[1], ARGV[1]); redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])"


def install(app: Celery, settings: Settings) -> None:
    name = node_name("worker", settings)

    def beat(**_: Any) -> None:
        with suppress(RedisError, OSError):  # the broker connection notices too, logs it and tries again
            app.backend.client.eval(_BEAT, 2, keys.WORKERS, keys.WORKER_SLOTS, name, settings.worker_concurrency)

    def leave(**_: Any) -> None:
        with suppress(RedisError, OSError):  # it is forgotten anyway when its last heartbeat has aged
            app.backend.client.zrem(keys.WORKERS, name)
            app.backend.client.hdel(keys.WORKER_SLOTS, name)

    worker_ready.connect(beat, weak=False)
    heartbeat_sent.connect(beat, weak=False)
    worker_shutdown.connect(leave, weak=False)
