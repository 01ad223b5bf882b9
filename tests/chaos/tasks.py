"""Tasks for races: how long one takes, and how often it fails, its data says."""

import time

from pydantic import BaseModel

from throughline import Run, TemporaryError, task


class Race(BaseModel):
    takes: float = 0  # seconds
    fails: int = 0  # this many attempts


@task("race", model=Race, max_retries=1, retry_seconds=1)
def race(data: Race, run: Run) -> dict[str, int]:
    ended = time.monotonic() + data.takes
    while time.monotonic() < ended:
        run.checkpoint(0.5)
        time.sleep(0.01)
    if run.attempt <= data.fails:
        raise TemporaryError("Not yet")
    return {"attempt": run.attempt}
