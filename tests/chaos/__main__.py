"""`make chaos`: every fault, ROUNDS times, on nine of its own; writes docs/reliability.md and README's scoreboard."""

import os
import statistics
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from tests.chaos import faults, scoreboard
from tests.chaos.score import Score, can_make_small_disks, nine_for, suffer
from tests.system.nine import ROOT

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
    rounds = int(os.environ.get("ROUNDS", "3"))
    wanted = sys.argv[1:]
    rows, bad = [], 0
    for fault in faults.ALL:
        if wanted and not any(word in fault.name for word in wanted):
            continue
        if fault is faults.DISK and not can_make_small_disks():
            rows.append([fault.name, "skipped: only root may mount a small file system", *[""] * 9])
            continue
        scores = [_one(fault) for _ in range(rounds)]
        bad += sum(s.lost + s.stored_twice + abs(s.dead_letters - fault.dead_letters) for s in scores)
        rows.append(_row(fault, scores))
        print("| " + " | ".join(rows[-1]) + " |", flush=True)
        if not wanted:
            _write(rows)
            scoreboard.write(rows)
    return 1 if bad else 0


def _one(fault: faults.Fault) -> Score:
    with tempfile.TemporaryDirectory() as folder, nine_for(fault, Path(folder) / "var") as nine:
        return suffer(nine, fault)


def _row(fault: faults.Fault, scores: list[Score]) -> list[str]:
    names = ("submitted", "accepted", "failed", "lost", "run_twice", "stored_twice", "dead_letters")
    sums = [str(sum(getattr(score, name) for score in scores)) for name in names]
    seconds = [score.recovery_seconds for score in scores]
    return [fault.name, str(len(scores)), *sums, f"{statistics.median(seconds):.1f}", f"{max(seconds):.1f}"]


def _write(rows: list[list[str]]) -> None:
    lines = ["| " + " | ".join(row) + " |" for row in [list(_HEADER), ["---"] * len(_HEADER), *rows]]
    today = f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores"
    _PAGE.write_text(f"{_INTRO}Measured {today}.\n\n" + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
