"""Connects a pure calculation with its run: its phases and its progress."""

from collections.abc import Iterator
from contextlib import contextmanager

from risk.quant.checkpoint import Checkpoint, Progress
from risk.quant.stopwatch import Stopwatch
from throughline import Run


@contextmanager
def simulating(run: Run, **attributes: int) -> Iterator[Stopwatch]:
    """A phase `simulate`; what is booked on the stopwatch becomes its parts, which take turns from chunk to chunk."""
    watch = Stopwatch()
    with run.phase("simulate", **attributes) as phase:
        try:
            yield watch
        finally:
            for name, seconds in watch.seconds.items():
                phase.part(name, seconds)


def checkpoint_of(run: Run) -> Checkpoint:
    """The run's checkpoint as a calculation calls it."""

    def checkpoint(progress: Progress) -> None:
        run.checkpoint(progress.fraction, estimate=progress.estimate, interval=progress.interval)

    return checkpoint
