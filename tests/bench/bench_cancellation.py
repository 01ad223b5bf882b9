"""The longest a task computes without asking whether it shall stop, at the largest sizes that are allowed."""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

from time import perf_counter

from tests.bench.bench_memory import LARGEST, POSITION
from tests.bench.ratio import say
from worker import stress_task
from worker.quant.checkpoint import Progress

OPTION = {"right": "call", "strike": 100.0, "maturity": 1.0, "volatility": 0.2}
OPTIONS = {"10,000 stressed options": (stress_task.run, {"positions": [POSITION | {"option": OPTION}] * 10_000})}
ONE_PIECE = {"250 assets with a frontier"}  # a solver cannot be interrupted: reported in bench_memory's sizes only


class Gaps:
    """The longest time between two checkpoints."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._last: float | None = None

    def __call__(self, _: Progress) -> None:
        now = perf_counter()
        self.longest = max(self.longest, now - (self._last or now))
        self._last = now


def main() -> None:
    for name, (run, data) in (LARGEST | OPTIONS).items():
        gaps = Gaps()
        run(data, gaps)
        if name not in ONE_PIECE:
            detail = "between two checkpoints"
            say(f"{name}, longest ms", gaps.longest * 1e3, 100, at_most=True, detail=detail)


if __name__ == "__main__":
    main()
