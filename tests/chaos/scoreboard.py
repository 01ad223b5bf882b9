"""The short form of docs/reliability.md's table that stands in the README."""

import re
from typing import Final

from tests.system.nine import ROOT

_README: Final = ROOT / "README.md"
_BEGIN, _END = "<!-- scoreboard: written by `make chaos` -->", "<!-- end of scoreboard -->"
_COLUMNS: Final = {"what breaks": 0, "accepted": 3, "lost": 5, "stored twice": 7, "recovery s": 9}


def write(rows: list[list[str]]) -> None:
    """Puts the rows of docs/reliability.md in the place of those that the README shows."""
    text = _README.read_text(encoding="utf-8")
    between = re.compile(f"{re.escape(_BEGIN)}.*{re.escape(_END)}", re.DOTALL)
    _README.write_text(between.sub(lambda _: f"{_BEGIN}\n{table(rows)}\n{_END}", text), encoding="utf-8")


def table(rows: list[list[str]]) -> str:
    """The columns that matter most, as Markdown."""
    shown = [list(_COLUMNS), ["---"] * len(_COLUMNS), *([row[at] for at in _COLUMNS.values()] for row in rows)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in shown)
