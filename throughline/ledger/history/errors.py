"""What a database says when it cannot do what it was asked: whether waiting helps, in words without a password."""

import re
import sqlite3
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, cast

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from throughline.history_url import HistoryPlace, PostgresqlDatabase

if TYPE_CHECKING:
    import psycopg


class HistoryUnavailable(Exception):
    """The history is away, or not set up yet: waiting may help. It says which part and why."""


class HistoryWrong(Exception):
    """Waiting will not help: a wrong URL, no rights, a database that is newer than the code. One line."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"Wrong setting: HISTORY_URL: {reason}")


class NotStored(Exception):
    """All tasks but these are stored; the database refuses these for what is in them. They stay where they are."""

    def __init__(self, reasons: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{task_id}: {reason}" for task_id, reason in reasons.items()))
        self.reasons = reasons  # by task ID


SETUP: Final = "`python -m monitor.plane.history` sets it up, or the monitor if its user may"
# What PostgreSQL answers to a login or a statement that will be refused again, by its SQLSTATE.
_WRONG: Final = {
    "28P01": "does not take the password (or does not know the user)",
    "28000": "does not let the user in",
    "3D000": "has no such database",
    "42501": "gives the user no right to do this",
    "0A000": "is too old",
}
_NOT_SET_UP: Final = {"42P01", "3F000", "42703"}  # no such table, schema, column
_SQLITE_WRONG: Final = {
    "SQLITE_NOTADB": "is not a SQLite database",
    "SQLITE_CORRUPT": "is damaged",
    "SQLITE_READONLY": "may not be written to",
    "SQLITE_READONLY_DIRECTORY": "is in a folder that may not be written to",
    "SQLITE_READONLY_CANTINIT": "is in a folder that may not be written to, which its -wal and -shm files need",
    "SQLITE_PERM": "may not be opened",
    "SQLITE_AUTH": "may not be opened",
}
_SQLITE_AWAY: Final = {
    "SQLITE_BUSY": "another process writes to it for too long",
    "SQLITE_LOCKED": "another process writes to it for too long",
    "SQLITE_FULL": "the disk is full",
    "SQLITE_INTERRUPT": "it took too long; a shorter time range or another filter helps",
    "SQLITE_CANTOPEN": "it cannot be opened",
}


def told(error: SQLAlchemyError, place: HistoryPlace) -> HistoryUnavailable | HistoryWrong:
    """The same error for whoever asked: one of the two, never with a statement or what was in it."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, sqlite3.Error):
        return _of_sqlite(cause, place)
    # By its place, not its class: psycopg is imported only where there is a PostgreSQL.
    if isinstance(error, DBAPIError) and isinstance(place, PostgresqlDatabase):
        return _of_postgresql(cast("psycopg.Error", cause), place)
    return HistoryUnavailable(f"{place}: {type(error).__name__}")


def _of_sqlite(error: sqlite3.Error, place: HistoryPlace) -> HistoryUnavailable | HistoryWrong:
    code = getattr(error, "sqlite_errorname", "")
    general = "_".join(code.split("_")[:2])
    if wrong := _SQLITE_WRONG.get(code) or _SQLITE_WRONG.get(general):
        return HistoryWrong(f"{place} {wrong}")
    if str(error).startswith(("no such table", "no such column")):
        return HistoryUnavailable(f"{place} is not set up yet: the monitor does it when it starts")
    return HistoryUnavailable(f"{place}: {_SQLITE_AWAY.get(general) or _line(error)}")


def _of_postgresql(error: "psycopg.Error", place: HistoryPlace) -> HistoryUnavailable | HistoryWrong:
    state = error.sqlstate or _state_in(str(error))
    if state in _WRONG:
        return HistoryWrong(f"{place}: it {_WRONG[state]} ({_line(error)})")
    if state in _NOT_SET_UP:
        return HistoryUnavailable(f"{place} is not set up yet: {SETUP}")
    if state == "57014":
        return HistoryUnavailable(f"{place}: it took too long; a shorter time range or another filter helps")
    return HistoryUnavailable(f"{place}: {_line(error)}")


def _state_in(text: str) -> str | None:
    """A refused login comes without its SQLSTATE: libpq hands on the words alone."""
    for state, words in (
        ("28P01", "password authentication failed"),
        ("28P01", "no password supplied"),
        ("28000", r'role ".*" does not exist'),
        ("28000", "no pg_hba.conf entry"),
        ("28000", "is not permitted to log in"),
        ("3D000", r'database ".*" does not exist'),
        ("42501", "permission denied for database"),
    ):
        if re.search(words, text):
            return state
    return None


def _line(error: Exception) -> str:
    """Its first line; the others hold the statement, or what was in it."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
