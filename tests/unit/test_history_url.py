"""HISTORY_URL: what it may be, and what is wrong with it in one line that never holds the password."""

from pathlib import Path

import psutil
import pytest

from throughline import history_url
from throughline.history_url import PostgresqlDatabase, SqliteFile
from throughline.local import up
from throughline.settings import NineSettings


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///var/history.sqlite", "var/history.sqlite"),
        ("sqlite:////srv/history.sqlite", "/srv/history.sqlite"),
        ("SQLITE:////srv/with blank & %20.db", "/srv/with blank & %20.db"),
        (history_url.in_folder(Path("/a/var")), "/a/var/history.sqlite"),
        (history_url.in_folder(Path("var")), "var/history.sqlite"),
    ],
)
def test_a_path_after_three_slashes_is_a_file_of_sqlite(url: str, path: str):
    assert history_url.place(url) == SqliteFile(Path(path))


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg", "postgres"])
@pytest.mark.parametrize(
    ("rest", "place"),
    [
        ("ann:secret@db:5433/history", PostgresqlDatabase("db", 5433, "history", "ann", "secret")),
        ("ann@db.example/history", PostgresqlDatabase("db.example", 5432, "history", "ann", "")),
        ("ann:p%40%2F%3A%23@[::1]:5/h", PostgresqlDatabase("::1", 5, "h", "ann", "p@/:#")),
        ("ann:a:b@127.0.0.1/h", PostgresqlDatabase("127.0.0.1", 5432, "h", "ann", "a:b")),
    ],
)
def test_user_password_host_port_and_database_are_a_database_of_postgresql(
    scheme: str, rest: str, place: PostgresqlDatabase
):
    assert history_url.place(f"{scheme}://{rest}") == place


WRONG = {
    "var/history.sqlite": "must be a URL such as sqlite:///",
    "mysql://ann:topsecret@db/history": "cannot be mysql://",
    "redis://:topsecret@db": "cannot be redis://",
    "ann:topsecret ://x": "cannot be this://",
    "sqlite://": "needs three slashes",
    "sqlite://var/history.sqlite": "needs three slashes",
    "sqlite:///": "must name a file",
    "sqlite:///:memory:": "must name a file",
    "sqlite:///a.sqlite?mode=ro": "without options",
    "sqlite:///a\nb": "without options, question marks or control characters",
    "sqlite:///var/": "names the folder var/",
    "postgresql://": "must name a host",
    "postgresql:///history": "must name a host",
    "postgresql://ann:topsecret@/history": "must name a host",
    "postgresql://ann:topsecret@db:many/history": "its port as a number",
    "postgresql://ann:topsecret@db:70000/history": "no port between 1 and 65535",
    "postgresql://db/history": "must name a user",
    "postgresql://:topsecret@db/history": "must name a user",
    "postgresql://ann:topsecret@db": "must name a database",
    "postgresql://ann:topsecret@db/": "must name a database",
    "postgresql://ann:topsecret@db/history?sslmode=require": "takes no options",
    "postgresql://ann:top#secret@db/history": "percent-encoded",
    "postgresql://ann:top/secret@db/history": "percent-encoded",
    "postgresql://ann:top@secret@db/history": "percent-encoded",
}


@pytest.mark.parametrize("url", WRONG)
def test_what_cannot_be_a_history_is_refused_in_one_line_without_the_password(url: str):
    with pytest.raises(ValueError, match=r".") as told:
        history_url.checked(url)

    line = str(told.value)
    assert WRONG[url] in line
    assert "secret" not in line.replace("user:password", "")
    assert "\n" not in line


def test_a_place_as_text_is_without_the_password():
    place = history_url.place("postgresql://ann:topsecret@db/history")

    assert str(place) == repr(place) == "PostgreSQL at db:5432, database history, user ann"


def test_an_empty_one_is_left_to_the_default():
    assert history_url.checked("") == ""


def test_a_local_run_does_not_start_on_a_file_that_is_no_database(tmp_path, monkeypatch):
    file = tmp_path / "history.sqlite"
    file.write_bytes(b"no database at all" * 100)
    monkeypatch.setenv("VAR_DIR", str(tmp_path))
    with pytest.raises(SystemExit, match=f"Wrong setting: HISTORY_URL: the file {file} is not a SQLite database"):
        up._require_history(NineSettings.load())
    assert str(file) not in [opened.path for opened in psutil.Process().open_files()]
    file.unlink()
    up._require_history(NineSettings.load())  # the monitor makes it
