"""A port that cannot be had gives one line that names it and the variable that moves it."""

import socket
from collections.abc import Iterator

import pytest

from tests.system.nine import free_base
from throughline.local import ports
from throughline.local.run import CannotRun, Run


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that is taken while the one below it is free."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", free_base() + 1))
        listener.listen()
        yield int(listener.getsockname()[1])


def run(http_port: int, redis_port: int) -> Run:
    return Run("/var", http_port, f"redis://127.0.0.1:{redis_port}/0", 1, 1, "/socket")


def test_the_port_of_a_replica_follows_http_port(taken: int):
    with pytest.raises(CannotRun, match=rf"^Port {taken} \(fastapi-1\) is taken by another program\. .*HTTP_PORT=\d+"):
        ports.require_free(run(taken - 1, 1), own_redis_url=False)


def test_the_port_of_redis_follows_redis_url_when_that_is_set(taken: int):
    free = free_base()

    with pytest.raises(CannotRun, match=rf"^Port {taken} \(redis\) .*REDIS_URL=redis://127\.0\.0\.1:{taken + 1}/0"):
        ports.require_free(run(free, taken), own_redis_url=True)
    with pytest.raises(CannotRun, match=rf"^Port {taken} \(redis\) .*HTTP_PORT="):
        ports.require_free(run(free, taken), own_redis_url=False)


def test_the_port_of_redis_may_not_be_one_that_follows_http_port():
    with pytest.raises(CannotRun, match=r"^REDIS_URL \(port 8081\) .*fastapi-1, .*HTTP_PORT \(8080\)") as refused:
        ports.require_free(run(8080, 8081), own_redis_url=True)

    assert "REDIS_URL=redis://127.0.0.1:8082/0" in str(refused.value)


def test_every_process_has_a_port_of_its_own():
    used = Run("/var", 8080, "redis://127.0.0.1:8085/0", 3, 3, "/socket").ports

    assert used == {
        "nginx": 8080,
        "fastapi-1": 8081,
        "fastapi-2": 8082,
        "fastapi-3": 8083,
        "monitor": 8084,
        "redis": 8085,
    }
