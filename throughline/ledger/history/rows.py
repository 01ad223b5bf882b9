"""A stored task as a row of each table. Whatever is odd in it, there is a row: the body has it as it was."""

import hashlib
from contextlib import suppress
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any, Final

from throughline.error_shape import error_shape
from throughline.ledger import durations
from throughline.ledger.history import packing
from throughline.ledger.history.duration_class import duration_class
from throughline.ledger.history.text import readable, storable
from throughline.ledger.record import TaskRecord, attempts_of
from throughline.ledger.stored_error import stored_error
from throughline.ledger.stored_task import StoredTask

Row = dict[str, Any]
_UNREADABLE: Final = (ValueError, KeyError, TypeError, AttributeError)


@dataclass(frozen=True)
class Rows:
    """One task's row in `tasks` (without its number) and in `bodies`."""

    task: Row
    body: Row


def rows_of(task: StoredTask) -> Rows:
    record = _record(task)
    body = {
        "record": packing.packed_record(task),
        "result": packing.packed(task.result),
        "message": packing.packed(task.message),
    }
    return Rows(_columns(task, record) | _error(task) | _times(task, record), body)


def version_of(task: StoredTask) -> int:
    """How many changes of state its record has seen."""
    with suppress(ValueError):
        return min(int(task.fields.get("version", 0)), 2**62)
    return 0


def _record(task: StoredTask) -> TaskRecord:
    """What can be read of it: attempts that a stranger wrote must not keep a task out of the history for ever."""
    with suppress(*_UNREADABLE):
        return task.record
    record = TaskRecord(task.task_id)
    for name, value in task.fields.items():
        with suppress(*_UNREADABLE):
            record = replace(record, **{name: getattr(TaskRecord.parse(task.task_id, {name: value}), name)})
    with suppress(*_UNREADABLE):
        record = replace(record, attempts=attempts_of(task.attempts))
    return record


def _columns(task: StoredTask, record: TaskRecord) -> Row:
    return {
        "task_id": storable(task.task_id),
        "version": version_of(task),
        "status": _status(task, record),
        "task_type": storable(record.task_type),
        "queue": storable(record.queue),
        "priority": storable(record.priority),
        "caller": storable(record.caller) or None,
        "correlation_id": storable(record.correlation_id),
        "trace_id": storable(record.trace_id),
        "worker": storable(record.attempts[-1].worker) or None if record.attempts else None,
    }


def _status(task: StoredTask, record: TaskRecord) -> str:
    with suppress(*_UNREADABLE):
        return task.status
    return record.status


def _error(task: StoredTask) -> Row:
    kind, shape = "", ""
    with suppress(*_UNREADABLE):
        kind = storable(task.error_type)
        told = stored_error(task)
        shape = readable(error_shape(told.message)) if kind and told else ""
    return {
        "error_type": kind or None,
        "error_shape": shape if kind else None,
        "error_group": _number_of(kind, shape) if kind else None,
    }


def _number_of(*texts: str) -> int:
    digest = hashlib.blake2b("\0".join(texts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


def _times(task: StoredTask, record: TaskRecord) -> Row:
    submitted = _finite(record.submitted_at) or 0.0
    finished = _finite(record.finished_at)
    total = _finite(durations.total_ms(record))
    return {
        # One without a message was sent past the front door: it cannot be replayed, so Redis does not list it either.
        "dead_letter": (finished or submitted) if task.message and record.is_dead_letter else None,
        "submitted_at": submitted,
        "started_at": _finite(record.started_at),
        "finished_at": finished,
        "ended_at": submitted if finished is None else finished,
        "queue_wait_ms": _finite(durations.queue_wait_ms(record)),
        "run_ms": _finite(durations.run_ms(record)),
        "total_ms": total,
        "duration_class": None if total is None else duration_class(total),
    }


def _finite(number: float | None) -> float | None:
    return number if number is not None and isfinite(number) else None
