"""A warm shutdown forgets a task that a process has been given and has not confirmed yet.

The process runs it all the same, then waits for 30 s that its result is read, and the worker waits for the process: one
stop of six while tasks pour in.

Upstream: none found for the shutdown. PR celery/celery#6863 (for celery/celery#6855) made `flush` discard such tasks,
which is right after a lost connection: their messages are delivered again.
Seen: Celery 5.7.0.
Can go: when tests/integration/test_stopping_workers.py passes without it.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from celery.concurrency.asynpool import AsynPool
from celery.worker import state


def install() -> None:
    AsynPool.flush = _remembering(AsynPool.flush)


def _remembering(original: Callable[[Any], None]) -> Callable[[Any], None]:
    @wraps(original)
    def flush(pool: Any) -> None:
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
