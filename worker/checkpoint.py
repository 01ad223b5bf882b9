"""A running task's checkpoint: stores its progress in Redis, and learns whether it was cancelled."""

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from redis.exceptions import RedisError

from throughline.errors import TaskCancelled
from throughline.ledger import redis_clock, scripts
from throughline.ledger.scripts import Ledger
from throughline.tasks.run import Progress

EVERY_SECONDS: Final = 0.1  # one round trip of some 0.2 ms
PAUSE_SECONDS: Final = 5.0  # after a Redis that did not answer: the calculation waits for its timeout once, not always


class TaskCheckpoint:
    """The checkpoint of one task: one round trip at most every 100 ms; a Redis that is away fails nothing."""

    def __init__(self, ledger: Ledger, task_id: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._ledger = ledger
        self._task_id = task_id
        self._clock = clock
        self._next = clock() + EVERY_SECONDS

    def __call__(self, progress: Progress) -> None:
        """Raises `TaskCancelled` when that was requested."""
        now = self._clock()
        if now < self._next:
            return
        self._next = now + PAUSE_SECONDS
        with suppress(RedisError, OSError):
            told = orjson.dumps(_as_told(progress))
            cancelled = self._ledger(scripts.progress(self._task_id, told))
            self._next = now + EVERY_SECONDS
            if cancelled:
                raise TaskCancelled("The task was cancelled while it ran.")


def _as_told(progress: Progress) -> dict[str, Any]:
    told: dict[str, Any] = {
        "fraction": round(progress.fraction, 6),
        "updated_at": datetime.fromtimestamp(redis_clock.own.now(), UTC).isoformat(),
    }
    if progress.estimate is not None:
        told["estimate"] = progress.estimate
    if progress.interval is not None:
        told["interval_low"], told["interval_high"] = progress.interval
    return told
