"""A million ended tasks in SQLite, and in PostgreSQL where it is installed: how long each filter of a list takes.

Beside it, how long one task by its ID takes, how many tasks a second are copied, and how many bytes each takes.
"""

import itertools
import os
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import orjson
import psycopg

from tests import postgresql
from tests.bench import week_of_tasks
from tests.bench.ratio import say
from tests.bench.week_of_tasks import BODY_COLUMNS, END, START, TASK_COLUMNS
from throughline.ledger.history import History
from throughline.ledger.states import Status
from throughline.ledger.task_query import TaskQuery

_TASKS: Final = int(os.environ.get("HISTORY_TASKS", "1000000"))
_MARK_MS: Final = 100.0
_ROUNDS: Final = 3
_BATCH: Final = 200
_DAY: Final = 86_400

Filters = Sequence[dict[str, Any]]
_FILTERS: Final[dict[str, Filters]] = {  # frequent, rare and matching nothing
    "no filter": ({},),
    "correlation_id": ({"correlation_id": "load-000000000007"}, {"correlation_id": "none"}),
    "status": tuple(
        {"statuses": each} for each in ((Status.SUCCESS,), (Status.REVOKED,), (Status.FAILURE, Status.REVOKED))
    ),
    "task_type": tuple({"task_type": each} for each in ("type-0", "type-7", "once", "none")),
    "queue": tuple({"queue": each} for each in ("high", "once", "none")),
    "worker": tuple({"worker": each} for each in ("worker-1", "worker-once", "none")),
    "error_type": tuple({"error_type": each} for each in ("ValueError", "OnceError", "none")),
    "slower_than_ms": tuple({"slower_than_ms": each} for each in (0, 500, 777, 30_000, 3_600_000, 1e12)),
    "status and task_type": tuple(
        {"task_type": each, "statuses": (status,)}
        for each, status in itertools.product(("type-0", "type-7", "once"), (Status.FAILURE, Status.REVOKED))
    ),
    "failures of an error_type": ({"error_type": "ValueError", "statuses": (Status.FAILURE,)},),
    "slower_than_ms and task_type": tuple(
        {"task_type": each, "slower_than_ms": slow}
        for each, slow in itertools.product(("type-0", "type-7", "once"), (500, 777, 1e12))
    ),
}
_CALLERS: Final[Filters] = ({}, {"caller": "ann"}, {"caller": "once"})
_TIMES: Final[Filters] = ({}, {"submitted_after": END - 3_600}, {"submitted_before": START + 3_600})


def _timed(work: Callable[[], object], rounds: int = _ROUNDS) -> list[float]:
    seconds = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        seconds.append((time.perf_counter() - began) * 1000)
    return seconds


