"""What a process has ready before its first task: a connection to Redis with every script loaded there."""

import gc
import threading
from contextlib import suppress
from importlib import import_module
from typing import Any

from celery import Celery
from celery.signals import worker_init, worker_process_init
from redis.exceptions import RedisError

from throughline.ledger.script import all_texts


def install(app: Celery) -> None:
    def read(**_: Any) -> None:
        all_texts()
        _import_for_processes()
        # What was imported is left alone by every later collection. Those around the replacement of one process
        # took 80 ms of CPU time with it, and they copy the memory that processes share.
        gc.collect()
        gc.freeze()

    def connect(**_: Any) -> None:
        # In a thread: a worker kills a process that is not up after four seconds, and Redis may be away for longer.
        threading.Thread(target=_connected, args=(app,), name="connect", daemon=True).start()

    worker_init.connect(read, weak=False)
    worker_process_init.connect(connect, weak=False)


def _import_for_processes() -> None:
    """What each process would import for itself as it starts: 0.1 s of it, on the way to every replacement."""
    for module in ("encodings.idna", "cffi.cparser"):  # for a name's address; for billiard, where cffi is installed
        with suppress(ImportError):
            import_module(module)


def _connected(app: Celery) -> None:
    with suppress(RedisError, OSError):  # the first task connects then
        app.backend.connect()
