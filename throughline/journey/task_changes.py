"""The changes of a task's state, as its spans and log lines report them, by the ledger's rules."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from throughline.journey.log_placement import Line
from throughline.journey.role import Role
from throughline.journey.span import Span
from throughline.ledger.states import Status

REPLAYED: Final = "task.replayed_by_operator"
PUT_BACK: Final = {"task.put_back", "task.handed_back"}
DUE: Final = "task.due"
SKIPPED: Final = "task.skipped"
# These report the beginning; whatever else is reported came later, also by another host's clock.
_BEGINNING: Final = {"task.submitted", "task.received", "task.replayed", "task.rejected"}
_FINAL: Final = {status.value for status in Status if status.is_final}


@dataclass(frozen=True)
class Change:
    """From `at_ns` on the task was in `status`."""

    at_ns: int
    status: str
    action: str = ""  # the log line's event; empty when a span reports it
    attempt: int = 0  # 0 when the report does not say
    fields: Mapping[str, Any] = field(default_factory=dict)


def changes_of(spans: Iterable[Span], lines: Iterable[Line]) -> list[Change]:
    """`spans` and `lines` are those of one task. Empty while the task waits in its queue for the first time.

    The first end counts, unless the task was replayed after it. What an attempt reports after a later attempt has begun
    does not count.
    """
    counted: list[Change] = []
    ended, latest = False, 0
    for change in sorted([*_by_spans(tuple(spans)), *_by_lines(lines)], key=lambda change: change.at_ns):
        if change.action == REPLAYED:
            ended = False
        elif ended and not counted[-1].action and change.status == counted[-1].status:
            counted[-1] = _with_details(counted[-1], change)
            continue
        elif ended or (change.attempt and change.attempt < latest and _is_by_an_attempt(change)):
            continue
        latest = max(latest, change.attempt)
        ended = change.status in _FINAL
        if counted and _is_same(change, counted[-1]):
            counted[-1] = _with_details(counted[-1], change)
        else:
            counted.append(change)
    return counted


def times_enqueued_again(lines: Iterable[Line]) -> list[int]:
    """When the task came into its queue again, because a retry was due or an operator replayed it."""
    return sorted(
        line.at_ns for line in lines if line.at_ns is not None and line.fields.get("event.action") in {DUE, REPLAYED}
    )


def attempt_in(fields: Mapping[str, Any]) -> int:
    attempt = fields.get("attempt")
    return attempt if isinstance(attempt, int) and attempt > 0 else 0


def lost_ns(fields: Mapping[str, Any]) -> int:
    """Of the line that ends a lost attempt: from its last sign of life until that was noticed."""
    lost = fields.get("lost_ms")
    return max(0, round(lost * 1e6)) if isinstance(lost, int | float) else 0


def _is_by_an_attempt(change: Change) -> bool:
    """Not for put back, cancelled and skipped: those are not reported by a process that may have lost the task."""
    return change.status not in {Status.PENDING, Status.REVOKED} and change.action != SKIPPED


def _is_same(change: Change, before: Change) -> bool:
    same_attempt = not change.attempt or not before.attempt or change.attempt == before.attempt
    return change.status == before.status and same_attempt


def _with_details(first: Change, again: Change) -> Change:
    """A span and a log line report the same change: its time is the earlier one, its details are the line's."""
    attempt = first.attempt or again.attempt
    return replace(first if first.action else again, at_ns=first.at_ns, attempt=attempt)


def _origin(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        name: fields[name]
        for name in ("service.node.name", "service.version", "trace.id", "span.id", "worker", "take_ms")
        if name in fields
    }


def _is_noticed_later(run: Span, spans: Iterable[Span]) -> bool:
    """Whether the run was lost, and went on for all that anybody knew: the span of its loss tells until when."""
    return run.lost and any(other.role is Role.LOST and other.parent_key == run.key for other in spans)


def _by_spans(spans: Sequence[Span]) -> Iterator[Change]:
    for span in spans:
        if span.role is Role.WAIT:
            yield Change(span.end_ns, Status.STARTED, fields={"service.node.name": span.place} if span.place else {})
        elif span.role is Role.LOST:
            told = {name: span.attributes[name] for name in ("worker", "cause") if name in span.attributes}
            fields = told | {"lost_ms": (span.end_ns - span.start_ns) / 1e6}
            yield Change(span.end_ns, Status.PENDING, "", attempt_in(span.attributes), fields)
        elif span.role is Role.RUN and span.attributes.get("status") and not _is_noticed_later(span, spans):
            told = {name: span.attributes[name] for name in ("error.type", "cause") if name in span.attributes}
            fields = told | {"service.node.name": span.place}
            yield Change(span.end_ns, str(span.attributes["status"]), "", attempt_in(span.attributes), fields)


def _by_lines(lines: Iterable[Line]) -> Iterator[Change]:
    for line in lines:
        action, status = str(line.fields.get("event.action", "")), line.fields.get("status")
        if action in PUT_BACK:  # the outcome of its attempt is RETRY, and it waits in its queue already
            status = Status.PENDING
        if line.at_ns is not None and status and action.startswith("task.") and action not in _BEGINNING:
            took_ms = line.fields.get("duration_ms")
            if isinstance(took_ms, int | float) and attempt_in(line.fields):
                # The attempt's beginning: exact, and there where task.started is not logged, in production.
                begun_ns = line.at_ns - max(0, round(took_ms * 1e6)) - lost_ns(line.fields)
                yield Change(begun_ns, Status.STARTED, attempt=attempt_in(line.fields), fields=_origin(line.fields))
            yield Change(line.at_ns, str(status), action, attempt_in(line.fields), line.fields)
