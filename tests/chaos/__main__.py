"""`make chaos`: every fault, ROUNDS times, on nine of its own; writes docs/reliability.md and README's scoreboard.

ROWS=all adds the faults in combination, on one set of the nine.
Other words choose rows by their names, and write nothing.
"""

import os
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

from tests.chaos import combinations, faults, scoreboard
from tests.chaos.score import Score, can_make_small_disks, nine_for, suffer
from tests.system.nine import ROOT, Nine

_PAGE = ROOT / "docs" / "reliability.md"
_INTRO = """\
# Reliability

<!-- Written by `make chaos`; run it again instead of changing this file. -->

Each row breaks something of the nine real processes while twelve long tasks are in flight (a poison task apart) and ten
requests a second arrive. *Lost*: accepted, but without an end. *Run again*: more than one attempt, as at-least-once
delivery means it. *Stored twice*: more than one attempt whose result was stored. *Failed*: requests that were not
accepted, for whatever reason, while it was broken; the client was told so. *Recovery*: from the moment of the fault
(its own duration included) until a new task is taken and run and every task accepted before has ended, the calculation
of the twelve long ones included.

"""
_COMBINED = """\
## In combination

Two or more parts at once, and races of clients with each other and with workers: `make chaos ROWS=all`. After each row,
nothing is left in Redis that would stay there, every line bears its task's correlation ID, the list of all tasks shows
each once, and the journeys of the tasks with the most attempts tell what `GET /api/v1/tasks/{id}` tells. *Failed* are
the requests that found a part broken. In races, the cancelled tasks count as ended.

"""
_HEADER = (
    "fault",
    "rounds",
    "submitted",
    "accepted",
    "failed",
    "**lost**",
    "run again",
    "**stored twice**",
    "dead letters",
    "recovery s: median",
    "max",
)


def main() -> int:
    rounds, chosen = int(os.environ.get("ROUNDS", "3")), os.environ.get("ROWS", "")
    if chosen not in {"", "all"}:
        wanted = [fault for fault in (*faults.ALL, *combinations.ALL) if chosen in fault.name]
        return 1 if sum(bad for _, bad in _suffered(wanted, rounds)) else 0
    wrong = 0
    rows: list[list[str]] = []
    combined: list[list[str]] = []
    for row, bad in _suffered(faults.ALL, rounds):
        wrong += bad
        rows.append(row)
        _write(rows, combined)
        scoreboard.write(rows)
    for row, bad in _suffered(combinations.ALL if chosen == "all" else [], rounds):
        wrong += bad
        combined.append(row)
        _write(rows, combined)
    return 1 if wrong else 0


def _suffered(wanted: Sequence[faults.Fault], rounds: int) -> Iterator[tuple[list[str], int]]:
    """The row of each, and how much of it is wrong. Those that need the same nine one after the other share it."""
    for shared, group in groupby(wanted, key=lambda fault: fault in combinations.ALL):
        with ExitStack() as stack:
            nine = stack.enter_context(_nine_for(combinations.ALL[0])) if shared else None
            for fault in group:
                if fault is faults.DISK and not can_make_small_disks():
                    yield [fault.name, "skipped: only root may mount a small file system", *[""] * 9], 0
                    continue
                scores = [_one(fault, nine) for _ in range(rounds)]
                row = _row(fault, scores)
                print("| " + " | ".join(row) + " |", flush=True)
                yield row, sum(s.lost + s.stored_twice + abs(s.dead_letters - fault.dead_letters) for s in scores)


def _one(fault: faults.Fault, shared: Nine | None) -> Score:
    if shared:
        return suffer(shared, fault)
    with _nine_for(fault) as nine:
        return suffer(nine, fault)


@contextmanager
def _nine_for(fault: faults.Fault) -> Iterator[Nine]:
    with tempfile.TemporaryDirectory() as folder, nine_for(fault, Path(folder) / "var") as nine:
        yield nine


def _row(fault: faults.Fault, scores: list[Score]) -> list[str]:
    names = ("submitted", "accepted", "failed", "lost", "run_twice", "stored_twice", "dead_letters")
    sums = [str(sum(getattr(score, name) for score in scores)) for name in names]
    seconds = [score.recovery_seconds for score in scores]
    return [fault.name, str(len(scores)), *sums, f"{statistics.median(seconds):.1f}", f"{max(seconds):.1f}"]


def _write(rows: list[list[str]], combined: list[list[str]]) -> None:
    """Without rows of combined faults, those that the page has stay as they are."""
    today = f"Measured {datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores.\n\n"
    _, heading, older = _PAGE.read_text(encoding="utf-8").partition(_COMBINED)
    second = _COMBINED + today + _table(combined) if combined else heading + older
    _PAGE.write_text(_INTRO + today + _table(rows) + "\n" * bool(second) + second, encoding="utf-8")


def _table(rows: list[list[str]]) -> str:
    shown = [list(_HEADER), ["---"] * len(_HEADER), *rows]
    return "".join("| " + " | ".join(row) + " |\n" for row in shown)


if __name__ == "__main__":
    sys.exit(main())
