"""The terminal that commands draw on."""

import os
import re
from collections.abc import Iterator
from typing import Final

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

_PIPED_WIDTH: Final = 100
# A number and its unit stay together, and so does an attempt with its number.
_WORD: Final = re.compile(r"\s*(?:\S*\d (?:%|µs|ms|s|m|h)(?!\w)\S*|attempt \d+\S*|\S+)\s*")


class _Terminal(Console):
    def on_broken_pipe(self) -> None:
        """rich would end with 1: whoever reads a table's first lines only, as `head` does, has made no mistake."""
        raise BrokenPipeError

    @property
    def folds(self) -> bool:
        """Whether lines are kept to the width: a file or a pipe gets them whole, for grep, unless COLUMNS says."""
        return self.is_terminal or bool(_columns())


def terminal() -> Console:
    """Standard output: as wide as it is, or as COLUMNS says when it is a file or a pipe."""
    console = _Terminal(highlight=False)
    if not console.is_terminal:
        console.width = _columns() or _PIPED_WIDTH
    return console


def folds(console: Console) -> bool:
    return not isinstance(console, _Terminal) or console.folds


def folded(line: Text, console: Console) -> Iterator[Text]:
    """Lines no wider than the console, where it folds; a word that is wider has a line of its own.

    One with `no_wrap`, a command, stays whole: to be copied.
    """
    if not folds(console) or line.no_wrap or line.cell_len <= console.width:
        yield line
    else:
        yield from wrapped(line, console.width)


def wrapped(line: Text, width: int) -> Iterator[Text]:
    """In lines of whole words. rich would break a word that is wider, or cut it off."""
    breaks, begin, length = [], 0, 0
    for word in _WORD.finditer(line.plain):
        wide = cell_len(word[0].rstrip())
        if length and length + wide > width and begin < word.start():
            breaks.append(word.start())
            begin, length = word.start(), 0
        length += cell_len(word[0])
    for part in line.divide(breaks):
        part.rstrip()
        yield part


def hanging(indent: str, text: str, console: Console, style: str = "") -> Iterator[Text]:
    """The same for plain text; the lines after the first begin two cells further to the right."""
    if not folds(console):
        yield Text(indent + text, style)
        return
    first, *rest = wrapped(Text(text, style), console.width - len(indent) - 2) if text else [Text()]
    yield Text(indent) + first
    for part in rest:
        yield Text(f"{indent}  ") + part


def _columns() -> int:
    columns = os.environ.get("COLUMNS", "")
    return int(columns) if columns.isdecimal() else 0


def plain(text: str) -> str:
    """The text without control characters, which a terminal would obey."""
    return "".join(c if c.isprintable() else " " if c.isspace() else "�" for c in text)
