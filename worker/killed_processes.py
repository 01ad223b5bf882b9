"""Processes that were killed: when each was gone, and the spans of tasks that had ended in it and were not written."""

import time
from collections import deque
from typing import Any, Final

from worker import recorded
from worker.delivery import Delivery
from worker.process_down import process_down

_WRITTEN_SECONDS: Final = 2.0  # spans leave their process 0.2 s after they end; its own end is noticed in 1 s
_MOST_REMEMBERED: Final = 100

_gone: Final[dict[int, float]] = {}  # when the main process found it gone: Celery gives its task up seconds later
_ended: deque[tuple[float, int, Delivery, Any]] = deque(maxlen=1_000)


def note_end(process: int, delivery: Delivery, backend: Any) -> None:
    """In the main process, when a process has told it that a task has ended."""
    now = time.monotonic()
    while _ended and _ended[0][0] < now - _WRITTEN_SECONDS:
        _ended.popleft()
    _ended.append((now, process, delivery, backend))


def unseen_seconds(process: int | None) -> float | None:
    """How long ago the main process found that process gone; None for one that it has not missed."""
    gone = _gone.pop(process or 0, None)
    return None if gone is None else time.monotonic() - gone


def install() -> None:
    process_down.connect(_note, weak=False)


def _note(process: Any, **_: Any) -> None:
    _gone[process.pid] = time.monotonic()
    if len(_gone) > _MOST_REMEMBERED:  # those that ended without a task
        del _gone[next(iter(_gone))]
    if (process.exitcode or 0) < 0:  # by a signal: one that is replaced writes its spans before it ends
        _tell(process.pid)


def _tell(process: int) -> None:
    since = time.monotonic() - _WRITTEN_SECONDS
    for at, of, delivery, backend in tuple(_ended):
        if of == process and at >= since:
            recorded.tell(backend, delivery)
