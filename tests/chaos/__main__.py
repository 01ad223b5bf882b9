"""`make chaos`: every fault, ROUNDS times, on nine of its own; writes docs/reliability.md and README's scoreboard.

ROWS=combined takes the faults in combination instead, on one set of the nine; ROWS=all both.
Other words choose rows by their names. The page keeps the rows that are not chosen as they are.
"""

import os
import statistics
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.chaos import combinations, faults, page
from tests.chaos.score import Score, can_make_small_disks, nine_for, suffer
from tests.system.nine import Nine


def main() -> int:
    wrong = False
    for fault, scores in _suffered(_chosen(os.environ.get("ROWS", "")), int(os.environ.get("ROUNDS", "3"))):
        row = _row(fault, scores)
        print("| " + " | ".join(row) + " |", flush=True)
        page.record(row)
        wrong |= not scores or any(_is_wrong(fault, score) for score in scores)
    return int(wrong)


def _chosen(words: str) -> Sequence[faults.Fault]:
    both = [*faults.ALL, *combinations.ALL]
    sets = {"": faults.ALL, "combined": combinations.ALL, "all": both}
    return sets.get(words) or [fault for fault in both if words in fault.name]


def _suffered(wanted: Sequence[faults.Fault], rounds: int) -> Iterator[tuple[faults.Fault, list[Score]]]:
    """The scores of each. None: it failed, for the reason that is printed, and the next has nine others."""
    shared: Nine | None = None
    with ExitStack() as stack:
        for fault in wanted:
            if fault is faults.DISK and not can_make_small_disks():
                print(f"skipped, since only root may mount a small file system: {fault.name}", flush=True)
                continue
            try:
                if fault in combinations.ALL:
                    shared = shared or stack.enter_context(_nine_for(fault))
                    scores = [suffer(shared, fault) for _ in range(rounds)]
                else:
                    scores = [_alone(fault) for _ in range(rounds)]
            except Exception:
                traceback.print_exc()
                scores, shared = [], None
                stack.close()
            yield fault, scores


def _alone(fault: faults.Fault) -> Score:
    with _nine_for(fault) as nine:
        return suffer(nine, fault)


@contextmanager
def _nine_for(fault: faults.Fault) -> Iterator[Nine]:
    with tempfile.TemporaryDirectory() as folder, nine_for(fault, Path(folder) / "var") as nine:
        yield nine


def _is_wrong(fault: faults.Fault, score: Score) -> bool:
    return bool(score.lost or score.stored_twice or fault.dead_letters not in {None, score.dead_letters})


def _row(fault: faults.Fault, scores: list[Score]) -> list[str]:
    if not scores:
        return [fault.name, "failed", *["?"] * 9]
    names = ("submitted", "accepted", "failed", "lost", "run_twice", "stored_twice", "dead_letters")
    sums = [str(sum(getattr(score, name) for score in scores)) for name in names]
    seconds = [score.recovery_seconds for score in scores]
    return [fault.name, str(len(scores)), *sums, f"{statistics.median(seconds):.1f}", f"{max(seconds):.1f}"]


if __name__ == "__main__":
    sys.exit(main())
