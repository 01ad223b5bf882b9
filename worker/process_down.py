"""The signal that a process of the pool has ended, in the main process.

Celery has a hook for it, `on_process_down`, which is set anew each time that the worker has connected to Redis again.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from celery.concurrency.asynpool import AsynPool
from celery.utils.dispatch import Signal

process_down: Final = Signal(name="process_down", providing_args={"process"})


def install() -> None:
    AsynPool._create_process_handlers = _telling(AsynPool._create_process_handlers)


def _telling(original: Callable[..., None]) -> Callable[..., None]:
    @wraps(original)
    def _create_process_handlers(pool: Any, hub: Any) -> None:
        original(pool, hub)
        known = pool.on_process_down

        def on_process_down(process: Any) -> None:
            known(process)
            process_down.send(sender=pool, process=process)

        pool.on_process_down = on_process_down

    return _create_process_handlers
