"""A worker of ours whose `calculate_var` goes wrong on demand: the data's seed says how. For tests alone."""

import os
import signal
import time
from contextlib import suppress

from celery.exceptions import SoftTimeLimitExceeded

from worker.app import app

app.conf.include = []  # the real tasks are not loaded: this module has their place

KILLS_ITS_PROCESS, LOSES_CONNECTION_TWICE, LOSES_CONNECTION, IS_WRONG = 1, 2, 3, 4
IGNORES_THE_SOFT_LIMIT, TAKES_MEMORY, EXITS, TAKES_SECONDS = 5, 6, 7, 1000
_kept: list[bytes] = []


@app.task(name="calculate_var", bind=True)
def calculate_var(self, data):
    seed = data.get("seed", 0)
    if seed == KILLS_ITS_PROCESS:
        os.kill(os.getpid(), signal.SIGKILL)
    if seed == LOSES_CONNECTION or (seed == LOSES_CONNECTION_TWICE and app.backend.attempt(self.request.id) < 3):
        raise ConnectionError("the market data service went away")
    if seed == IS_WRONG:
        raise ValueError("no such matrix")
    if seed == EXITS:
        os._exit(3)
    if seed == TAKES_MEMORY:
        _kept.append(b"x" * 300_000_000)
    while seed == IGNORES_THE_SOFT_LIMIT:
        with suppress(SoftTimeLimitExceeded):
            time.sleep(60)
    time.sleep(max(0, seed - TAKES_SECONDS))
    return {"process": os.getpid()}
