"""A worker of ours whose main loop hangs on SIGUSR2, and counts as hung after five seconds in the place of minutes."""

import signal
import time

import tests.integration.faulty_worker  # noqa: F401 - its tasks
from worker import liveness
from worker.app import app  # noqa: F401

liveness._STANDS_STILL_SECONDS = 5.0  # type: ignore[misc]

# Python runs it in the main thread, and the other threads go on.
signal.signal(signal.SIGUSR2, lambda *_: time.sleep(3600))
