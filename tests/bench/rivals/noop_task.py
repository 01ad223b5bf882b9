"""A task that does nothing but say when it began: what is left is what a worker adds to each task."""

import time

from pydantic import BaseModel

from throughline import Run, task


class Nothing(BaseModel):
    """Its data."""


@task("noop", model=Nothing, example={}, queue="medium")
def noop(_: Nothing, __: Run) -> dict[str, float]:
    return {"began": time.time()}
