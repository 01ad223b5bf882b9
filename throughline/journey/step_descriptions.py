"""What happened in a span, in words for people."""

from collections.abc import Sequence
from typing import Final

from throughline.journey.quantities import format_count
from throughline.journey.role import Role
from throughline.journey.span import Span
from throughline.ledger.states import Status

_WORDS: Final = {
    Role.TAKE: "taken by a worker, not started yet",
    Role.LOST: "no sign of life until its loss was noticed",
}


def describe_step(span: Span, family: Sequence[Span]) -> str:
    """One short phrase. `family` are all spans of the request, in order."""
    match span.role:
        case Role.NGINX:
            return _asked(span)
        case Role.API:
            return _answered(span) if any(other.key == span.parent_key for other in family) else _asked(span)
        case Role.PUBLISH:
            return _published(span, family)
        case Role.WAIT:
            return f"waited in {_after(span)}{_for_attempt(span, family)}"
        case Role.RUN:
            return _not_run(span) if is_refused(span, family) else _ran(span)
        case _:
            return _WORDS.get(span.role) or span.name + _details(span) + _error(span)


def http_status(span: Span) -> int | None:
    """The status of the answer; None when there was no answer."""
    status = span.attributes.get("http.response.status_code")
    return status if isinstance(status, int) and 100 <= status <= 599 else None


def is_refused(run: Span, family: Sequence[Span]) -> bool:
    """Whether its process only found that the task must not run: the attempt of its number had ended before."""
    return any(
        other.start_ns < run.start_ns and other.attributes.get("attempt") == run.attributes.get("attempt")
        for other in family
        if other.role is Role.RUN and other.task_id == run.task_id and "attempt" in other.attributes
    )


def is_cancelled(span: Span) -> bool:
    """Whether it ended because its task was cancelled, which is no error though an exception ended it."""
    return span.attributes.get("status") == Status.REVOKED or span.attributes.get("error.type") == "TaskCancelled"


def _for_attempt(wait: Span, family: Sequence[Span]) -> str:
    """Which attempt it waited for, unless that was the first."""
    of_task = [span for span in family if span.task_id == wait.task_id and span.role in {Role.WAIT, Role.RUN}]
    run = next((span for span in of_task if span.parent_key == wait.key), None)
    if run and is_refused(run, family):
        return ""
    attempt = run.attributes.get("attempt") if run else None
    if isinstance(attempt, int):
        return f" for attempt {attempt}" if attempt > 1 else ""
    return "" if wait is of_task[0] else " for another attempt"


def _asked(span: Span) -> str:
    method, path = span.attributes.get("http.request.method", ""), span.attributes.get("url.path", "")
    status = http_status(span) or "no answer"
    tried = str(span.attributes.get("upstream.address", "")).count(",") + 1
    return f"{method} {path} → {status}" + (f", asked {tried} replicas" if tried > 1 else "") + _error(span)


def _answered(span: Span) -> str:
    return f"answered {http_status(span) or 'nothing'}" + _error(span)


def _published(span: Span, family: Sequence[Span]) -> str:
    position = span.attributes.get("queue_position")
    place = "" if position is None else f" at position {position}"
    if span.from_lines and span.service != "worker":
        return _published_by_lines(span)
    if span.service == "worker":
        return f"submitted {_task_type(span, family)}into {_after(span)}{place}" + _error(span)
    if position is not None:
        return f"accepted into {_after(span)}{place}"
    if span.failed:
        return f"not accepted into {_after(span)}" + _error(span)
    api = next((other for other in family if other.key == span.parent_key), None)
    if api and (http_status(api) or 500) < 300:
        return "no new task: this Idempotency-Key was used before"
    return f"not accepted into {_after(span)}"


def _published_by_lines(span: Span) -> str:
    if span.task_id:
        return f"accepted into {_after(span)}"
    code = span.attributes.get("code")
    return f"not accepted: {code}" if code else "no new task: this Idempotency-Key was used before"


def _task_type(publication: Span, family: Sequence[Span]) -> str:
    """The child's, as its run names it; empty while it has not run."""
    of_task = (span.attributes.get("task_type") for span in family if span.task_id == publication.task_id)
    found = next(filter(None, of_task), "")
    return f"{found} " if found and publication.parent_task_id else ""


def _ran(span: Span) -> str:
    attempt = span.attributes.get("attempt")
    again = f", attempt {attempt}" if isinstance(attempt, int) and attempt > 1 else ""
    if span.lost:
        return f"ran {_after(span)}{again}: {span.attributes['cause']}"
    return f"ran {_after(span)} → {span.attributes.get('status') or 'no status'}{again}" + _error(span)


def _not_run(span: Span) -> str:
    return f"delivered once more and not run → {span.attributes.get('status') or 'no status'}"


def _details(span: Span) -> str:
    # The first figure that is there says best how much work it was.
    for name, noun in (("simulations", "scenario"), ("positions", "position")):
        if name in span.attributes:
            return " " + format_count(span.attributes[name], noun)
    return ""


def _error(span: Span) -> str:
    if span.attributes.get("error.type") == "TaskCancelled":
        return ": cancelled"
    error = span.attributes.get("error.type")
    return f": {error}" if error else ""


def _after(span: Span) -> str:
    return span.name.partition(" ")[2]
