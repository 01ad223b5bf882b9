"""Steps that have no span but follow from a task's changes of state: a wait for a retry, a killed process's run."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from throughline.journey.intervals import Interval, uncovered
from throughline.journey.journey import NO_SPAN, Step
from throughline.journey.quantities import format_duration
from throughline.journey.role import Role
from throughline.journey.task_changes import Change
from throughline.journey.task_spans import TaskSpans
from throughline.ledger.states import Status

SHORTEST_NS: Final = 2 * 10**6  # shorter gaps come from two processes that read their clocks one after the other


@dataclass(frozen=True)
class _Stretch:
    """The time between two changes of a task's state."""

    interval: Interval
    begun: Change
    ended: Change


def unseen_steps(task: TaskSpans, changes: Sequence[Change], start_ns: int) -> list[Step]:
    """What the task did in each stretch of time that no wait or run span covers. Offsets count from `start_ns`."""
    covered = [(span.start_ns, span.end_ns) for span in task.waits_and_runs]
    return [
        _step(task, stretch, part, start_ns)
        for stretch in _stretches(task.enqueued_ns, changes)
        for part in uncovered(stretch.interval, covered)
        if part[1] - part[0] >= SHORTEST_NS and not _is_told(task, stretch)
    ]


def _is_told(task: TaskSpans, stretch: _Stretch) -> bool:
    """Whether the run has a span, which may not cover the whole stretch."""
    begin, end = stretch.interval
    runs = [span for span in task.spans if span.role is Role.RUN]
    return stretch.begun.status == Status.STARTED and any(run.start_ns < end and run.end_ns > begin for run in runs)


def _stretches(enqueued_ns: int | None, changes: Sequence[Change]) -> Iterator[_Stretch]:
    first = [] if enqueued_ns is None else [Change(enqueued_ns, Status.PENDING)]
    for begun, ended in pairwise([*first, *changes]):
        if begun.at_ns < ended.at_ns:
            yield _Stretch((begun.at_ns, ended.at_ns), begun, ended)


def _step(task: TaskSpans, stretch: _Stretch, part: Interval, start_ns: int) -> Step:
    role = _ROLES.get(stretch.begun.status, Role.PAUSE)
    ran = role is Role.RUN
    return Step(
        span_id=NO_SPAN,
        parent_id="",
        role=role,
        name=_name(task, stretch.begun.status),
        service="worker" if ran else "",
        node=task.node_at(part[0]) if ran else "",
        depth=0,
        offset_ns=part[0] - start_ns,
        duration_ns=part[1] - part[0],
        own_ns=part[1] - part[0],
        what=_what(task, stretch, part),
        failed=ran and stretch.ended.status not in {Status.SUCCESS, Status.REVOKED},
        task_id=task.task_id,
    )


_ROLES: Final[dict[str, Role]] = {Status.PENDING: Role.WAIT, Status.STARTED: Role.RUN}


def _name(task: TaskSpans, status: str) -> str:
    names = {
        Status.PENDING: f"wait {task.queue}".strip(),
        Status.STARTED: f"run {task.task_type}".strip(),
        Status.RETRY: "wait for retry",
    }
    return names.get(Status(status), "wait for replay")


def _what(task: TaskSpans, stretch: _Stretch, part: Interval) -> str:
    begun, ended = stretch.begun, stretch.ended
    match begun.status:
        case Status.PENDING:
            return f"waited in {task.queue or 'its queue'}"
        case Status.STARTED:
            attempt = f", attempt {begun.attempt}" if begun.attempt > 1 else ""
            return f"ran {task.task_type}".strip() + attempt + _end(ended)
        case Status.RETRY:
            following = f"attempt {begun.attempt + 1}" if begun.attempt else "another attempt"
            return f"waited {format_duration(part[1] - part[0])} for {following}"
        case _:
            return f"a dead letter for {format_duration(part[1] - part[0])}, until it was replayed"


def _end(ended: Change) -> str:
    reason = ended.fields.get("cause") or ended.fields.get("error.type") or ""
    if ended.status in {Status.PENDING, Status.STARTED}:
        return f": {reason or 'lost with its process'}"
    return f" → {ended.status}" + (f": {reason}" if reason else "")
