"""What a log line says of an attempt that has ended, whoever writes it: the numbers are those of the record."""

from typing import Any

from throughline.ledger import durations
from throughline.ledger.record import Attempt
from throughline.ledger.states import Reason


def end_fields(attempt: Attempt) -> dict[str, Any]:
    """A worker of an earlier version has stored no waits: then none are told."""
    told = {
        "status": attempt.outcome,
        "attempt": attempt.number,
        "worker": attempt.worker,
        "duration_ms": durations.run_of(attempt),
        "lost_ms": durations.lost_of(attempt),
        **wait_fields(attempt),
        "reason": None if attempt.ended_by is Reason.RETURNED else attempt.ended_by,
    }
    return {name: value for name, value in told.items() if value is not None}


def wait_fields(attempt: Attempt) -> dict[str, float]:
    """Of its wait in the queue."""
    waited = None if attempt.queue_wait is None else round(attempt.queue_wait * 1000, 3)
    told = {"queue_wait_ms": waited, "take_ms": durations.take_of(attempt)}
    return {name: value for name, value in told.items() if value is not None}
