"""The terminal that commands draw on."""

import os
from typing import Final

from rich.console import Console

_PIPED_WIDTH: Final = 100


class _Terminal(Console):
    def on_broken_pipe(self) -> None:
        """rich would end with 1: whoever reads a table's first lines only, as `head` does, has made no mistake."""
        raise BrokenPipeError


def terminal() -> Console:
    """Standard output: as wide as it is, or as COLUMNS says when it is a file or a pipe."""
    console = _Terminal(highlight=False)
    if not console.is_terminal:
        columns = os.environ.get("COLUMNS", "")
        console.width = int(columns) if columns.isdecimal() and int(columns) else _PIPED_WIDTH
    return console


def plain(text: str) -> str:
    """The text without control characters, which a terminal would obey."""
    return "".join(c if c.isprintable() else " " if c.isspace() else "�" for c in text)