def _lists(kind: str, history: History) -> None:
    ids = [week_of_tasks.example_id(number) for number in range(0, _TASKS, max(1, _TASKS // 50))]
    floor = statistics.median(_timed(lambda: [history.find([each]) for each in ids])) / len(ids)
    print(f"\n{kind}, {_TASKS:,} tasks; the floor, one task by its ID: {floor:.2f} ms")
    print(f"{'filter':30} {'p50':>8} {'max':>8}  ms, times the floor; each alone, with a caller, with a range of time")
    for name, filters in _FILTERS.items():
        middles: list[float] = []
        worst = 0.0
        all_of_them: list[float] = []
        for parts in itertools.product(filters, _CALLERS, _TIMES, (True, False)):
            wanted = {key: value for part in parts[:3] for key, value in part.items()}
            query = TaskQuery(**wanted, newest_first=parts[3])
            took = _timed(partial(history.list, query))
            middles.append(statistics.median(took))
            worst = max(worst, min(took))  # what the machine can, without what else it had to do
            all_of_them += took
        middle = statistics.median(middles)
        print(f"{name:30} {middle:8.2f} {max(all_of_them):8.2f}  ×{middle / floor:.1f}")
        say(f"{kind}: slowest {name}", worst, _MARK_MS, at_most=True, detail=f"ms, best of {_ROUNDS}")
    for name, seconds in (("an hour", 3_600), ("a day", _DAY), ("seven days", 7 * _DAY)):
        middle = statistics.median(_timed(partial(history.counts, TaskQuery(), END - seconds, END, 60)))
        print(f"counts of {name:20} {middle:8.2f}")
    middle = statistics.median(_timed(lambda: history.error_groups(START, END)))
    print(f"errors in groups, seven days   {middle:8.2f}")


def _archiving(kind: str, url: str, size: Callable[[], int]) -> None:
    """As the monitor does it: batches in a transaction each, committed durably."""
    history = History(url, writes=True)
    history.check()
    chance = random.Random(7)
    large = orjson.dumps([chance.random() for _ in range(520)]).decode()
    for name, result, count in (("a small one", '{"words":6}', 10_000), ("with a result of 10 KB", large, 2_000)):
        tasks = [week_of_tasks.example(number, result=result) for number in range(count)]
        began, before = time.perf_counter(), size()
        for start in range(0, count, _BATCH):
            history.archive(tasks[start : start + _BATCH])
        rate = count / (time.perf_counter() - began)
        print(
            f"{kind}, {name}: {rate:,.0f} tasks a second into an empty one, {(size() - before) / count:,.0f} bytes each"
        )
        while history.prune(END + _DAY):
            pass
    history.close()


def _fill_sqlite(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        columns = ", ".join(TASK_COLUMNS)
        places = ", ".join("?" * len(TASK_COLUMNS))
        bodies: list[tuple[Any, ...]] = []

        def tasks() -> Iterator[tuple[Any, ...]]:
            for number, (task, body) in enumerate(week_of_tasks.rows(_TASKS, callers=True), 1):
                bodies.append((number, *body))
                yield task

        connection.executemany(f"INSERT INTO tasks ({columns}) VALUES ({places})", tasks())
        connection.executemany("INSERT INTO bodies VALUES (?, ?, ?, ?)", bodies)
    connection.close()


def _fill_postgresql(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        with connection.cursor().copy(f"COPY tasks ({', '.join(TASK_COLUMNS)}) FROM STDIN") as copy:
            for task, _ in week_of_tasks.rows(_TASKS, callers=True):
                copy.write_row(task)
        with connection.cursor().copy(f"COPY bodies (id, {', '.join(BODY_COLUMNS)}) FROM STDIN") as copy:
            for number, (_, body) in enumerate(week_of_tasks.rows(_TASKS, callers=True), 1):
                copy.write_row((number, *body))
        connection.execute("VACUUM ANALYZE")


@contextmanager
def _filled(url: str, fill: Callable[[], None]) -> Iterator[History]:
    owner = History(url, writes=True)
    owner.check()
    owner.close()
    fill()
    history = History(url)
    yield history
    history.close()


def _sqlite(folder: Path) -> None:
    def size() -> int:
        return sum(each.stat().st_size for each in folder.glob("small.sqlite*") if not each.name.endswith("-shm"))

    def settled() -> int:
        with sqlite3.connect(folder / "small.sqlite") as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        return size()

    _archiving("SQLite", f"sqlite:///{folder}/small.sqlite", settled)
    path = folder / "million.sqlite"
    with _filled(f"sqlite:///{path}", lambda: _fill_sqlite(path)) as history:
        print(f"SQLite, with callers: {path.stat().st_size / _TASKS:,.0f} bytes a task")
        _lists("SQLite", history)


def _postgresql(folder: Path) -> None:
    if not postgresql.programs():
        print("\nPostgreSQL: left out, since neither `postgres` nor `initdb` is installed here")
        return
    with postgresql.running(folder / "postgresql", durable=True) as server:
        for name in ("small", "million"):
            server.run(f"CREATE DATABASE {name}")

        def size(name: str) -> int:
            with psycopg.connect(server.url(name), autocommit=True) as connection:
                connection.execute("CHECKPOINT")
                found = connection.execute("SELECT pg_database_size(current_database())").fetchone()
            return int(found[0]) if found else 0

        _archiving("PostgreSQL", server.url("small"), lambda: size("small"))
        url = server.url("million")
        with _filled(url, lambda: _fill_postgresql(url)) as history:
            print(f"PostgreSQL, with callers: {size('million') / _TASKS:,.0f} bytes a task")
            _lists("PostgreSQL", history)


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        _sqlite(Path(folder))
        _postgresql(Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
