"""Runs a task's function in a test of its author's: without Redis and Celery, as a worker would run it.

from throughline.testing import run_task

def test_it_counts_words():
    done = run_task(word_count, {"text": "to be or not to be"})
    assert done.result == {"words": 6}
    assert done.phase_names == ["split"]
"""

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from throughline.errors import TaskCancelled
from throughline.tasks.child import Child
from throughline.tasks.declaration import declared
from throughline.tasks.result import as_json
from throughline.tasks.run import Attribute, Phase, Progress, Run, named
from throughline.tasks.task_type import TaskType


@dataclass
class RecordedPhase:
    """A phase that the task went through; `within` is the phase that it lay in, if any."""

    name: str
    attributes: dict[str, Attribute]
    within: "RecordedPhase | None" = None
    seconds: float = 0.0
    parts: dict[str, float] = field(default_factory=dict)

    def part(self, name: str, seconds: float) -> None:
        self.parts[name] = self.parts.get(name, 0.0) + seconds


class RecordedRun(Run):
    """A run that keeps what the task told of itself."""

    def __init__(self, task_type: str, *, attempt: int = 1, cancel_at: float | None = None) -> None:
        super().__init__(str(uuid.uuid4()), f"test-{uuid.uuid4().hex[:8]}", attempt, task_type)
        self.phases: list[RecordedPhase] = []
        self.progress: list[Progress] = []
        self.submitted: list[Child] = []
        self._cancel_at = cancel_at
        self._open: list[RecordedPhase] = []

    @contextmanager
    def phase(self, name: str, **attributes: Attribute) -> Iterator[Phase]:
        phase = RecordedPhase(named(name), attributes, self._open[-1] if self._open else None)
        self.phases.append(phase)
        self._open.append(phase)
        began = time.perf_counter()
        try:
            yield phase
        finally:
            phase.seconds = time.perf_counter() - began
            self._open.pop()

    def checkpoint(
        self, fraction: float, *, estimate: float | None = None, interval: tuple[float, float] | None = None
    ) -> None:
        self.progress.append(Progress.of(fraction, estimate, interval))
        if self._cancel_at is not None and fraction >= self._cancel_at:
            raise TaskCancelled("The task was cancelled while it ran.")

    def submit(self, task_type: str, data: Any, *, queue: str | None = None) -> str:
        self.submitted.append(Child.of(declared, task_type, data, queue))
        return str(uuid.uuid4())


@dataclass(frozen=True)
class Done:
    """What a task gave, and what it told on the way."""

    result: Any
    run: RecordedRun

    @property
    def phases(self) -> list[RecordedPhase]:
        """In the order in which they began."""
        return self.run.phases

    @property
    def phase_names(self) -> list[str]:
        return [phase.name for phase in self.run.phases]

    @property
    def progress(self) -> list[Progress]:
        return self.run.progress

    @property
    def submitted(self) -> list[Child]:
        """The tasks that it submitted: `task_type`, `data` and `queue` of each. They are not run."""
        return self.run.submitted


def run_task(
    task: Callable[..., Any] | TaskType | str, data: Any, *, attempt: int = 1, cancel_at: float | None = None
) -> Done:
    """Runs a task (its function, or its name) on data as it comes by HTTP: a dict that its model takes.

    Raises what the function raises, `InvalidTaskData` and `InvalidResult` as a worker does. With `cancel_at` the task
    is cancelled at the first checkpoint of at least that fraction: `TaskCancelled`.
    """
    task_type = _declared(task)
    run = RecordedRun(task_type.name, attempt=attempt, cancel_at=cancel_at)
    result = task_type.function()(task_type.validated(data), run)
    return Done(as_json(result), run)


def _declared(task: Callable[..., Any] | TaskType | str) -> TaskType:
    if isinstance(task, TaskType):
        return task
    for task_type in declared.values():
        if task_type.name == task or task_type.run is task:
            return task_type
    raise LookupError(f"{task!r} is not declared with throughline.task, or its module is not imported")
