"""HISTORY_URL, understood once for every process: a file of SQLite, or a database of PostgreSQL.

Refused is what would only fail later, in one line that never holds the password.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote

_POSTGRESQL: Final = {"postgresql", "postgresql+psycopg", "postgres"}
_HOST_AND_PORT: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?")
_ENCODE: Final = "write special characters of a password percent-encoded (@ is %40, / is %2F, # is %23, ? is %3F)"
_SHAPES: Final = "sqlite:///path/of/history.sqlite or postgresql://user:password@host:5432/database"


@dataclass(frozen=True)
class SqliteFile:
    """A file on this machine."""

    path: Path

    def __str__(self) -> str:
        return f"the file {self.path}"


@dataclass(frozen=True)
class PostgresqlDatabase:
    """A database of a PostgreSQL server. As text, it is without its password."""

    host: str
    port: int
    database: str
    user: str
    password: str

    def __str__(self) -> str:
        return f"PostgreSQL at {self.host}:{self.port}, database {self.database}, user {self.user}"

    def __repr__(self) -> str:
        return str(self)


HistoryPlace = SqliteFile | PostgresqlDatabase


def in_folder(var_dir: Path) -> str:
    """Where the history is when nothing else is said."""
    return f"sqlite:///{var_dir / 'history.sqlite'}"


def checked(url: str) -> str:
    """The URL as it is; `ValueError` says what is wrong with it, and if a file's folder is not there."""
    if url:
        found = place(url)
        if isinstance(found, SqliteFile) and not found.path.absolute().parent.is_dir():
            raise ValueError(f"names a file in the folder {found.path.absolute().parent}, which is not there")
        if isinstance(found, SqliteFile) and found.path.is_dir():
            raise ValueError(f"names the folder {found.path}, where it must name a file")
    return url


def place(url: str) -> HistoryPlace:
    """Where it leads; `ValueError` says what is wrong with it."""
    scheme, separator, rest = url.partition("://")
    scheme = scheme.lower()
    if not separator:
        raise ValueError(f"must be a URL such as {_SHAPES}")
    if scheme == "sqlite":
        return _file(rest)
    if scheme in _POSTGRESQL:
        return _database(rest)
    raise ValueError(f"cannot be {_printable(scheme)}:// but only {_SHAPES}")


def _file(rest: str) -> SqliteFile:
    host, slash, path = rest.partition("/")
    if host or not slash:
        raise ValueError("needs three slashes before a path: sqlite:///var/history.sqlite, sqlite:////absolute/path")
    if path in {"", ":memory:"}:
        raise ValueError("must name a file (sqlite:///var/history.sqlite): monitor and api have to find the same one")
    if "?" in path or not path.isprintable():
        raise ValueError("must name a file without options, question marks or control characters")
    if path.endswith("/"):
        raise ValueError(f"names the folder {path}, where it must name a file")
    return SqliteFile(Path(path))


def _database(rest: str) -> PostgresqlDatabase:
    if "#" in rest or "?" in rest:
        raise ValueError(f"holds a # or a ?, and takes no options; {_ENCODE}")
    authority, _, database = rest.partition("/")
    login, _, address = authority.rpartition("@")
    user, _, password = login.partition(":")
    if "/" in database or "@" in database or "@" in login:
        raise ValueError(f"has more than one @ or /; {_ENCODE}")
    found = _HOST_AND_PORT.fullmatch(address)
    if not found:
        raise ValueError(f"must name a host, and its port as a number, if at all: {_SHAPES}")
    if not user:
        raise ValueError(f"must name a user: {_SHAPES}")
    if not database:
        raise ValueError(f"must name a database: {_SHAPES}")
    port = int(found[2] or 5432)
    if not 1 <= port <= 65_535:
        raise ValueError(f"has no port between 1 and 65535: {port}")
    return PostgresqlDatabase(found[1].strip("[]"), port, unquote(database), unquote(user), unquote(password))


def _printable(scheme: str) -> str:
    return scheme if re.fullmatch(r"[a-z0-9+.-]{1,30}", scheme) else "this"
