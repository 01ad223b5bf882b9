"""What the user sees: the status table and the progress towards it; redrawn in place on a terminal, lines elsewhere."""

import time
from collections.abc import Sequence
from typing import Self

from rich import box
from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from throughline.local.health import Health


def table(rows: Sequence[Health], *, waiting: bool = False) -> Table:
    """process, port, pid, health."""
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim", border_style="dim")
    shown.add_column("process", min_width=10)
    shown.add_column("port", justify="right", min_width=5)
    shown.add_column("pid", justify="right", min_width=7)
    shown.add_column("health", min_width=23)
    for row in rows:
        shown.add_row(row.name, str(row.port or "–"), str(row.pid or "–"), _word(row, waiting))
    return shown


def _word(row: Health, waiting: bool) -> Text | Spinner:
    if row.ok:
        return Text("✓ healthy", style="green")
    if waiting:
        words = row.word if row.word.startswith("crashed") else "starting"
        return Spinner("dots", text=Text(words, style="dim"), style="cyan")
    return Text(f"✗ {row.word}", style="red")


class Progress:
    """Follows processes on their way to healthy."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._started = time.monotonic()
        self._told: set[str] = set()
        self._live = Live(console=console, refresh_per_second=10) if console.is_terminal else None

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def update(self, rows: Sequence[Health]) -> None:
        if self._live:
            self._live.update(table(rows, waiting=True))
            return
        for row in rows:
            if row.ok and row.name not in self._told:
                self._told.add(row.name)
                self._console.print(f"{row.name} is healthy ({time.monotonic() - self._started:.1f} s)")
