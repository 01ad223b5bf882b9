"""How long a task waited, ran and took in all, from its record. Milliseconds."""

from collections.abc import Iterator

from throughline.ledger.record import Attempt, TaskRecord
from throughline.ledger.states import Status


def queue_wait_ms(record: TaskRecord) -> float | None:
    """Its time in a queue before the latest start: without attempts, and without the waits for a retry or a replay."""
    if record.started_at is None:
        return None
    if not record.attempts:
        return _waited_ms(record, record.submitted_at, record.started_at)
    return round(sum(queue_wait_of(attempt, record) for attempt in record.attempts), 3)


def run_ms(record: TaskRecord) -> float | None:
    """The latest attempt's time; a task that is cancelled while it waits for the next one ends later than its run."""
    ends = [record.attempts[-1].ran_until] if record.attempts else []
    return _between(record.started_at, min(filter(None, [record.finished_at, *ends]), default=None))


def total_ms(record: TaskRecord, now: float | None = None) -> float | None:
    """From its submission to its end; until `now` (seconds since 1970) for a task that has not ended."""
    return _between(record.submitted_at, record.finished_at if record.status.is_final else now)


def queue_wait_of(attempt: Attempt, record: TaskRecord) -> float:
    """In a queue before that attempt and after the one before it: those of all attempts are the task's."""
    if attempt.queue_wait is not None:
        return round(attempt.queue_wait * 1000, 3)
    before = [each.started_at for each in record.attempts if each.number < attempt.number]
    return _waited_ms(record, max(before, default=record.submitted_at), attempt.started_at)


def take_of(attempt: Attempt) -> float | None:
    """The last part of its wait; None for an attempt of an earlier version's worker."""
    return None if attempt.take is None else round(attempt.take * 1000, 3)


def run_of(attempt: Attempt) -> float | None:
    """None while it runs."""
    return _between(attempt.started_at, attempt.ran_until)


def lost_of(attempt: Attempt) -> float | None:
    """From its last sign of life until that was noticed; None for one that was not lost."""
    return _between(attempt.last_seen_at, attempt.finished_at)


def _waited_ms(record: TaskRecord, since: float, until: float) -> float:
    begun = sorted((each for each in _states(record) if each[0] < until), key=lambda each: each[0])
    if not begun:  # started in the microsecond of its submission
        return 0.0
    ends = [at for at, _ in begun[1:]] + [until]
    waits = [end - max(at, since) for (at, status), end in zip(begun, ends, strict=True) if status is Status.PENDING]
    return round(sum(wait for wait in waits if wait > 0) * 1000, 3)


def _states(record: TaskRecord) -> Iterator[tuple[float, Status]]:
    yield record.submitted_at, Status.PENDING
    for attempt in record.attempts:
        yield attempt.started_at, Status.STARTED
        if attempt.finished_at is not None:
            yield attempt.finished_at, attempt.status_after or Status.PENDING
    for change in record.changes:
        yield change.at, change.status


def _between(start: float | None, end: float | None) -> float | None:
    return None if start is None or end is None else round((end - start) * 1000, 3)
