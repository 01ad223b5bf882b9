"""Prints docs/states.md: a task's states as a diagram and a table, and what Redis keeps of it."""

from collections.abc import Iterator
from dataclasses import fields
from itertools import groupby
from typing import Final

from throughline.ledger.record import TaskRecord
from throughline.ledger.states import FINAL, TRANSITIONS, Transition

_INTRO: Final = """\
A task's state changes only inside the Lua scripts of `throughline/ledger/lua`, in one step with its attempt, its place
in Redis and Celery's own result. A script refuses a change that is not in the table below: it writes nothing, and the
process that asked logs `task.move_refused`. The scripts, this page and the tests take the table from
`throughline/ledger/states.py`."""

_FIELDS_INTRO: Final = """\
The hash `tl:task:{id}`; all of it is parsed by `throughline/ledger/record.py`. Times are seconds since 1970 by Redis's
clock. Beside it `tl:task:{id}:attempts` lists the task's starts with their ends (`ended_by` is a reason of the table
above), and `tl:task:{id}:changes` what no attempt tells: it is absent for most tasks."""


def states_page(note: str) -> str:
    """The page as Markdown."""
    return "\n".join(
        [
            "# A task's states",
            note,
            "",
            _INTRO,
            "",
            *_diagram(),
            "",
            "| from | to | reason | script | when |",
            "| --- | --- | --- | --- | --- |",
            *(_row(each) for each in TRANSITIONS),
            "",
            "## What Redis keeps of a task",
            "",
            _FIELDS_INTRO,
            "",
            "| field | meaning |",
            "| --- | --- |",
            *(f"| `{each.name}` | {each.metadata['means']} |" for each in fields(TaskRecord) if each.metadata),
            "",
        ]
    )


def _diagram() -> Iterator[str]:
    """One arrow for each pair of states, with its reasons."""
    yield "```mermaid"
    yield "stateDiagram-v2"

    def pair(each: Transition) -> tuple[str, str]:
        return each.before or "[*]", each.after

    for (before, after), moves in groupby(sorted(TRANSITIONS, key=pair), key=pair):
        reasons = " / ".join(each.reason.replace("_", " ") for each in moves)
        yield f"    {before} --> {after}: {reasons}"
    for status in FINAL:
        yield f"    {status} --> [*]"
    yield "```"


def _row(each: Transition) -> str:
    before = f"`{each.before}`" if each.before else "no record"
    return f"| {before} | `{each.after}` | `{each.reason}` | {each.script} | {each.means} |"
