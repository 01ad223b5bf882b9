"""Where a task stands, as far as its spans and log lines tell."""

from collections.abc import Iterator, Sequence

from throughline.journey.log_placement import Line
from throughline.journey.span import Role, Span
from throughline.ledger.states import Status


def task_status(family: Sequence[Span], lines: Sequence[Line]) -> str:
    """The status last reported. PENDING is what a task begins with, so any other report is the later one."""
    reports = [report for report in sorted(_reports(family, lines)) if report[1] != Status.PENDING]
    return reports[-1][1] if reports else Status.PENDING


def status_note(status: str, family: Sequence[Span]) -> str:
    """What there is to say of a task whose last run's span is not there (yet)."""
    ran = any(span.role is Role.RUN for span in family)
    waits = [span for span in family if span.role is Role.WAIT]
    match status:
        case Status.PENDING:
            return "Accepted, no run span yet: it waits in the queue."
        case Status.STARTED:
            return f"Running on {waits[-1].node}: its span is written when it ends." if waits else "Running."
        case Status.RETRY:
            return "It will run again."
        case Status.FAILURE if not ran:
            return "Its run left no span: the process was lost or killed."
        case Status.REVOKED if not ran:
            return "Cancelled before it ran."
        case _:
            return ""


def _reports(family: Sequence[Span], lines: Sequence[Line]) -> Iterator[tuple[int, str]]:
    for span in family:
        if span.role is Role.WAIT:
            yield span.end_ns, Status.STARTED
        elif span.role is Role.RUN and "status" in span.attributes:
            yield span.end_ns, str(span.attributes["status"])
    for line in lines:
        if line.at_ns is not None and str(line.fields.get("event.action", "")).startswith("task."):
            status = line.fields.get("status")
            if status:
                yield line.at_ns, str(status)
