"""Tasks as a table: one line each where they fit, else a second line for the IDs, and a third for an error."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from throughline.cli.terminal import hanging, plain
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


class _Row(NamedTuple):
    """Its fields are the columns; what begins with `id` or `error` may go to a line of its own."""

    submitted: str
    status: str
    type: str
    queue: str
    wait: str
    run: str
    attempts: str
    task_id: str
    correlation_id: str
    error: str


_HEADS: Final = _Row(
    "submitted UTC", "status", "type", "queue", "wait", "run", "attempts", "task ID", "correlation ID", "error"
)
_OWN_LINES: Final = ("error", "task_id", "correlation_id")


def draw(tasks: Sequence[Mapping[str, Any]], console: Console) -> None:
    rows = [_row(task) for task in tasks]
    columns = [name for name in _Row._fields if name != "error" or any(row.error for row in rows)]
    if _width(rows, columns) <= console.width:
        lines = [_line(row, columns, _widths(rows, columns)) for row in (_HEADS, *rows)]
    else:
        lines = list(_in_several_lines(rows, tasks, console))
    for line in lines:
        line.rstrip()
        console.print(line, no_wrap=True, crop=False, overflow="ignore", soft_wrap=True)


def _in_several_lines(rows: Sequence[_Row], tasks: Sequence[Mapping[str, Any]], console: Console) -> Iterator[Text]:
    """What does not fit beside the figures stands below them, whole: to be read and to be copied."""
    columns = [name for name in _Row._fields if name not in _OWN_LINES]
    below = ["task_id", "correlation_id"]
    if _width(rows, columns) > console.width:
        columns.remove("type")
        below.insert(0, "type")
    widths = _widths(rows, columns)
    yield _line(_HEADS, columns, widths)
    for row, task in zip(rows, tasks, strict=True):
        yield _line(row, columns, widths)
        yield from hanging("  ", _GAP.join(getattr(row, name) for name in below), console, "dim")
        if row.error:
            yield from hanging("  ", row.error, console, "red")
            yield from (Text(f"    {plain(each)}") for each in _attempts_before(task))


def _attempts_before(task: Mapping[str, Any]) -> Iterator[str]:
    """Why each attempt but the last ended."""
    for number, attempt in enumerate((task.get("attempts") or [])[:-1], start=1):
        yield f"attempt {number} on {attempt['worker']}: {attempt.get('cause') or 'it ended'}"


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
        error=_error(task),
        task_id=task["task_id"],
        correlation_id=task["correlation_id"],
    )
    return _Row(*map(plain, told))


def _error(task: Mapping[str, Any]) -> str:
    """`ValueError: no price for XS231`, on one line."""
    error = task.get("error") or {}
    told = ": ".join(filter(None, (error.get("type"), error.get("message"))))
    return " ".join(told.split())


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
