"""Bounds a worker's stop: SIGTERM ends the taking, running tasks may finish, and what is left after that goes back.

Celery's own soft shutdown sleeps for its whole time even when the tasks are done after a second, and acknowledges
none of them meanwhile. Its warm shutdown does both well but waits for ever: a SIGQUIT turns it into the cold one.

The warm one of Celery 5.7.0 forgets a task that a process has been given and not yet confirmed. The process runs it all
the same, and then waits for 30 s that its result be read, and the worker for it: one stop of six in a flood.
`_remembering` can go when tests/integration/test_stopping_workers.py passes without it.
"""

import os
import signal
import threading
from collections.abc import Callable
from functools import wraps
from typing import Any

from celery.concurrency.asynpool import AsynPool
from celery.signals import worker_shutting_down
from celery.worker import state

from throughline.settings import WorkerSettings


def install(settings: WorkerSettings) -> None:
    def bound(how: str, **_: Any) -> None:
        if how == "Warm":
            timer = threading.Timer(settings.worker_shutdown_seconds, os.kill, (os.getpid(), signal.SIGQUIT))
            timer.daemon = True
            timer.start()

    worker_shutting_down.connect(bound, weak=False)
    AsynPool.flush = _remembering(AsynPool.flush)


def _remembering(original: Callable[[Any], None]) -> Callable[[Any], None]:
    @wraps(original)
    def flush(pool: Any) -> None:
        # Otherwise the connection was lost: what is forgotten then is delivered again.
        stops = state.should_stop is not None and state.should_stop is not False
        given = {number: job for number, job in pool._cache.items() if stops and _is_written(pool, job)}
        for number in given:
            del pool._cache[number]
        original(pool)
        pool._cache.update(given)

    return flush


def _is_written(pool: Any, job: Any) -> bool:
    """Whether a process has the whole of it in its pipe."""
    return job._write_to is not None and job._writer() not in pool._active_writers
