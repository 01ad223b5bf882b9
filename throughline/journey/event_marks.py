"""Steps without length, made from log lines: a task was put back, cancelled, replayed and the like."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from throughline.journey.journey import NO_SPAN, Step
from throughline.journey.log_placement import Line
from throughline.journey.role import Role
from throughline.journey.task_changes import attempt_in
from throughline.ledger import asked_by

# Spans show these: what was accepted, started, ran and ended.
_TOLD_BY_SPANS: Final = {
    "task.submitted",
    "task.replayed",
    "task.rejected",
    "task.received",
    "task.started",
    "task.retried",
    "task.succeeded",
    "task.failed",
}
_ENDS: Final = {"task.succeeded", "task.failed"}


def event_marks(lines: Iterable[Line], start_ns: int, *, ran: bool) -> list[Step]:
    """A mark for each event that no span shows. `ran`: the task has a run among its steps, which shows its end."""
    return [event_mark(line, start_ns) for line in _shown(lines, ran) if line.at_ns is not None]


def event_mark(line: Line, start_ns: int) -> Step:
    fields, action = line.fields, str(line.fields.get("event.action", ""))
    return Step(
        span_id=NO_SPAN,
        parent_id="",
        role=Role.MARK,
        name=action.removeprefix("task.").replace("_", " "),
        service=str(fields.get("service.name", "")),
        node=str(fields.get("service.node.name", "")),
        version=str(fields.get("service.version", "")),
        depth=0,
        offset_ns=(line.at_ns or start_ns) - start_ns,
        duration_ns=0,
        own_ns=0,
        what=describe_event(fields),
        failed=action in {"task.dead_lettered", "task.failed"},
        task_id=str(fields.get("task_id", "")),
        requested_by=requested_by(fields),
    )


def _shown(lines: Iterable[Line], ran: bool) -> Iterator[Line]:
    for line in lines:
        action = str(line.fields.get("event.action", ""))
        if not action.startswith("task."):
            continue
        if action in _ENDS and not ran:
            yield line
        elif action == "task.cancelled" and ran and not (line.fields.get("requested_by") or line.fields.get("cause")):
            continue  # the run says that it was cancelled, and the line knows no more
        elif action not in _TOLD_BY_SPANS:
            yield line


def requested_by(fields: Mapping[str, Any]) -> str:
    """The correlation ID of the request that asked for it; empty when that is the task's own."""
    asked = str(fields.get("requested_by") or "")
    return "" if asked == fields.get("correlation_id") else asked


def describe_event(fields: Mapping[str, Any]) -> str:
    """One short phrase; for an event that is not listed here, its message."""
    queue, cause = fields.get("queue") or "its queue", str(fields.get("cause") or "")
    reason = f": {cause}" if cause else ""
    by = asked_by.in_words(*(str(fields.get(name) or "") for name in ("caller", "why", "requested_by")))
    phrases = {
        "task.put_back": f"put back into {queue} by the monitor{reason}",
        "task.handed_back": f"handed back to {queue} by its worker{reason}",
        "task.due": f"retry due: put into {queue} for attempt {attempt_in(fields) + 1}",
        "task.cancel_requested": f"asked to stop{by}",
        "task.cancelled": f"cancelled{by}{reason}",
        "task.replayed_by_operator": f"put into {queue} again: dead letter replayed{by}",
        "task.dead_lettered": f"given up as a dead letter{reason or _error(fields)}",
        "task.skipped": f"delivered once more and not run: it is {fields.get('status')} already",
        "task.settled": f"its end was stored before its process was lost: {fields.get('status')}",
        "task.came_too_late": f"attempt {attempt_in(fields)} ended after a later one had begun, and does not count",
        "task.failed": f"ended → {fields.get('status')}{_error(fields)}",
        "task.succeeded": f"ended → {fields.get('status')}",
    }
    return phrases.get(str(fields.get("event.action", "")), str(fields.get("message", "")))


def _error(fields: Mapping[str, Any]) -> str:
    error = fields.get("error.type") or fields.get("error.message")
    return f": {error}" if error else ""
