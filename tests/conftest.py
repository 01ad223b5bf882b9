"""What tests of every kind share: free ports, waiting with a deadline, a real Redis of their own."""

import os
import random
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import hypothesis
import pytest
import redis
from xdist.remote import Producer

from tests import distribution, unclosed_sockets

# `make model` runs with this profile, every other run with Hypothesis's own.
hypothesis.settings.register_profile("long", max_examples=int(os.environ.get("MODEL_EXAMPLES", "2000")), deadline=None)


# What a folder's tests are marked with, and are not run without: they need more than this checkout.
_MARKERS = {"stack": "stack", "chart": "cluster", "cluster": "cluster"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        folder = item.path.relative_to(Path(__file__).parent).parts[0]
        if folder in _MARKERS:
            item.add_marker(_MARKERS[folder])
    if hasattr(config, "workerinput"):  # one of the processes of `pytest -n`
        items.sort(key=distribution.place)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> distribution.SharedNine | None:
    return distribution.SharedNine(config, log) if config.option.dist == "loadfile" else None


@pytest.hookimpl(trylast=True)
def pytest_configure() -> None:
    unclosed_sockets.install()


def pytest_runtest_setup(item: pytest.Item) -> None:
    unclosed_sockets.begins(item.nodeid)


def free_port() -> int:
    """Below the ports that systems give to clients: none of them can take it before the server that it is for."""
    while True:
        port = random.randrange(30_000, 32_700)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def is_healthy(replica: httpx.Client) -> bool:
    """Whether it answers, and sees Redis and a worker."""
    try:
        return bool(replica.get("/health").json()["status"] == "healthy")
    except httpx.TransportError:
        return False


@pytest.fixture(scope="session")
def wait_until() -> Callable[..., object]:
    """`wait_until(condition, seconds, what)` returns the condition's first true value; fails after the deadline."""

    def wait(condition: Callable[[], object], seconds: float, what: str) -> object:
        deadline = time.monotonic() + seconds
        while True:
            asked = time.monotonic()
            if value := condition():
                return value
            if time.monotonic() > deadline:
                pytest.fail(f"after {seconds} s still not so: {what}")
            # What is costly to ask is asked less often: the processor is for those that are waited for.
            time.sleep(max(0.02, 2 * (time.monotonic() - asked)))

    return wait


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory, wait_until: Callable[..., object]) -> Iterator[str]:
    """A real Redis, as configured for the nine, for tests that need no more than that."""
    program = shutil.which("redis-server")
    assert program, "redis-server is not installed: `make setup` installs it"
    folder, port = tmp_path_factory.mktemp("redis"), free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes", "--dir", str(folder)]
    with subprocess.Popen([program, *options], stdout=subprocess.DEVNULL) as server:
        url = f"redis://127.0.0.1:{port}/0"
        with redis.Redis.from_url(url) as client:
            wait_until(lambda: _answers(client), 10, "Redis answers")
        yield url
        server.terminate()


@pytest.fixture
def broker(redis_url: str) -> Iterator[redis.Redis]:
    """A client to an empty Redis."""
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        client.flushall()
        yield client


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False
