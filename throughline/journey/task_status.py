"""A task's status, and a note on one that has not ended, was cancelled, or whose run left no span."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from throughline.journey.role import Role
from throughline.journey.span import Span
from throughline.journey.task_changes import REPLAYED, Change
from throughline.journey.task_spans import TaskSpans
from throughline.ledger import asked_by, causes
from throughline.ledger.states import Status


def status_of(changes: Sequence[Change]) -> str:
    """A task of which no change is reported is still in its queue."""
    return changes[-1].status if changes else Status.PENDING


def status_note(task: TaskSpans, changes: Sequence[Change]) -> str:
    """Empty when the steps say all."""
    runs = [span for span in task.spans if span.role is Role.RUN]
    match status_of(changes):
        case Status.PENDING:
            return f"Not started yet: it waits in {task.queue}." if task.queue else "Not started yet."
        case Status.STARTED:
            return _running(task, changes[-1], runs)
        case Status.RETRY:
            return f"It waits for {_next_attempt(changes[-1])}."
        case Status.FAILURE if not runs:
            return "Nothing is recorded of its run: its process was killed, or it never started."
        case Status.REVOKED:
            return _cancelled(task, changes, runs)
        case _:
            return f"It was asked to stop, and ended: {causes.TOO_LATE}." if _first_to_ask(task) else ""


def _running(task: TaskSpans, started: Change, runs: Sequence[Span]) -> str:
    if any(run.end_ns >= started.at_ns and not run.lost for run in runs):
        return "Its run has ended, and nothing says how: its process was killed, or its result was refused."
    node = task.node_at(started.at_ns)
    return f"It is running on {node}." if node else "It is running."


def _next_attempt(change: Change) -> str:
    return f"attempt {change.attempt + 1}" if change.attempt else "another attempt"


def _cancelled(task: TaskSpans, changes: Sequence[Change], runs: Sequence[Span]) -> str:
    change = changes[-1]
    at = datetime.fromtimestamp(change.at_ns / 1e9, UTC)
    asked = change.fields if change.fields.get("caller") else _first_to_ask(task) or change.fields
    by = asked_by.in_words(*(str(asked.get(name) or "") for name in ("caller", "why", "requested_by")))
    why = f" ({change.fields['cause']})" if change.fields.get("cause") else ""
    return f"Cancelled {_when(changes, runs)}, at {at:%H:%M:%S}.{at.microsecond // 1000:03} UTC{why}{by}."


def _when(changes: Sequence[Change], runs: Sequence[Span]) -> str:
    before = changes[-2] if len(changes) > 1 else None
    if not runs or before is None:
        return "while it ran" if runs else "before it ran"
    match before.status:
        case Status.RETRY:
            return f"while it waited for {_next_attempt(before)}"
        case Status.PENDING:
            return "while it waited in its queue again"
        case _:
            return "while it ran"


def _first_to_ask(task: TaskSpans) -> Mapping[str, Any]:
    """The request that asked first counts, as in the ledger; a replay forgets those before it."""
    first: Mapping[str, Any] = {}
    for line in task.lines:
        action = line.fields.get("event.action")
        if action == REPLAYED:
            first = {}
        elif action == "task.cancel_requested":
            first = first or line.fields
    return first
