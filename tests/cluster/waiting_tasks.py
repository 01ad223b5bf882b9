"""A task that takes time and no CPU, as one that waits for somebody else's answer: many of them fit on a small node."""

import time

from pydantic import BaseModel, Field

from throughline import Run, task


class Wait(BaseModel):
    seconds: float = Field(ge=0, le=600)


@task("wait_for", model=Wait, summary="Waits.", example={"seconds": 2})
def wait_for(data: Wait, run: Run) -> dict[str, float]:
    until = time.monotonic() + data.seconds
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(0.2, left))
        run.checkpoint(0.5)
    return {"seconds": data.seconds}
