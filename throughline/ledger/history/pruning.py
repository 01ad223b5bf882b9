"""Removes what is older than results are kept, in small batches: no other process waits long for one of them."""

from typing import Any

from sqlalchemy import Connection, delete, select

from throughline.ledger.history.schema import bodies, tasks

_FREED_PAGES = 2_000  # of SQLite's file, given back after each batch: 8 MB; what is left serves new tasks


def prune(connection: Connection, before: float, most: int) -> int:
    """How many of at most `most` tasks it removed that ended before this moment, the oldest first."""
    oldest = select(tasks.c.id).where(tasks.c.ended_at < before).order_by(tasks.c.ended_at).limit(most)
    if connection.dialect.name == "postgresql":
        oldest = oldest.with_for_update(skip_locked=True)  # another monitor is at them
    numbers = list(connection.execute(oldest).scalars())
    if numbers:
        connection.execute(delete(bodies).where(bodies.c.id.in_(numbers)))
        connection.execute(delete(tasks).where(tasks.c.id.in_(numbers)))
    return len(numbers)


def size(connection: Connection) -> int:
    """How many bytes SQLite's file holds, without its free pages; 0 for PostgreSQL, whose disk is its operator's."""
    if connection.dialect.name != "sqlite":
        return 0
    pages, free, bytes_a_page = (
        connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
        for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * bytes_a_page)


def give_back(connection: Connection) -> None:
    """Lets SQLite's file shrink by the pages that a batch frees; PostgreSQL's autovacuum makes room by itself."""
    if connection.dialect.name == "sqlite":
        driver: Any = connection.connection.driver_connection
        driver.executescript(f"PRAGMA incremental_vacuum({_FREED_PAGES})")  # `execute` stops after the first page
