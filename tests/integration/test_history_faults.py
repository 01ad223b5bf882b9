"""A history that is away, not set up yet or wrong: which it is, said in time and without the password."""

import asyncio
import gc
import os
import sqlite3
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from alembic.config import Config
from alembic.script import ScriptDirectory

from tests import postgresql
from tests.conftest import free_port
from tests.integration.ended_task import ended
from throughline.ledger.history import (
    AsyncHistory,
    History,
    HistoryUnavailable,
    HistoryWrong,
    NotStored,
    check_at_start,
    engine,
    migration,
)
from throughline.ledger.history.schema import REVISIONS, metadata
from throughline.ledger.task_query import TaskQuery

_open: list[History] = []


def opened(url: str, **named: Any) -> History:
    _open.append(History(url, **named))
    return _open[-1]


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    while _open:
        _open.pop().close()


NEED_POSTGRESQL = [] if postgresql.programs() is None else ["postgresql"]


def test_the_revisions_that_the_code_knows_are_those_of_its_migrations():
    config = Config()
    config.set_main_option("script_location", "throughline.ledger.history:migrations")
    revisions = [each.revision for each in ScriptDirectory.from_config(config).walk_revisions()]

    assert tuple(reversed(revisions)) == REVISIONS


def test_the_migrations_make_the_tables_that_the_code_reads(history: History):
    history.check()
    found = sqlalchemy.inspect(history._engine)

    for table in metadata.sorted_tables:
        assert {each["name"] for each in found.get_columns(table.name)} == set(table.columns.keys())


def test_many_processes_that_start_at_once_all_come_through(new_history_url: Callable[[], str]):
    url, gate = new_history_url(), threading.Barrier(6)

    def start(number: int) -> None:
        gate.wait(10)
        history = opened(url, writes=True)
        history.archive([ended(f"t{number}")])
        history.close()

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(start, range(6)))

    history = opened(url)
    assert len(history.list(TaskQuery())) == 6
    history.close()


def test_many_writers_at_once_lose_nothing_and_block_each_other_for_no_longer_than_a_batch(new_history_url):
    url = new_history_url()
    tasks = [ended(f"t{number:03}") for number in range(200)]
    opened(url, writes=True).check()

    def write(turn: int) -> None:
        history = opened(url, writes=True, timeout=20)
        for _ in range(4):
            history.archive(tasks[::-1] if turn % 2 else tasks)
        history.close()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, range(4)))

    history = opened(url)
    assert len(history.list(TaskQuery(limit=500))) == 200
    history.close()


def test_one_that_the_database_refuses_keeps_no_other_out(history: History, monkeypatch: pytest.MonkeyPatch):
    history.check()
    with history._engine.begin() as connection:
        refuse = {
            "sqlite": "CREATE TRIGGER no BEFORE INSERT ON tasks WHEN NEW.task_id = 'bad' "
            "BEGIN SELECT RAISE(ABORT, 'refused'); END",
            "postgresql": "ALTER TABLE tasks ADD CONSTRAINT no CHECK (task_id <> 'bad')",
        }
        connection.exec_driver_sql(refuse[connection.dialect.name])

    with pytest.raises(NotStored) as told:
        history.archive([ended("a"), ended("bad"), ended("z")])

    assert list(told.value.reasons) == ["bad"]
    assert set(history.find(["a", "bad", "z"])) == {"a", "z"}


def changed(url: str, *statements: str) -> None:
    """By another version of Throughline."""
    history = opened(url, writes=True)
    history.check()
    with history._engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    history.close()


NEWER = "UPDATE alembic_version SET version_num = '9999'"


def test_code_goes_on_with_a_newer_database_to_which_something_was_added(new_history_url: Callable[[], str]):
    url = new_history_url()
    running = opened(url, writes=True)
    running.archive([ended("before")])
    changed(
        url,
        "ALTER TABLE tasks ADD COLUMN region TEXT",
        "ALTER TABLE tasks ADD COLUMN cost DOUBLE PRECISION NOT NULL DEFAULT 0",
        "CREATE TABLE regions (name TEXT)",
        NEWER,
    )

    running.archive([ended("while it runs")])
    running.close()
    started = opened(url, writes=True)
    started.set_up()
    started.archive([ended("after its start")])
    assert len(opened(url).list(TaskQuery())) == 3


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("ALTER TABLE tasks RENAME COLUMN duration_class TO class", "tasks.duration_class is gone"),
        ("ALTER TABLE bodies DROP COLUMN message", "bodies.message is gone"),
        ("DROP TABLE bodies", "bodies.id is gone"),
        ("CREATE TABLE new AS SELECT * FROM tasks; DROP TABLE tasks", "tasks.id is gone"),
    ],
)
def test_a_newer_database_without_what_the_code_needs_is_wrong_for_writers_and_readers(
    new_history_url: Callable[[], str], change: str, words: str
):
    url = new_history_url()
    indexes = [f"DROP INDEX {name}" for name in indexes_of(url) if "duration_class" in name]
    changed(url, *indexes, *change.split("; "), NEWER)

    for writes in (True, False):
        with pytest.raises(HistoryWrong, match=rf"newer than this Throughline.*9999.*{words}") as told:
            opened(url, writes=writes).check()
        assert str(told.value).startswith("Wrong setting: HISTORY_URL: ")


