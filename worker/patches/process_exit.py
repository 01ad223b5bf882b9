"""That a process was killed is noticed up to five seconds late.

The pool looks for ended processes when the pipe to one closes, which is a moment before the system counts it as ended;
if that look finds nothing, the next one is that of a timer, after 5 s: so long its task waits to be put back.

Upstream: celery/celery#9588 (open) reports the delay for processes that are replaced.
Seen: Celery 5.7.0 with billiard 4.3.2.
Can go: when tests/integration/test_cut_off_attempts.py passes without it.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from celery.concurrency.asynpool import AsynPool

_LOOK_AGAIN_SECONDS: Final = (0.01, 0.05, 0.2, 1.0)


def install() -> None:
    AsynPool._event_process_exit = _looking_again(AsynPool._event_process_exit)


def _looking_again(original: Callable[..., None]) -> Callable[..., None]:
    @wraps(original)
    def _event_process_exit(pool: Any, hub: Any, process: Any) -> None:
        def look() -> None:
            if process in pool._pool:
                pool.maintain_pool()

        original(pool, hub, process)
        for seconds in _LOOK_AGAIN_SECONDS:
            hub.call_later(seconds, look)

    return _event_process_exit
