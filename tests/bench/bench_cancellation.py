"""The longest a task computes without asking whether it shall stop, at the largest sizes that are allowed."""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

from time import perf_counter

from tests.bench.bench_memory import LARGEST, POSITION
from tests.bench.ratio import say
from throughline.tasks.declaration import declared
from throughline.testing import RecordedRun

OPTION = {"right": "call", "strike": 100.0, "maturity": 1.0, "volatility": 0.2}
OPTIONS = {"10,000 stressed options": ("stress_test", {"positions": [POSITION | {"option": OPTION}] * 10_000})}


class Gaps(RecordedRun):
    """From the start to the first checkpoint, the longest time between two, and from the last one to the end."""

    def __init__(self, task: str) -> None:
        super().__init__(task)
        self.first = self.longest = 0.0
        self._started = perf_counter()
        self._last: float | None = None

    def checkpoint(self, *_: object, **__: object) -> None:
        now = perf_counter()
        if self._last is None:
            self.first = now - self._started
        else:
            self.longest = max(self.longest, now - self._last)
        self._last = now

    @property
    def since_last(self) -> float:
        return perf_counter() - (self._last or self._started)


def main() -> None:
    for name, (task, data) in (LARGEST | OPTIONS).items():
        model, function = declared[task].validated(data), declared[task].function()
        gaps = Gaps(task)
        function(model, gaps)
        end = gaps.since_last
        between = f"{name}, longest ms between two checkpoints"
        detail = f"{gaps.first * 1e3:.0f} ms before the first, {end * 1e3:.0f} ms after the last"
        say(between, gaps.longest * 1e3, 100, at_most=True, detail=detail)


if __name__ == "__main__":
    main()