def test_a_newer_database_with_a_column_that_has_to_be_written_is_wrong(new_history_url: Callable[[], str]):
    url = new_history_url()
    changed(
        url, "DROP TABLE bodies", "CREATE TABLE bodies (id INT, record INT, result INT, message INT, a INT NOT NULL)"
    )
    changed(url, NEWER)

    with pytest.raises(HistoryWrong, match=r"bodies\.a has to be written"):
        opened(url).check()


def test_newer_code_says_what_it_waits_for_and_goes_on_once_it_is_there(
    new_history_url: Callable[[], str], monkeypatch: pytest.MonkeyPatch
):
    url = new_history_url()
    old = opened(url, writes=True)
    old.archive([ended("a")])
    monkeypatch.setattr(migration, "REVISIONS", (*REVISIONS, "0002"))

    check_at_start(url)
    new = opened(url)
    with pytest.raises(
        HistoryUnavailable, match=r"not set up for this version yet: .*version 0001, and 0002 is waited"
    ):
        new.find(["a"])
    changed_by_owner = "UPDATE alembic_version SET version_num = '0002'"
    with old._engine.begin() as connection:
        connection.exec_driver_sql(changed_by_owner)

    assert new.find(["a"]).keys() == {"a"}


def indexes_of(url: str) -> list[str]:
    history = opened(url, writes=True)
    history.check()
    return [str(each["name"]) for each in sqlalchemy.inspect(history._engine).get_indexes("tasks")]


