"""Tasks that the containers of both versions offer beside the calculations: by what a user's own task may rely on."""

import time

from pydantic import BaseModel

from throughline import Run, TemporaryError, task


class Nap(BaseModel):
    seconds: float


@task("nap", model=Nap)
def nap(data: Nap, run: Run) -> dict[str, float]:
    ends = time.monotonic() + data.seconds
    while (left := ends - time.monotonic()) > 0:
        run.checkpoint(1 - left / data.seconds)
        time.sleep(0.05)
    return {"slept": data.seconds}


@task("nap_at_first", model=Nap)
def nap_at_first(data: Nap, run: Run) -> dict[str, float]:
    return nap(data, run) if run.attempt == 1 else {"slept": 0}


@task("stumble_once", model=Nap, max_retries=0)
def stumble_once(data: Nap, run: Run) -> dict[str, int]:
    if run.attempt == 1:
        raise TemporaryError("The first attempt stumbles.")
    return {"attempt": run.attempt}
