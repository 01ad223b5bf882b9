"""What benches of the api start: an empty Redis, one uvicorn process on it."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from tests.conftest import free_port


@contextmanager
def served(**environment: str) -> Iterator[str]:
    """The address of an api on a Redis of its own; a keyword is an environment variable."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "api.main:app", "--port", str(port), "--no-access-log"]
    with empty_redis() as redis_url, tempfile.TemporaryDirectory() as folder, Path(folder, "log").open("wb") as log:
        own = {"REDIS_URL": redis_url, "SPANS_DIR": folder, "VAR_DIR": folder}
        with subprocess.Popen(command, env=os.environ | own | environment, stdout=log, stderr=log) as program:
            try:
                await_answer(f"http://127.0.0.1:{port}/openapi.json", Path(folder, "log"))
                yield f"http://127.0.0.1:{port}"
            finally:
                program.terminate()


def await_answer(url: str, log: Path) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            with urlopen(url, timeout=5):
                return
        except (URLError, OSError):
            if time.monotonic() > deadline:
                sys.exit(f"{url} does not answer:\n{log.read_text()[-2000:]}")
            time.sleep(0.1)


@contextmanager
def empty_redis() -> Iterator[str]:
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        try:
            url = f"redis://127.0.0.1:{port}/0"
            deadline = time.monotonic() + 10
            while not _pings(url):
                if time.monotonic() > deadline:
                    sys.exit("redis-server does not start")
                time.sleep(0.05)
            yield url
        finally:
            server.terminate()


def _pings(url: str) -> bool:
    try:
        with Redis.from_url(url) as client:
            return bool(client.ping())
    except RedisConnectionError:  # not there yet
        return False
