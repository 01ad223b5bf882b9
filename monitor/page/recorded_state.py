"""Puts the task records of Redis into a journey: they are right when lines and spans are late or lost."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from throughline.journey.attempt_end import AttemptEnd
from throughline.journey.current_step import with_current_steps
from throughline.journey.journey import Journey, Request, Step, Task
from throughline.ledger.record import Attempt, TaskRecord
from throughline.ledger.sign_of_life import in_words
from throughline.ledger.states import Status


def as_recorded(journey: Journey, records: Mapping[str, TaskRecord]) -> Journey:
    """Each task gets the state of its record, if it has one."""
    return replace(journey, requests=tuple(_request(request, records) for request in journey.requests))


def until_now(request: Request, records: Mapping[str, TaskRecord], now: datetime) -> Request:
    """Adds what its tasks do at this moment: those that have a record and have not ended."""
    told = with_current_steps(request, records, now)
    return replace(told, steps=tuple(_as_last_seen(step, records.get(step.task_id)) for step in told.steps))


def _as_last_seen(step: Step, record: TaskRecord | None) -> Step:
    """Nobody knows that a task runs whose worker has not been heard of for a while."""
    if record is None or record.silent is None or not step.is_ongoing:
        return step
    return replace(step, what=in_words(step.node or record.attempts[-1].worker, record.silent))


def _request(request: Request, records: Mapping[str, TaskRecord]) -> Request:
    begun = request.started.timestamp()
    changed = {
        task.task_id: record
        for task in request.tasks
        if (record := records.get(task.task_id)) and (record.status != task.status or record.silent is not None)
    }
    if not changed:
        return request
    tasks = (_task(task, changed[task.task_id], begun) if task.task_id in changed else task for task in request.tasks)
    ends = (_offset_ns(record.finished_at or 0, begun) for record in changed.values() if record.status.is_final)
    return replace(request, tasks=tuple(tasks), total_ns=max(request.total_ns, *ends, 0))


def _task(task: Task, record: TaskRecord, begun: float) -> Task:
    latest = record.attempts[-1] if record.attempts else None
    moment = (latest.finished_at or latest.started_at) if latest else 0.0
    return replace(
        task,
        status=record.status,
        note=_note(record),
        node=latest.worker if latest else task.node,
        attempt=max(task.attempt, len(record.attempts)),
        since_ns=max(task.since_ns, _offset_ns(moment, begun)),
        ends=_ends(task, record),
    )


def _ends(task: Task, record: TaskRecord) -> tuple[AttemptEnd, ...]:
    """Those told, and those that the record alone knows: the process was killed before it wrote its line, say."""
    told = {end.attempt for end in task.ends}
    if 0 in told:  # nobody says which
        return task.ends
    others = [_end(attempt) for attempt in record.attempts if attempt.finished_at and attempt.number not in told]
    return tuple(sorted((*task.ends, *others), key=lambda end: end.attempt))


def _end(attempt: Attempt) -> AttemptEnd:
    return AttemptEnd(
        attempt=attempt.number,
        status=str(attempt.outcome or ""),
        took_ns=max(0, _offset_ns(attempt.ran_until or 0, attempt.started_at)),
        node=attempt.worker,
        error_type=attempt.error,
        cause="" if attempt.error else attempt.cause,
        lost_ns=_offset_ns(attempt.finished_at or 0, attempt.ran_until or 0),
    )


def _note(record: TaskRecord) -> str:
    if record.silent is not None:
        return f"{in_words(record.attempts[-1].worker, record.silent)}.".capitalize()
    place = f" on {record.attempts[-1].worker}" if record.status is Status.STARTED and record.attempts else ""
    return f"The task is {record.status}{place}: its record says so, its log line has not arrived yet."


def _offset_ns(moment: float, begun: float) -> int:
    return round((moment - begun) * 1e9)
