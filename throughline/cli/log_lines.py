"""Draws log lines in a terminal, wrapped under their words; elsewhere one whole line each."""

import sys
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from throughline.cli.terminal import plain
from throughline.tail.told_line import ToldLine, told_line

_SERVICE_COLOURS: Final = {"nginx": "green", "api": "cyan", "worker": "blue", "monitor": "magenta"}
_LEVEL_COLOURS: Final = {"debug": "dim", "warning": "yellow", "error": "red", "critical": "red"}
_NODE: Final = 9  # fastapi-1
_LEVEL: Final = 7  # warning
_NARROWEST: Final = 20  # columns for the words


class Printed:
    """Prints lines; each call tells how many. `hidden_id` is that of all lines, and not repeated on a terminal."""

    def __init__(self, console: Console, hidden_id: str = "") -> None:
        self._console = console
        self._hidden = hidden_id
        self._day: date | None = None

    def __call__(self, lines: Iterable[Mapping[str, Any]]) -> int:
        count = 0
        for fields in lines:
            count += 1
            line = told_line(fields)
            if self._console.is_terminal:
                self._draw(line)
            else:
                print(one_line(line))
        sys.stdout.flush()
        return count

    def _draw(self, line: ToldLine) -> None:
        if self._day not in {None, line.at.date()}:
            self._console.print(Text(f"{line.at:%Y-%m-%d} UTC", "dim"))
        self._day = line.at.date()
        for each in drawn(line, self._console, self._hidden):
            self._console.print(each, no_wrap=True, crop=False, soft_wrap=True)


def one_line(line: ToldLine) -> str:
    """For grep and awk: the time in full, and nothing is cut off."""
    at = f"{line.at:%Y-%m-%dT%H:%M:%S}.{line.at.microsecond // 1000:03}Z"
    told = (at, line.node or line.service, line.level, line.words, line.error, line.took, line.correlation_id)
    return plain("  ".join(filter(None, told)))


def drawn(line: ToldLine, console: Console, hidden_id: str = "") -> list[Text]:
    """`14:45:12.173 worker-1  notice  ended → SUCCESS  3.20 s  ABC-1`, in as many lines as it needs."""
    head = Text.assemble(
        (line.clock, "dim"),
        " ",
        (plain(line.node or line.service).ljust(_NODE), _SERVICE_COLOURS.get(line.service, "")),
        " ",
        (plain(line.level).ljust(_LEVEL), _LEVEL_COLOURS.get(line.level, "")),
        " ",
    )
    words = Text(plain(line.words), _LEVEL_COLOURS.get(line.level, ""))
    if line.error:
        words.append(f"  {plain(line.error)}", "red")
    if line.took:
        words.append(f"  {line.took.replace(' ', chr(160))}", "not bold")
    if line.correlation_id and line.correlation_id != hidden_id:
        words.append(f"  {plain(line.correlation_id)}", "dim")
    first, *rest = words.wrap(console, max(_NARROWEST, console.width - head.cell_len))
    return [head + first, *(Text(" " * head.cell_len) + each for each in rest)]
