"""Copies ended tasks into the history: a later version of a task replaces an earlier one, never the other way round.

A stock client may use an ID again, long after its first task has ended and been forgotten in Redis: then its versions
begin anew, and the task that was submitted later is the later one.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Table, and_, or_
from sqlalchemy.dialects import sqlite

from throughline.ledger.history import schema
from throughline.ledger.history.rows import Row, Rows, rows_of
from throughline.ledger.stored_task import StoredTask


def latest_versions(tasks: Iterable[StoredTask]) -> list[Rows]:
    """Each task once, all in the order of their IDs: else two monitors with the same tasks could block each other."""
    latest: dict[str, Rows] = {}
    for rows in map(rows_of, tasks):
        key = rows.task["task_id"]
        if key not in latest or _age(rows) > _age(latest[key]):
            latest[key] = rows
    return [latest[key] for key in sorted(latest)]


def _age(rows: Rows) -> tuple[float, int]:
    return rows.task["submitted_at"], rows.task["version"]


def store(connection: Connection, rows: Sequence[Rows]) -> None:
    """Inserts or updates them, in the transaction of the connection."""
    table = schema.tasks
    statement = _insert(connection, table)
    told, kept = statement.excluded, table.c
    is_later = or_(
        told.submitted_at > kept.submitted_at,
        and_(told.submitted_at == kept.submitted_at, told.version > kept.version),
    )
    statement = statement.on_conflict_do_update(
        index_elements=[kept.task_id],
        set_={name: told[name] for name in rows[0].task if name != "task_id"},
        where=is_later,
    ).returning(table.c.id, table.c.task_id)
    # No row for a task that is there already, in this version or a later one.
    numbers = {row.task_id: row.id for row in connection.execute(statement, [each.task for each in rows])}
    bodies = [{"id": numbers[each.task["task_id"]]} | each.body for each in rows if each.task["task_id"] in numbers]
    if bodies:
        store_bodies(connection, bodies)


def store_bodies(connection: Connection, bodies: list[Row]) -> None:
    """Each in place of the one of its number."""
    statement = _insert(connection, schema.bodies)
    kept = {name: statement.excluded[name] for name in ("record", "result", "message")}
    connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=kept), bodies)


def _insert(connection: Connection, table: Table) -> Any:
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    # Imported here: whoever has a connection to PostgreSQL has its dialect already, all others need not wait for it.
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415

    return postgresql.insert(table)
