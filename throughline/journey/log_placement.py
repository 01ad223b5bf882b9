"""Puts each log line under the span in which it was written: by the span it names, else by task, trace and time."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from throughline.journey.journey import LogLine, Step
from throughline.journey.span import Span

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Placed = list[tuple[Span, "Line"]]


@dataclass(frozen=True)
class Line:
    """A log line and its time in nanoseconds since the epoch; None when its timestamp cannot be read."""

    at_ns: int | None
    fields: Mapping[str, Any]


def timed_line(fields: Mapping[str, Any]) -> Line:
    try:
        at = datetime.fromisoformat(fields["@timestamp"])
    except (KeyError, TypeError, ValueError):
        return Line(None, fields)
    since = (at if at.tzinfo else at.replace(tzinfo=UTC)) - _EPOCH
    return Line(((since.days * 86_400 + since.seconds) * 10**6 + since.microseconds) * 1000, fields)


def place_lines(lines: Iterable[Line], families: Sequence[Sequence[Span]]) -> list[Placed]:
    """For each family its lines, each with its span, in the lines' order."""
    found: list[Placed] = [[] for _ in families]
    home = {span.span_id: (index, span) for index, family in enumerate(families) for span in family}
    for line in lines if families else ():
        named = home.get(str(line.fields.get("span.id", "")))
        index, span = named or _by_time(line, _candidates(line, families))
        found[index].append((span, line))
    return found


Candidates = list[tuple[int, Sequence[Span]]]


def _candidates(line: Line, families: Sequence[Sequence[Span]]) -> Candidates:
    """The families of the line's task, else of its trace, else all."""
    everyone = list(enumerate(families))
    task_id, trace_id = line.fields.get("task_id"), line.fields.get("trace.id")
    return (
        [(index, family) for index, family in everyone if task_id and any(s.task_id == task_id for s in family)]
        or [(index, family) for index, family in everyone if family[0].trace_id == trace_id]
        or everyone
    )


def _by_time(line: Line, candidates: Candidates) -> tuple[int, Span]:
    """The innermost span that was open then (the last to begin), else the last that began before, else the first."""
    spans = [(index, span) for index, family in candidates for span in family]
    at = line.at_ns or 0
    begun = [found for found in spans if found[1].start_ns <= at]
    around = [found for found in begun if at <= found[1].end_ns]
    if not begun:
        return min(spans, key=lambda found: found[1].start_ns)
    return max(around or begun, key=lambda found: found[1].start_ns)


def logs_by_row(steps: Sequence[Step], logs: Iterable[LogLine]) -> dict[int, list[LogLine]]:
    """For each step's index the lines to show below it: its own, and those of calls around it, by time."""
    index_of = {step.span_id: index for index, step in enumerate(steps) if step.span_id}
    rows: dict[int, list[LogLine]] = defaultdict(list)
    for line in logs:
        row = own = index_of.get(line.step_id, 0)
        for index in range(own + 1, len(steps)):
            if steps[index].depth <= steps[own].depth:
                break
            if line.offset_ns is not None and steps[index].offset_ns <= line.offset_ns:
                row = index
        rows[row].append(line)
    return rows
