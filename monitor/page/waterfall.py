"""A request as the page draws it: bars in percent of its time, the terminal's words beside them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from throughline.journey import summary
from throughline.journey.journey import LogLine, Request, Step
from throughline.journey.log_placement import logs_by_row
from throughline.journey.quantities import format_duration, format_offset
from throughline.journey.role import Role
from throughline.journey.scale import Scale

_LEAST_PERCENT: Final = 0.4  # of the width, so that the shortest step can be seen
_TICKS_APART: Final = 200  # thousandths of the width
_MOST_STEPS: Final = 200
_MOST_LOGS: Final = 200
_SERVICES: Final = {"nginx", "api", "worker", "monitor"}
_DRAWN_AS: Final = {Role.WAIT: Role.WAIT, Role.TAKE: Role.WAIT, Role.PAUSE: Role.PAUSE, Role.LOST: Role.PAUSE}


@dataclass(frozen=True)
class Bar:
    """Where a bar begins and how long it is, in percent; `kind` is its colour."""

    x: float
    width: float
    kind: str


@dataclass(frozen=True)
class LogRow:
    """A log line at its place."""

    offset: str
    x: float | None
    level: str
    service: str
    instance: str
    message: str
    error: str


@dataclass(frozen=True)
class StepRow:
    """A step, and the log lines to be shown below it."""

    offset: str
    took: str
    bar: Bar
    service: str
    instance: str
    depth: int
    what: tuple[str, str, str]  # words, the correlation ID of another request that they name, words
    is_mark: bool  # a moment: a sign instead of a bar
    ongoing: bool
    classes: str  # for the style sheet: slowest, failed, ongoing, same (origin as the row above)
    logs: tuple[LogRow, ...]


@dataclass(frozen=True)
class Waterfall:
    """The whole picture; `more_steps` and `more_logs` say how many were left out."""

    ticks: tuple[tuple[float, str], ...]
    rows: tuple[StepRow, ...]
    more_steps: int
    more_logs: int


def waterfall(request: Request) -> Waterfall:
    """The picture of `throughline journey --logs`."""
    steps, logs = request.steps[:_MOST_STEPS], request.logs[:_MOST_LOGS]
    shown = {step.span_id for step in steps}
    lines = logs_by_row(steps, (line for line in logs if line.step_id in shown))
    return Waterfall(
        ticks=tuple((cell / 10, label) for cell, label in Scale(request.total_ns, 1000).ticks(_TICKS_APART)),
        rows=tuple(
            _row(step, request, lines.get(index, ()), above)
            for index, (above, step) in enumerate(zip((None, *steps), steps, strict=False))
        ),
        more_steps=len(request.steps) - len(steps),
        more_logs=len(request.logs) - len(logs),
    )


def bar(offset_ns: int, duration_ns: int, whole_ns: int, kind: str) -> Bar:
    """A bar inside the frame, and wide enough to be seen."""
    whole = max(1, whole_ns)
    width = min(100.0, max(_LEAST_PERCENT, 100 * duration_ns / whole))
    x = min(max(0.0, 100 * offset_ns / whole), 100 - width)
    return Bar(round(x, 2), round(width, 2), kind)


def log_rows(logs: Iterable[LogLine], total_ns: int) -> tuple[LogRow, ...]:
    return tuple(_log_row(line, total_ns) for line in logs)


def _row(step: Step, request: Request, logs: Sequence[LogLine], above: Step | None) -> StepRow:
    service, instance = summary.origin(step.service, step.node)
    return StepRow(
        offset=format_duration(step.offset_ns) if step.offset_ns else "0",
        took="" if step.role is Role.MARK else format_duration(step.duration_ns),
        bar=bar(step.offset_ns, step.duration_ns, request.total_ns, _kind(step)),
        service=service,
        instance=instance,
        depth=min(step.depth, 6),
        what=step.what.partition(step.requested_by) if step.requested_by else (step.what, "", ""),
        is_mark=step.role is Role.MARK,
        ongoing=step.is_ongoing,
        classes=" ".join(_classes(step, request, above)),
        logs=log_rows(logs, request.total_ns),
    )


def _classes(step: Step, request: Request, above: Step | None) -> Iterator[str]:
    if step is request.slowest:
        yield "slowest"
    if step.failed:
        yield "failed"
    if step.is_ongoing:
        yield "ongoing"
    if above and above.node == step.node and step.node:
        yield "same"


def _kind(step: Step) -> str:
    if step.role in _DRAWN_AS:
        return _DRAWN_AS[step.role]
    if step.failed:
        return "failed"
    return step.service if step.service in _SERVICES else "other"


def _log_row(line: LogLine, total_ns: int) -> LogRow:
    service, instance = summary.origin(line.text("service.name"), line.text("service.node.name"))
    offset = line.offset_ns
    error = ": ".join(filter(None, (line.text("error.type"), line.text("error.message"))))
    return LogRow(
        offset=line.text("@timestamp") if offset is None else format_offset(offset),
        x=None if offset is None else bar(offset, 0, total_ns, "").x,
        level=line.text("log.level"),
        service=service,
        instance=instance,
        message=line.text("message"),
        error=error,
    )
