"""How a process connects to the history: by which driver, how long it waits, and what each connection is told first."""

import os
import sqlite3
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

from throughline.history_url import HistoryPlace, SqliteFile

WRITES: Final = "throughline_writes"  # execution option of a connection that is going to write
POOL_SIZE: Final = 4  # of each process: three apis and two monitors stay far below PostgreSQL's 100
_STEPS: Final = 5_000  # of SQLite's machine between two looks at the clock, about 0.1 ms


def engine_for(place: HistoryPlace, timeout: float, *, writes: bool) -> Engine:
    """`timeout`: how long one statement may take, in seconds."""
    if isinstance(place, SqliteFile):
        return _sqlite(place, timeout, writes=writes)
    # Imported here: a history in SQLite is not to wait for psycopg at each start.
    from throughline.ledger.history import postgresql  # noqa: PLC0415

    return postgresql.engine(place, timeout, _pool(timeout))


def _sqlite(place: SqliteFile, timeout: float, *, writes: bool) -> Engine:
    # Whoever only reads makes no empty file where the monitor has not made one yet.
    name = f"file:{quote(str(place.path.absolute()))}?mode={'rwc' if writes else 'rw'}"

    def connect() -> sqlite3.Connection:
        if writes:
            _make_private(place.path)
        connection = sqlite3.connect(name, uri=True, timeout=timeout, check_same_thread=False, isolation_level=None)
        try:
            if writes:
                connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # of effect only before the first table
            # A commit that is lost with the power would be a task that is lost: it leaves Redis after it.
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA cache_size = -16000")  # kB
        except sqlite3.Error:  # the file is no database
            connection.close()
            raise
        return connection

    # "sqlite:///:memory:" would get a pool of one connection; the name only chooses the pool, `connect` the file.
    engine = create_engine("sqlite:///history", creator=connect, hide_parameters=True, **_pool(timeout))
    _end_long_statements(engine, timeout)
    _leave_replaced_files(engine, place)

    # The driver would begin a transaction before a write only, and then as one that only reads: it could not wait
    # for its turn to write (SQLITE_BUSY at once). SQLAlchemy's documented remedy.
    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _make_private(file: Path) -> None:
    """Results and messages are in it: no other user may read it. SQLite gives its other files the same mode."""
    with suppress(OSError):  # which SQLite tells
        os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))


def _leave_replaced_files(engine: Engine, place: SqliteFile) -> None:
    """Where a backup was put back, a connection would go on writing into the file that is no longer there."""

    def number() -> int | None:
        return place.path.stat().st_ino if place.path.exists() else None

    @event.listens_for(engine, "connect")
    def connected(_: object, record: ConnectionPoolEntry) -> None:
        record.info["file"] = number()

    @event.listens_for(engine, "checkout")
    def checked_out(_: object, record: ConnectionPoolEntry, __: object) -> None:
        if record.info["file"] != number():
            raise DisconnectionError  # the pool connects anew


def _end_long_statements(engine: Engine, timeout: float) -> None:
    @event.listens_for(engine, "before_cursor_execute")
    def start(connection: Connection, *_: object) -> None:
        deadline = time.monotonic() + timeout
        driver: Any = connection.connection.driver_connection
        driver.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)


def _pool(timeout: float) -> dict[str, Any]:
    return {"pool_size": POOL_SIZE, "max_overflow": 0, "pool_timeout": timeout, "pool_use_lifo": True}
