"""The run of a task as its function sees it: its IDs, its phases and its progress."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from math import isfinite
from typing import Any, Protocol, Self

Attribute = str | bool | int | float | Sequence[str] | Sequence[bool] | Sequence[int] | Sequence[float]


@dataclass(frozen=True)
class Progress:
    """What one checkpoint tells."""

    fraction: float
    estimate: float | None = None
    interval: tuple[float, float] | None = None

    @classmethod
    def of(cls, fraction: float, estimate: float | None, interval: tuple[float, float] | None) -> Self:
        """With plain numbers (numpy has others); an estimate that is not finite is none yet."""
        if not 0 <= fraction <= 1:
            raise ValueError("A checkpoint's fraction must be from 0 to 1.")
        numbers = [] if estimate is None else [float(estimate)]
        numbers += [] if interval is None else [float(interval[0]), float(interval[1])]
        if not all(map(isfinite, numbers)):
            return cls(float(fraction))
        bounds = None if interval is None else (float(interval[0]), float(interval[1]))
        return cls(float(fraction), None if estimate is None else float(estimate), bounds)


def named(name: str) -> str:
    """The name of a phase, which must be one: no exporter writes a span without."""
    if not isinstance(name, str) or not name.isprintable() or not name.strip():
        raise ValueError("A phase needs a name.")
    return name


class Phase(Protocol):
    """A phase that is open."""

    def part(self, name: str, seconds: float) -> None:
        """A phase within this one that took so long in all. Parts that took turns are shown one after the other."""


class Run(ABC):
    """One attempt at a task. A worker makes it, or `throughline.testing`."""

    def __init__(self, task_id: str, correlation_id: str, attempt: int, task_type: str) -> None:
        self.task_id = task_id
        self.correlation_id = correlation_id
        self.attempt = attempt  # 1 for the first
        self.log = logging.getLogger(f"throughline.task.{task_type}")  # its lines carry both IDs

    @abstractmethod
    def phase(self, name: str, **attributes: Attribute) -> AbstractContextManager[Phase]:
        """A step of the task, as a span of its journey: `with run.phase("split", words=3):`.

        Name and attributes are seen by whoever reads traces: none of the task's data belongs there.
        """

    @abstractmethod
    def checkpoint(
        self, fraction: float, *, estimate: float | None = None, interval: tuple[float, float] | None = None
    ) -> None:
        """Tells that `fraction` (0 … 1) is done and, if there is one, the estimate so far with its interval.

        Raises `TaskCancelled` when the task's cancellation was requested. It costs next to nothing: call it often.
        """

    @abstractmethod
    def submit(self, task_type: str, data: Any, *, queue: str | None = None) -> str:
        """Puts another task in a queue (default: its own), under the same correlation ID and trace; gives its ID.

        Data that the type's model refuses, or a type that there is not, is a `PermanentError`; that too many tasks wait
        is `QueueFull`, a `TemporaryError`. When this task is run again, what it has submitted is not submitted twice.
        """
