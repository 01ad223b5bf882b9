"""How a bench measures and says what it measured."""

import sys
from collections.abc import Callable
from time import perf_counter

ROUNDS = 15


def seconds(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """The best of several rounds: what the machine can, without what else it had to do."""
    work()
    best = float("inf")
    for _ in range(rounds):
        started = perf_counter()
        work()
        best = min(best, perf_counter() - started)
    return best


def versus(ours: Callable[[], object], other: Callable[[], object], rounds: int = ROUNDS) -> tuple[float, float]:
    """Both in seconds, taken in turns: a busy machine slows the two alike."""
    best = [float("inf"), float("inf")]
    for _ in range(rounds):
        for i, work in enumerate((ours, other)):
            best[i] = min(best[i], seconds(work, 1))
    return best[0], best[1]


def say(what: str, value: float, mark: float, *, at_most: bool, detail: str) -> None:
    """One line; a mark that is missed ends the bench with an error."""
    kept = value <= mark if at_most else value >= mark
    sign = "≤" if at_most else "≥"
    sys.stdout.write(f"{'ok  ' if kept else 'MISS'} {what}: {value:.2f} (mark {sign} {mark:g}); {detail}\n")
    if not kept:
        sys.exit(1)
