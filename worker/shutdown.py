"""Limits how long a worker's stop takes: after SIGTERM it takes no task, running ones may finish, the rest go back.

Celery's own soft shutdown sleeps for its whole time even when the tasks are done after a second, and acknowledges
none of them meanwhile. Its warm shutdown does both well but waits for ever: a SIGQUIT turns it into the cold one.
"""

import os
import signal
import threading
from typing import Any

from celery.signals import worker_shutting_down

from throughline.settings import WorkerSettings


def install(settings: WorkerSettings) -> None:
    def bound(how: str, **_: Any) -> None:
        if how == "Warm":
            timer = threading.Timer(settings.worker_shutdown_seconds, os.kill, (os.getpid(), signal.SIGQUIT))
            timer.daemon = True
            timer.start()

    worker_shutting_down.connect(bound, weak=False)
