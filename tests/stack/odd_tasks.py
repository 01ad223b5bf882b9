"""Tasks of the tests' own beside the calculations: they do at once what a calculation does once in a year."""

import time

from pydantic import BaseModel

from throughline import Run, TemporaryError, task


class Nap(BaseModel):
    seconds: float


@task("nap", model=Nap)
def nap(data: Nap, run: Run) -> dict[str, float]:
    """Sleeps in its first attempt; a later one, after its worker was lost, is over at once."""
    ends = time.monotonic() + (data.seconds if run.attempt == 1 else 0)
    with run.phase("sleep"):
        while time.monotonic() < ends:
            run.checkpoint(0.5)
            time.sleep(0.05)
    return {"slept": data.seconds}


@task("stumble", model=Nap, max_retries=1, retry_seconds=1)
def stumble(data: Nap, run: Run) -> dict[str, int]:
    if run.attempt == 1:
        raise TemporaryError("The first attempt stumbles.")
    return {"attempt": run.attempt}


@task("fall", model=Nap, max_retries=1, retry_seconds=1)
def fall(data: Nap, run: Run) -> None:
    raise TemporaryError(f"Attempt {run.attempt} falls.")
