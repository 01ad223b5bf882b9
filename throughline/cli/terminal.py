"""The terminal that commands draw on."""

import os
from typing import Final

from rich.console import Console

_PIPED_WIDTH: Final = 100


def terminal() -> Console:
    """Standard output: as wide as it is, or as COLUMNS says when it is a file or a pipe."""
    console = Console(highlight=False)
    if not console.is_terminal:
        columns = os.environ.get("COLUMNS", "")
        console.width = int(columns) if columns.isdecimal() and int(columns) else _PIPED_WIDTH
    return console


def plain(text: str) -> str:
    """The text without control characters, which a terminal would obey."""
    return "".join(c if c.isprintable() else " " if c.isspace() else "�" for c in text)
