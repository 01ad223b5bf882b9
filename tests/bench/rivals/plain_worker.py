"""Celery as its documentation starts it, running the same functions: no record, no span, no line, no limit.

ACKS_LATE=1 is what a worker needs to lose no task: acknowledged after the run, nothing held ahead.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celery import Celery

from throughline import Phase, Run
from throughline.tasks.registry import registry
from throughline.tasks.result import as_json
from throughline.tasks.run import Attribute
from throughline.tasks.task_type import TaskType

app = Celery("plain", broker=os.environ["REDIS_URL"], backend=os.environ["REDIS_URL"])
app.conf.task_default_queue = "medium"
if os.environ.get("ACKS_LATE"):
    app.conf.task_acks_late, app.conf.worker_prefetch_multiplier = True, 1


class SilentRun(Run):
    """Tells nobody anything."""

    @contextmanager
    def phase(self, name: str, **attributes: Attribute) -> Iterator[Phase]:
        yield _Nothing()

    def checkpoint(
        self, fraction: float, *, estimate: float | None = None, interval: tuple[float, float] | None = None
    ) -> None:
        pass

    def submit(self, task_type: str, data: Any, *, queue: str | None = None) -> str:
        raise NotImplementedError("no task of the bench submits another")


class _Nothing:
    def part(self, name: str, seconds: float) -> None:
        pass


def _register(task_type: TaskType) -> None:
    function = task_type.function()

    @app.task(name=task_type.name, bind=True)
    def run(self: Any, data: Any) -> Any:
        return as_json(function(task_type.validated(data), SilentRun(self.request.id, "plain", 1, task_type.name)))


for each in registry().values():
    _register(each)
