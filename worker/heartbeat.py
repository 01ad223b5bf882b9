"""Tells Redis every two seconds that this worker lives and which tasks it holds: what /health and the sweep go by.

In a thread of its own: the main loop stands still while it waits for Redis, or for its tasks when it is told to stop,
and a worker that is about to finish its tasks must not be taken for dead.
"""

import threading
from contextlib import suppress
from typing import Any, Final

from celery import Celery
from celery.signals import worker_ready, worker_shutdown
from celery.worker import state
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from throughline.ledger import scripts
from throughline.ledger.scripts import Ledger
from throughline.settings import WorkerSettings
from throughline.telemetry.logging import node_name

_EVERY_SECONDS: Final = 2


def install(_: Celery, settings: WorkerSettings) -> None:
    name = node_name("worker", settings)
    client = Redis.from_url(settings.redis_url, socket_timeout=2, socket_connect_timeout=2, retry=Retry(NoBackoff(), 0))
    ledger, ended = Ledger(client), threading.Event()

    def beat() -> None:
        # RuntimeError: the main loop took a task in this very moment; the next beat tells of it.
        with suppress(RedisError, OSError, RuntimeError):  # the broker connection notices too, and logs it
            held = " ".join(request.id for request in tuple(state.reserved_requests))
            ledger(scripts.beat(name, slots=settings.worker_concurrency, held=held))

    def beat_on() -> None:
        while not ended.wait(_EVERY_SECONDS):
            beat()

    def begin(**_: Any) -> None:
        beat()
        threading.Thread(target=beat_on, name="heartbeat", daemon=True).start()

    def leave(**_: Any) -> None:
        ended.set()
        with suppress(RedisError, OSError):  # it is forgotten anyway when its last heartbeat has aged
            ledger(scripts.leave(name))

    worker_ready.connect(begin, weak=False)
    worker_shutdown.connect(leave, weak=False)
