"""Copies ended tasks into the history: a later version of a task replaces an earlier one, never the other way round."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

from throughline.ledger.history import schema
from throughline.ledger.history.rows import Row, Rows, rows_of, version_of
from throughline.ledger.history.text import storable
from throughline.ledger.stored_task import StoredTask


def latest_versions(tasks: Iterable[StoredTask]) -> list[Rows]:
    """Each task once, all in the order of their IDs: else two monitors with the same tasks could block each other."""
    latest: dict[str, StoredTask] = {}
    for task in tasks:
        key = storable(task.task_id)
        if key not in latest or version_of(task) > version_of(latest[key]):
            latest[key] = task
    return [rows_of(latest[key]) for key in sorted(latest)]


def store(connection: Connection, rows: Sequence[Rows]) -> None:
    """Inserts or updates them, in the transaction of the connection."""
    table = schema.tasks
    statement = _insert(connection, table)
    statement = statement.on_conflict_do_update(
        index_elements=[table.c.task_id],
        set_={name: statement.excluded[name] for name in rows[0].task if name != "task_id"},
        where=statement.excluded.version > table.c.version,
    ).returning(table.c.id, table.c.task_id)
    # No row for a task that is there already, in this version or a later one.
    numbers = {row.task_id: row.id for row in connection.execute(statement, [each.task for each in rows])}
    bodies = [{"id": numbers[each.task["task_id"]]} | each.body for each in rows if each.task["task_id"] in numbers]
    if bodies:
        _store_bodies(connection, bodies)


def _store_bodies(connection: Connection, bodies: list[Row]) -> None:
    statement = _insert(connection, schema.bodies)
    kept = {name: statement.excluded[name] for name in ("record", "result", "message")}
    connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=kept), bodies)


def _insert(connection: Connection, table: Table) -> Any:
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    return dialect.insert(table)
