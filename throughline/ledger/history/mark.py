"""The mark of Redis's data as a monitor last saw it: a monitor that starts compares, and so knows of an emptied Redis.

It is in a row of `bodies` that belongs to no task, so that it needs no other tables than those that are there.
"""

import json
from typing import Any, Final

from sqlalchemy import Connection, select

from throughline.ledger.data_mark import DataMark
from throughline.ledger.history import packing, writing
from throughline.ledger.history.schema import bodies
from throughline.ledger.stored_task import StoredTask

_ROW: Final = 0  # the tasks' numbers begin with 1


def read(connection: Connection) -> DataMark | None:
    """None where no monitor has written one, or one of another version has."""
    stored = connection.scalar(select(bodies.c.record).where(bodies.c.id == _ROW))
    try:
        return _mark(json.loads(packing.unpacked(stored))) if stored else None
    except (ValueError, KeyError, TypeError):
        return None


def write(connection: Connection, mark: DataMark) -> None:
    """In place of the one that is there."""
    record = packing.packed(json.dumps(_told(mark), separators=(",", ":")))
    writing.store_bodies(connection, [{"id": _ROW, "record": record, "result": None, "message": None}])


def _told(mark: DataMark) -> dict[str, Any]:
    tasks = [[each.task_id, dict(each.fields), each.attempts, each.changes] for each in mark.open.values()]
    return {
        "identity": mark.identity,
        "number": mark.number,
        "before": mark.before,
        "seen_at": mark.seen_at,
        "place": mark.place,
        "open": tasks,
    }


def _mark(told: dict[str, Any]) -> DataMark:
    tasks = [
        StoredTask(task_id, fields, tuple(attempts), tuple(changes))
        for task_id, fields, attempts, changes in told["open"]
    ]
    return DataMark(
        str(told["identity"]),
        int(told["number"]),
        str(told["before"]),
        float(told["seen_at"]),
        str(told["place"]),
        {each.task_id: each for each in tasks},
    )
