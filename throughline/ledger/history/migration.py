"""Brings the database's tables to the version that this code knows. Several processes may try at the same time.

A version that this code does not know is a newer one's. The code goes on with it if the tables still have all that it
reads and writes: docs/decisions/two-versions.md has the rule for migrations, and a unit test holds it.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Final

from sqlalchemy import Connection, Engine, inspect, text

from throughline.history_url import HistoryPlace
from throughline.ledger.history.engine import WRITES
from throughline.ledger.history.errors import SETUP, HistoryUnavailable, HistoryWrong
from throughline.ledger.history.schema import REVISIONS, metadata

_LOCK: Final = 7_402_513_801  # of PostgreSQL's advisory locks: any number that nobody else takes
_PATIENCE_SECONDS: Final = 30


def revision(connection: Connection) -> str | None:
    """The version of the database's tables; None when there are none yet."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def is_current(connection: Connection, place: HistoryPlace) -> bool:
    """Whether this code can use it. `HistoryWrong` when a newer Throughline has taken away what this one needs."""
    found = revision(connection)
    if found is None or found in REVISIONS:
        return found == REVISIONS[-1]
    if unfit := _unfit(connection):
        raise HistoryWrong(
            f"{place} is newer than this Throughline: its tables have version {found}, this one knows "
            f"{REVISIONS[-1]}, and {', '.join(unfit)}. Start the newer one, or name another database"
        )
    return True


def awaited(place: HistoryPlace, found: str | None) -> HistoryUnavailable:
    """What to say while the tables have an older version than this code needs, or there are none."""
    if found is None:
        return HistoryUnavailable(f"{place} is not set up yet: {SETUP}")
    return HistoryUnavailable(
        f"{place} is not set up for this version yet: its tables have version {found}, and {REVISIONS[-1]} is waited "
        f"for: {SETUP}"
    )


def _unfit(connection: Connection) -> list[str]:
    """What of the tables this code could not read or write, in words."""
    inspected = inspect(connection)
    found = []
    for table in metadata.sorted_tables:
        there = inspected.get_columns(table.name) if inspected.has_table(table.name) else []
        names = {column["name"] for column in there}
        found += [f"{table.name}.{column.name} is gone" for column in table.columns if column.name not in names]
        found += [
            f"{table.name}.{column['name']} has to be written"
            for column in there
            if column["name"] not in table.columns and not column["nullable"] and column["default"] is None
        ]
    return found


def upgrade(engine: Engine, place: HistoryPlace) -> None:
    """Once, whoever comes first; the others wait for it."""
    if engine.dialect.name == "sqlite":
        _keep_a_write_ahead_log(engine)
    with _alone(engine, place) as connection:
        if not is_current(connection, place):
            _apply(connection)


def _apply(connection: Connection) -> None:
    # Imported here: only who migrates loads alembic.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "throughline.ledger.history:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _keep_a_write_ahead_log(engine: Engine) -> None:
    """Readers and the writer no longer wait for each other. The file keeps it; not possible within a transaction.

    Asked for again and again: beside another process that does the same, SQLite refuses at once, whatever its timeout.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    with closing(engine.raw_connection()) as connection:
        while True:
            try:
                connection.cursor().execute("PRAGMA journal_mode = WAL").close()
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
            time.sleep(0.05)


@contextmanager
def _alone(engine: Engine, place: HistoryPlace) -> Iterator[Connection]:
    """A transaction during which nobody else migrates: alembic itself takes no lock."""
    if engine.dialect.name == "sqlite":
        with engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
            yield connection
        return
    with engine.begin() as connection:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        # Asked for again and again: a transaction that waits within a statement would block CREATE INDEX CONCURRENTLY.
        while not connection.scalar(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": _LOCK}):
            if time.monotonic() > deadline:
                raise HistoryUnavailable(f"{place}: another process has been migrating it for {_PATIENCE_SECONDS} s")
            time.sleep(0.1)
        yield connection
