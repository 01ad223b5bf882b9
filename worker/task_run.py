"""One attempt at a task as its function sees it, in a worker: phases become spans, checkpoints go to Redis."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celery import Task

from throughline import Phase, Run
from throughline.tasks.run import Attribute, Progress, named
from throughline.telemetry import correlation, tracing
from worker.checkpoint import TaskCheckpoint
from worker.children import Children


def phase_of(task_type: str) -> dict[str, Attribute]:
    """What makes a span a phase of that task type, whatever its name is: a task may call one "run" or "api"."""
    return {"phase": True, "task_type": task_type}


class WorkerRun(Run):
    """The attempt that this process makes."""

    def __init__(self, task: Task) -> None:
        task_id, backend = task.request.id, task.backend
        super().__init__(task_id, correlation.current(), backend.attempt(task_id), task.name)
        self._phase = phase_of(task.name)
        self._checkpoint = TaskCheckpoint(backend.ledger, task_id)
        self._children = Children(task)

    @contextmanager
    def phase(self, name: str, **attributes: Attribute) -> Iterator[Phase]:
        with tracing.span(named(name), attributes={**attributes, **self._phase}):
            yield _Parts(self._phase)

    def checkpoint(
        self, fraction: float, *, estimate: float | None = None, interval: tuple[float, float] | None = None
    ) -> None:
        self._checkpoint(Progress.of(fraction, estimate, interval))

    def submit(self, task_type: str, data: Any, *, queue: str | None = None) -> str:
        return self._children.submit(task_type, data, queue)


class _Parts:
    """Lays the parts of a phase end to end, from its start on."""

    def __init__(self, phase: dict[str, Attribute]) -> None:
        self._phase = phase
        self._at = time.time_ns()

    def part(self, name: str, seconds: float) -> None:
        span = tracing.tracer().start_span(named(name), start_time=self._at, attributes=self._phase)
        self._at += int(seconds * 1e9)
        span.end(self._at)
