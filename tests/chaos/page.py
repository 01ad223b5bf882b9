"""docs/reliability.md: of each row what was measured last, and when. A row that is measured again replaces its own."""

import os
from datetime import UTC, datetime
from typing import Final

from tests.chaos import combinations, faults, scoreboard
from tests.system.nine import ROOT

_PAGE: Final = ROOT / "docs" / "reliability.md"
_INTRO: Final = """\
# Reliability

<!-- Written by `make chaos`; run it again instead of changing this file. -->

Each row breaks something of the nine real processes while twelve long tasks are in flight (a poison task apart) and ten
requests a second arrive. *Lost*: accepted, but without an end. *Run again*: more than one attempt, as at-least-once
delivery means it. *Stored twice*: more than one attempt whose result was stored. *Failed*: requests that were not
accepted, for whatever reason, while it was broken; the client was told so. *Recovery*: from the moment of the fault
(its own duration included) until a new task is taken and run and every task accepted before has ended, the calculation
of the twelve long ones included.

"""
_COMBINED: Final = """\

## In combination

Two or more parts at once, and races of clients with each other and with workers: `make chaos ROWS=combined`, or
`ROWS=all` for both tables. After each row, nothing is left in Redis that would stay there, every line bears its task's
correlation ID, the list of all tasks shows each once, and the journeys of the tasks with the most attempts tell what
`GET /api/v1/tasks/{id}` tells. In races, the cancelled tasks count as ended. What was accepted after an older copy of
Redis's files was made is not in it: it counts as neither accepted nor lost here, and the monitor says that it is gone;
tasks that were open in that copy have no part in the comparison of journeys.

"""
_HEADER: Final = (
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
    "measured",
)


def record(row: list[str]) -> None:
    """Into the page and the README: the row's cells are those of the header, up to the date."""
    measured = f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores"
    text = with_row(_PAGE.read_text(encoding="utf-8"), [*row, measured])
    _PAGE.write_text(text, encoding="utf-8")
    scoreboard.write(_of(faults.ALL, _rows(text)))


def with_row(page: str, row: list[str]) -> str:
    rows = _rows(page) | {row[0]: row}
    combined = _of(combinations.ALL, rows)
    return _INTRO + _table(_of(faults.ALL, rows)) + (_COMBINED + _table(combined) if combined else "")


def _rows(page: str) -> dict[str, list[str]]:
    rows = [line[2:-2].split(" | ") for line in page.splitlines() if line.startswith("| ")]
    return {row[0]: row for row in rows}


def _of(wanted: list[faults.Fault], rows: dict[str, list[str]]) -> list[list[str]]:
    return [rows[fault.name] for fault in wanted if fault.name in rows]


def _table(rows: list[list[str]]) -> str:
    shown = [list(_HEADER), ["---"] * len(_HEADER), *rows]
    return "".join("| " + " | ".join(row) + " |\n" for row in shown)
