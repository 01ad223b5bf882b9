"""Programs of ours, started for real on a Redis of the test's own."""

import io
import itertools
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing
from functools import cache
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import redis

from tests import plain_http, postgresql
from tests.conftest import free_port
from tests.integration.own_processes import OwnProcesses
from tests.integration.replica import Replica
from tests.integration.stock_client import StockClient
from tests.integration.stoppable_redis import StoppableRedis
from throughline.ledger import keys
from throughline.ledger.history import History
from throughline.telemetry.log_line import JsonLine


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What a replica, a worker and a monitor of one's own wrote last belongs to a failure."""
    report = yield
    if report.failed:
        for own in {it for it in getattr(item, "funcargs", {}).values() if isinstance(it, OwnProcesses)}:
            report.sections += own.last_words()
    return report


@pytest.fixture(scope="module", autouse=True)
def _empty_redis_for_each_file(redis_url: str) -> None:
    """The file before may have left an open circuit breaker."""
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()


@pytest.fixture(scope="module")
def queues(redis_url: str) -> Iterator[redis.Redis]:
    """For the last tests of a file, which share a worker: Redis is emptied for the first of them alone."""
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        client.flushall()
        yield client


@pytest.fixture
def log_lines() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """The log lines of the test, as they are written."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(JsonLine("test", "test-1", "1.0"))
    logger = logging.getLogger("throughline")
    logger.addHandler(handler)
    before = logger.level
    logger.setLevel(logging.DEBUG)
    yield lambda: [json.loads(line) for line in text.getvalue().splitlines()]
    logger.removeHandler(handler)
    logger.setLevel(before)


@pytest.fixture
def stoppable(tmp_path: Path, wait_until: Callable[..., Any]) -> Iterator[StoppableRedis]:
    server = StoppableRedis(tmp_path, wait_until)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def start(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """`start("celery", "-A", …, SPANS_DIR=…)` runs a Python program until the test ends; `output=` is its file."""
    yield from _started(redis_url, tmp_path_factory.mktemp("var"))


@pytest.fixture(scope="module")
def start_for_module(
    redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """The same until the module's last test ends."""
    yield from _started(redis_url, tmp_path_factory.mktemp("var"))


@pytest.fixture(scope="module")
def client_beside_worker(
    redis_url: str,
    start_for_module: Callable[..., "subprocess.Popen[str]"],
    wait_until: Callable[..., object],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[..., StockClient]]:
    """`client_beside_worker("worker.app", TASK_MAX_RETRIES="1")`: a stock client beside a worker, which is there."""
    with redis.Redis.from_url(redis_url, decode_responses=True) as broker, ExitStack() as clients:

        def started(app: str = "worker.app", **settings: str) -> StockClient:
            folder = tmp_path_factory.mktemp("var")
            (folder / "log").mkdir()
            command = ("celery", "-A", app, "worker", "--without-gossip", "--without-mingle")
            own = {"SPANS_DIR": str(folder / "spans")} | settings
            start_for_module(*command, output=folder / "log" / "worker.jsonl", **own)
            wait_until(lambda: broker.zcard(keys.WORKERS), 60, "the worker is there")
            return clients.enter_context(closing(StockClient(redis_url, broker, folder)))

        yield started


def _started(redis_url: str, var: Path) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """Programs that share a folder, and so a history, of their own: that of the checkout may hold a user's tasks."""
    with ExitStack() as programs:

        def started(*command: str, output: Path | None = None, **environment: str) -> "subprocess.Popen[str]":
            program = subprocess.Popen(
                [sys.executable, "-m", *command],
                env=os.environ | {"REDIS_URL": redis_url, "VAR_DIR": str(var)} | environment,
                stdout=subprocess.PIPE if output is None else programs.enter_context(output.open("w")),
                stderr=subprocess.STDOUT,
                text=True,
            )
            programs.enter_context(program)
            programs.callback(_end, program)
            return program

        yield started


def _end(program: "subprocess.Popen[str]") -> None:
    """Asks it to stop, and does not wait for ever. Its output is read, so that a full pipe cannot block it."""
    program.terminate()
    try:
        program.communicate(timeout=20)
    except subprocess.TimeoutExpired:
        program.kill()


DATABASES = ["sqlite", *(["postgresql"] if postgresql.programs() else [])]


@pytest.fixture(scope="session")
def postgresql_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[postgresql.Server]:
    """A real PostgreSQL."""
    with postgresql.running(tmp_path_factory.mktemp("postgresql")) as server:
        yield server


# Of the process: pytest makes the fixture below anew whenever it comes back to PostgreSQL, and the server stays.
_DATABASE_NUMBERS: Final = itertools.count()


@pytest.fixture(scope="session", params=DATABASES)
def new_history_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], str]:
    """`new_history_url()` is the URL of an empty database; each test that uses it runs on both of them."""
    if request.param == "sqlite":
        return lambda: f"sqlite:///{tmp_path_factory.mktemp('history') / 'history.sqlite'}"
    server = request.getfixturevalue("postgresql_server")

    def new() -> str:
        name = f"history_{next(_DATABASE_NUMBERS)}"
        server.run(f"CREATE DATABASE {name}")
        return str(server.url(name))

    return new


@pytest.fixture
def history(new_history_url: Callable[[], str]) -> Iterator[History]:
    """An empty history, as the monitor has it."""
    history = History(new_history_url(), writes=True)
    yield history
    history.close()


@pytest.fixture(scope="module")
def replica_with(
    start_for_module: Callable[..., "subprocess.Popen[str]"],
    tmp_path_factory: pytest.TempPathFactory,
    wait_until: Callable[[Callable[[], object], float, str], Any],
) -> Iterator[Callable[..., Replica]]:
    """`replica_with(OTEL_…="…")` starts a replica with these variables; one for each set of them."""
    clients = ExitStack()

    @cache
    def started(app: str = "tests.integration.odd_api:app", **environment: str) -> Replica:
        folder, port = tmp_path_factory.mktemp("replica"), free_port()
        own = {"SPANS_DIR": str(folder / "spans"), "SERVICE_NODE_NAME": "fastapi-1"}
        command = ("uvicorn", app, "--port", str(port), "--no-access-log")
        process = start_for_module(*command, output=folder / "api.jsonl", **own | environment)
        client = clients.enter_context(plain_http.client(f"http://127.0.0.1:{port}", timeout=10))
        wait_until(lambda: _answers(client), 30, "the replica answers")
        return Replica(port, process, client, folder, wait_until)

    with clients:
        yield started


def _answers(client: httpx.Client) -> bool:
    """Whether it answers; there is no worker."""
    try:
        return client.get("/health/live").is_success
    except httpx.TransportError:
        return False