class TestSqlite:
    """What can be wrong with a file."""

    def test_before_the_monitor_has_made_the_file_the_history_is_empty(self, tmp_path: Path):
        history = opened(f"sqlite:///{tmp_path}/history.sqlite")
        history.check()

        assert history.list(TaskQuery()) == []
        assert history.find(["a"]) == {}
        assert history.error_groups(0, 1) == []
        assert list(tmp_path.iterdir()) == []

    def test_its_files_can_be_read_by_nobody_else(self, tmp_path: Path):
        history = opened(f"sqlite:///{tmp_path}/history.sqlite", writes=True)
        history.archive([ended("t-1")])

        modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}
        assert set(modes) >= {"history.sqlite", "history.sqlite-wal"}
        assert set(modes.values()) == {0o600}

    @pytest.mark.parametrize("has_made", ["nothing", "a file without tables"])
    def test_what_the_monitor_has_not_set_up_yet_is_an_empty_history_until_it_stores(
        self, tmp_path: Path, has_made: str
    ):
        url = f"sqlite:///{tmp_path}/history.sqlite"
        if has_made != "nothing":
            (tmp_path / "history.sqlite").touch()
        reader, writer = opened(url), opened(url, writes=True)
        assert reader.list(TaskQuery()) == []
        writer.archive([ended("a")])

        assert set(reader.find(["a"])) == {"a"}
        reader.close()
        writer.close()

    def test_a_folder_that_is_not_there_is_wrong(self, tmp_path: Path):
        with pytest.raises(HistoryWrong, match="nowhere is not there"):
            opened(f"sqlite:///{tmp_path}/nowhere/history.sqlite", writes=True).check()

    def test_a_file_that_is_no_database_is_wrong(self, tmp_path: Path):
        (tmp_path / "history.sqlite").write_text("not a database at all, " * 100)
        for writes in (True, False):
            with pytest.raises(HistoryWrong, match="is not a SQLite database"):
                opened(f"sqlite:///{tmp_path}/history.sqlite", writes=writes).check()

    def test_another_writer_that_does_not_end_makes_it_unavailable_and_readers_go_on(self, tmp_path: Path):
        url = f"sqlite:///{tmp_path}/history.sqlite"
        history = opened(url, writes=True, timeout=0.3)
        history.archive([ended("a")])
        other = sqlite3.connect(tmp_path / "history.sqlite", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(HistoryUnavailable, match="another process writes"):
            history.archive([ended("b")])
        assert set(history.find(["a"])) == {"a"}
        other.execute("ROLLBACK")
        history.archive([ended("b")])
        history.close()

    def test_a_full_disk_makes_it_unavailable(self, tmp_path: Path):
        history = opened(f"sqlite:///{tmp_path}/history.sqlite", writes=True)
        history.check()
        with history._engine.connect() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
            # Of this connection only, which the next call takes from the pool.

        with pytest.raises(HistoryUnavailable, match="the disk is full"):
            history.archive([replace(ended(f"t{number}"), message=os.urandom(3_000).hex()) for number in range(200)])
        history.close()

    def test_a_query_that_takes_too_long_is_ended(self, tmp_path: Path):
        history = opened(f"sqlite:///{tmp_path}/history.sqlite", writes=True, timeout=0.2)
        history.check()
        began = time.monotonic()
        with pytest.raises(HistoryUnavailable, match="took too long"), history._read() as connection:
            assert connection
            endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
            connection.exec_driver_sql(endless).all()
        assert time.monotonic() - began < 5
        history.close()

    def test_pruning_lets_the_file_shrink(self, tmp_path: Path):
        history = opened(f"sqlite:///{tmp_path}/history.sqlite", writes=True)
        history.archive([replace(ended(f"t{number}"), message=os.urandom(3_000).hex()) for number in range(1_000)])
        with history._engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        full = (tmp_path / "history.sqlite").stat().st_size
        while history.prune(2e9, 100):
            pass
        with history._engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

        assert (tmp_path / "history.sqlite").stat().st_size < full / 4
        history.close()

    def test_a_file_that_was_replaced_under_a_running_process_is_opened_anew(self, tmp_path: Path):
        """As when a backup is put back: what is written to the old file would be lost with it."""
        url = f"sqlite:///{tmp_path}/history.sqlite"
        history = opened(url, writes=True)
        history.archive([ended("old")])
        for each in tmp_path.iterdir():
            each.unlink()
        opened(url, writes=True).check()
        history.archive([ended("new")])

        assert set(opened(url).find(["old", "new"])) == {"new"}
        history.close()


def test_a_folder_that_may_not_be_written_to_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Root, who may run this test, may write everywhere."""
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(HistoryWrong, match="may not be written to"):
        opened(f"sqlite:///{tmp_path}/history.sqlite", writes=True).check()


@pytest.fixture(params=NEED_POSTGRESQL)
def server(request: pytest.FixtureRequest, postgresql_server: postgresql.Server) -> Iterator[postgresql.Server]:
    yield postgresql_server
    postgresql_server.thaw()


class TestPostgresql:
    """What can be wrong with a server."""

    @pytest.mark.parametrize(
        ("database", "user", "password", "says"),
        [
            ("postgres", "owner", "wrong-password", "does not take the password"),
            ("postgres", "nobody", "wrong-password", "does not take the password"),
            ("postgres", "owner", "", "does not take the password"),
            ("no_such_database", "owner", "secret", "has no such database"),
        ],
    )
    def test_a_login_or_database_that_is_refused_is_wrong(self, server, database, user, password, says):
        with pytest.raises(HistoryWrong, match=f"^Wrong setting: HISTORY_URL: PostgreSQL at .*{says}") as told:
            opened(server.url(database, user, password), writes=True).check()
        assert "wrong-password" not in str(told.value)
        assert "\n" not in str(told.value)

    def test_nothing_that_listens_is_away(self):
        with pytest.raises(HistoryUnavailable, match="refused"):
            opened(f"postgresql://ann:topsecret@127.0.0.1:{free_port()}/history").check()

    def test_a_host_without_an_address_is_away(self):
        with pytest.raises(HistoryUnavailable, match=r"no-such-host\.invalid"):
            opened("postgresql://ann:topsecret@no-such-host.invalid/history").check()

    def test_a_reader_waits_for_the_owner_and_may_not_write(self, server):
        server.run("CREATE DATABASE roles", "CREATE ROLE reader LOGIN PASSWORD 'r'")
        reader = opened(server.url("roles", "reader", "r"))
        with pytest.raises(HistoryUnavailable, match="is not set up yet"):
            reader.list(TaskQuery())
        as_writer = opened(server.url("roles", "reader", "r"), writes=True)
        with pytest.raises(HistoryUnavailable, match="is not set up yet"):
            as_writer.check()

        owner = opened(server.url("roles"), writes=True)
        owner.set_up()
        owner.archive([ended("a")])
        server.run("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader", database="roles")
        assert set(reader.find(["a"])) == {"a"}
        with pytest.raises(HistoryWrong, match="no right to do this"):
            as_writer.archive([ended("b")])
        for each in (reader, as_writer, owner):
            each.close()

    def test_a_restart_of_the_server_is_not_noticed(self, server):
        server.run("CREATE DATABASE restarted")
        history = opened(server.url("restarted"), writes=True)
        history.archive([ended("a")])
        server.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'restarted'")

        assert set(history.find(["a"])) == {"a"}
        history.close()

    def test_a_frozen_server_is_unavailable_within_the_deadline_and_frees_its_threads(self, server, wait_until):
        server.run("CREATE DATABASE frozen")

        async def scene() -> None:
            history = AsyncHistory(server.url("frozen"), writes=True)
            # The first call sets it up, which may take longer than a call may.
            await until(history.check)
            await history.archive([ended("a")])
            server.freeze()
            began = time.monotonic()
            answers = await asyncio.gather(*(history.find(["a"]) for _ in range(20)), return_exceptions=True)
            assert {type(each) for each in answers} == {HistoryUnavailable}
            assert time.monotonic() - began < 3  # one after the other they would take twenty seconds
            began = time.monotonic()
            with pytest.raises(HistoryUnavailable):
                await history.find(["a"])
            assert time.monotonic() - began < 3
            for _ in range(10):
                with pytest.raises(HistoryUnavailable):
                    await history.list(TaskQuery())
            server.thaw()
            await until(lambda: history.find(["a"]))
            await history.close()

        asyncio.run(scene())
        wait_until(lambda: not any(each.name.startswith("history") for each in threading.enumerate()), 20, "no thread")

    def test_a_blocking_call_to_a_frozen_server_ends(self, server):
        server.run("CREATE DATABASE stopped")
        history = opened(server.url("stopped"), writes=True, timeout=0.5)
        history.archive([ended("a")])
        server.freeze()
        began = time.monotonic()
        for _ in range(2):
            with pytest.raises(HistoryUnavailable):
                history.archive([ended("b")])
        assert time.monotonic() - began < 10
        server.thaw()
        history.archive([ended("b")])
        history.close()

    def test_the_connections_of_all_processes_are_far_fewer_than_a_server_allows(self):
        assert (3 + 2) * 2 * engine.POOL_SIZE < 100


@pytest.mark.parametrize("left", [("-wal", "-shm"), ()], ids=["with its log left", "whole"])
def test_a_file_that_is_taken_away_while_it_is_used_is_made_anew(tmp_path: Path, left: tuple[str, ...]):
    path = tmp_path / "history.sqlite"
    history = opened(f"sqlite:///{path}", writes=True)
    history.archive([ended("a")])
    for name in {"", "-wal", "-shm"} - set(left):
        path.with_name(path.name + name).unlink(missing_ok=True)
    with suppress(HistoryUnavailable):
        history.archive([ended("b")])
    history.archive([ended("b"), ended("c")])
    assert set(history.find(["a", "b", "c"])) == {"b", "c"}


@pytest.mark.parametrize("seconds", [0, 0.3], ids=["in time", "after its deadline"])
def test_a_refusal_is_told_to_whoever_asked_and_to_nobody_else(tmp_path, monkeypatch, seconds):
    complaints: list[dict[str, object]] = []
    refused = threading.Event()

    def refuse(*_: object, **__: object) -> None:
        time.sleep(seconds)
        refused.set()
        raise HistoryUnavailable("it is away")

    async def scene() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, complaint: complaints.append(complaint))
        history = AsyncHistory(f"sqlite:///{tmp_path}/history.sqlite", deadline=0.1)
        with pytest.raises(HistoryUnavailable):
            await history.find(["a"])
        assert await asyncio.to_thread(refused.wait, 10)
        await asyncio.sleep(0)  # the loop hears of the late answer
        await history.close()
        gc.collect()

    monkeypatch.setattr(History, "find", refuse)
    asyncio.run(scene())
    gc.collect()
    assert complaints == []


async def until(call: Callable[[], Awaitable[object]]) -> None:
    deadline = time.monotonic() + 15
    while True:
        try:
            await call()
        except HistoryUnavailable:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
        else:
            return
