"""Where a task stands, and what can be said of one that has not ended or whose run left no span."""

from collections.abc import Sequence
from datetime import UTC, datetime

from throughline.journey.role import Role
from throughline.journey.span import Span
from throughline.journey.task_changes import Change
from throughline.ledger.states import Status


def status_of(changes: Sequence[Change]) -> str:
    """A task of which no change is reported is still in its queue."""
    return changes[-1].status if changes else Status.PENDING


def status_note(changes: Sequence[Change], spans: Sequence[Span], queue: str, node: str) -> str:
    """`spans` are those of the task, `node` is where it was last seen at work; empty when there is nothing to add."""
    ran = any(span.role is Role.RUN for span in spans)
    match status_of(changes):
        case Status.PENDING:
            return f"Not started yet: it waits in {queue}." if queue else "Not started yet."
        case Status.STARTED:
            return f"It is running on {node}." if node else "It is running."
        case Status.RETRY:
            return f"It waits for {_next_attempt(changes[-1])}."
        case Status.FAILURE if not ran:
            return "Its run left no span: its process was killed, or it never ran."
        case Status.REVOKED:
            return _cancelled(changes[-1], ran=ran)
        case _:
            return ""


def _next_attempt(change: Change) -> str:
    return f"attempt {change.attempt + 1}" if change.attempt else "another attempt"


def _cancelled(change: Change, *, ran: bool) -> str:
    at = datetime.fromtimestamp(change.at_ns / 1e9, UTC)
    by = f" by request {change.fields['requested_by']}" if change.fields.get("requested_by") else ""
    when = f"at {at:%H:%M:%S}.{at.microsecond // 1000:03} UTC"
    return f"Cancelled {'while it ran' if ran else 'before it ran'}, {when}{by}."
