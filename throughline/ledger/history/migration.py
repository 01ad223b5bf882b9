"""Brings the database's tables to the version that this code knows. Several processes may try at the same time."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Connection, Engine, inspect, text

from throughline.history_url import HistoryPlace
from throughline.ledger.history.engine import WRITES
from throughline.ledger.history.errors import HistoryUnavailable, HistoryWrong
from throughline.ledger.history.schema import REVISIONS

_LOCK: Final = 7_402_513_801  # of PostgreSQL's advisory locks: any number that nobody else takes
_PATIENCE_SECONDS: Final = 30


def revision(connection: Connection) -> str | None:
    """The version of the database's tables; None when there are none yet."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def is_current(connection: Connection, place: HistoryPlace) -> bool:
    """Raises `HistoryWrong` when a newer Throughline has been here."""
    found = revision(connection)
    if found is not None and found not in REVISIONS:
        raise HistoryWrong(
            f"{place} is newer than this Throughline: its tables have version {found}, this one knows "
            f"{REVISIONS[-1]}. Start the newer one, or name another database"
        )
    return found == REVISIONS[-1]


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
    """Readers and the writer no longer wait for each other. The file keeps it; not possible within a transaction."""
    connection = engine.raw_connection()
    try:
        connection.cursor().execute("PRAGMA journal_mode = WAL").close()
    finally:
        connection.close()


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
