"""Tasks as a table: one line each where they fit, else a second line for the IDs, and a third for an error."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from throughline.cli.terminal import plain
from throughline.journey.quantities import format_duration

_STATUS_COLOURS: Final = {
    "SUCCESS": "green",
    "FAILURE": "red",
    "REVOKED": "bright_black",
    "RETRY": "magenta",
    "STARTED": "blue",
    "PENDING": "cyan",
}
_GAP: Final = "  "
_RIGHT: Final = {"wait", "run"}
_NARROWEST_TYPE: Final = 8


class _Row(NamedTuple):
    """Its fields are the columns; what begins with `id` or `error` may go to a line of its own."""

    submitted: str
    status: str
    type: str
    queue: str
    wait: str
    run: str
    attempts: str
    error: str
    task_id: str
    correlation_id: str


_HEADS: Final = _Row(
    "submitted UTC", "status", "type", "queue", "wait", "run", "attempts", "error", "task ID", "correlation ID"
)
_OWN_LINES: Final = ("error", "task_id", "correlation_id")


def draw(tasks: Sequence[Mapping[str, Any]], console: Console) -> None:
    rows = [_row(task) for task in tasks]
    columns = [name for name in _Row._fields if name != "error" or any(row.error for row in rows)]
    if _width(rows, columns) <= console.width:
        lines = [_line(row, columns, _widths(rows, columns)) for row in (_HEADS, *rows)]
    else:
        lines = _in_several_lines(rows, tasks, console.width)
    for line in lines:
        line.rstrip()
        console.print(line, no_wrap=True, crop=False, overflow="ignore")


def _in_several_lines(rows: Sequence[_Row], tasks: Sequence[Mapping[str, Any]], width: int) -> list[Text]:
    columns = [name for name in _Row._fields if name not in _OWN_LINES]
    widths = _widths(rows, columns)
    widths["type"] = max(_NARROWEST_TYPE, widths["type"] - max(0, _width(rows, columns) - width))
    lines = [_line(_HEADS, columns, widths)]
    for row, task in zip(rows, tasks, strict=True):
        lines.append(_line(row, columns, widths))
        lines.append(Text(f"  {row.task_id}  {row.correlation_id}", "dim"))  # whole, though it be wider: to be copied
        if row.error:
            words = Text(f"  {row.error}: {plain(task['error'].get('message', ''))}".removesuffix(": "), "red")
            words.truncate(width, overflow="ellipsis")
            lines.append(words)
    return lines


def _row(task: Mapping[str, Any]) -> _Row:
    attempts = task.get("attempts") or []
    told = _Row(
        submitted=f"{datetime.fromisoformat(task['submitted_at']).astimezone(UTC):%m-%d %H:%M:%S}",
        status=task["status"],
        type=task["task_type"] or "–",
        queue=task["queue"] or "–",
        wait=_duration(task.get("queue_wait_ms")),
        run=_duration(task.get("run_ms")),
        attempts=f"{len(attempts)} {attempts[-1]['worker']}" if attempts else "–",
        error=(task.get("error") or {}).get("type", ""),
        task_id=task["task_id"],
        correlation_id=task["correlation_id"],
    )
    return _Row(*map(plain, told))


def _duration(milliseconds: float | None) -> str:
    return "–" if milliseconds is None else format_duration(round(milliseconds * 1_000_000))


def _widths(rows: Sequence[_Row], columns: Sequence[str]) -> dict[str, int]:
    return {name: max(cell_len(getattr(row, name)) for row in (_HEADS, *rows)) for name in columns}


def _width(rows: Sequence[_Row], columns: Sequence[str]) -> int:
    return sum(_widths(rows, columns).values()) + len(_GAP) * (len(columns) - 1)


def _line(row: _Row, columns: Sequence[str], widths: Mapping[str, int]) -> Text:
    line = Text()
    for name in columns:
        cell = Text(getattr(row, name), _style(row, name))
        cell.truncate(widths[name], overflow="ellipsis")
        cell.align("right" if name in _RIGHT else "left", widths[name])
        line = line + cell + Text(_GAP if name != columns[-1] else "")
    return line


def _style(row: _Row, name: str) -> str:
    if row is _HEADS or name in {"task_id", "correlation_id"}:
        return "dim"
    if name == "status":
        return _STATUS_COLOURS.get(row.status, "")
    return "red" if name == "error" else ""
