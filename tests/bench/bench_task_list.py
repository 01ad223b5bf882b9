"""GET /api/v1/tasks with a million tasks in the history: each filter through the whole api, beside GET /health/live."""

import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import httpx

from tests import plain_http
from tests.bench import week_of_tasks as week
from tests.bench.api_server import served
from tests.bench.ratio import say
from throughline.ledger.history import History, packing
from throughline.ledger.history.schema import bodies, tasks
from throughline.ledger.stored_task import StoredTask

TASKS: Final = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
ROUNDS: Final = 31
MARK_MS: Final = 100
MIDDLE: Final = week.START + 3 * 86_400
DAY: Final = f"&submitted_after={week.END - 86_400:.0f}"

FILTERS: Final = {
    "no filter": "",
    "the oldest first": "order=oldest",
    "a correlation ID": f"correlation_id=load-{TASKS // 6:012x}",
    "a frequent state": "status=SUCCESS",
    "failures": "status=FAILURE",
    "a frequent type": "task_type=type-0",
    "a rare type": "task_type=once",
    "a type that is none": "task_type=nobody",
    "a queue": "queue=low",
    "a worker": "worker=worker-7",
    "a rare worker": "worker=worker-once",
    "an error": "error_type=ValueError",
    "a rare error": "error_type=OnceError",
    "slower than 1 s": "slower_than_ms=1000",
    "slower than an hour": "slower_than_ms=3600000",
    "a day in the middle": f"submitted_after={MIDDLE:.0f}&submitted_before={MIDDLE + 86_400:.0f}",
    "failures of a type, the last day": f"status=FAILURE&task_type=type-7{DAY}",
    "a type on a worker, slow": "task_type=type-6&worker=worker-3&slower_than_ms=2000",
    "open tasks alone": "status=PENDING,STARTED,RETRY",
}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "history.sqlite")
        _fill(file)
        print(f"{TASKS:,} tasks, {file.stat().st_size / 1e6:,.0f} MB; medians of {ROUNDS}, in turns")
        with served(HISTORY_URL=f"sqlite:///{file}") as url, plain_http.client(url) as client:
            for name, query in FILTERS.items():
                took, floor, found = _measured(client, f"/api/v1/tasks?{query}")
                told = f"{found} tasks, {took / floor:.1f} times GET /health/live ({floor:.2f} ms)"
                say(f"{name}, ms", took, MARK_MS, at_most=True, detail=told)


def _measured(client: httpx.Client, path: str) -> tuple[float, float, int]:
    """Milliseconds of the list and of the floor, and how many tasks the list had."""
    pairs = [(_milliseconds(client, path), _milliseconds(client, "/health/live")) for _ in range(ROUNDS)]
    took, floor = (statistics.median(column) for column in zip(*pairs, strict=True))
    return took, floor, len(client.get(path).json()["tasks"])


def _milliseconds(client: httpx.Client, path: str) -> float:
    began = time.perf_counter()
    answer = client.get(path)
    took = (time.perf_counter() - began) * 1000
    assert answer.status_code == 200, answer.text
    return took


def _fill(file: Path) -> None:
    history = History(f"sqlite:///{file}", writes=True)
    history.check()
    history.close()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        _insert(connection, tasks.name, ("id", *week.TASK_COLUMNS), (row for row, _ in _rows()))
        _insert(connection, bodies.name, ("id", *week.BODY_COLUMNS), (row for _, row in _rows()))
        connection.commit()


def _insert(connection: sqlite3.Connection, table: str, columns: tuple[str, ...], rows: Iterator[Any]) -> None:
    places = ", ".join("?" * len(columns))
    connection.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})", rows)


def _rows() -> Iterator[tuple[tuple[Any, ...], tuple[Any, ...]]]:
    """Rows of both tables. Each record is the task's own, so that what is answered can be told apart."""
    example = week.example()
    for number, (row, (_, result, message)) in enumerate(week.rows(TASKS, callers=False), 1):
        told = dict(zip(week.TASK_COLUMNS, row, strict=True))
        times = {name: f"{told[name]:.6f}" for name in ("submitted_at", "started_at", "finished_at")}
        own = {name: told[name] for name in ("status", "task_type", "queue", "correlation_id")}
        record = packing.packed_record(
            StoredTask(told["task_id"], {**example.fields, **own, **times}, example.attempts)
        )
        yield (number, *row), (number, record, result, message)


if __name__ == "__main__":
    main()
