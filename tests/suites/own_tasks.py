"""Tasks that the suites send their values through."""

import time
from typing import Any

from pydantic import BaseModel

from throughline import PermanentError, Run, task


class Value(BaseModel):
    """Of any kind; the field has the name of its model, as a generator of clients must stand."""

    value: Any


@task("give_back", model=Value, example={"value": ["anything"]})
def give_back(data: Value, run: Run) -> Any:
    return data.value


@task("fail_with", model=Value)
def fail_with(data: Value, run: Run) -> None:
    raise PermanentError(str(data.value))


@task("wait_to_be_cancelled", model=Value)
def wait_to_be_cancelled(data: Value, run: Run) -> None:
    for _ in range(1_200):
        time.sleep(0.05)
        run.checkpoint(0.1)
