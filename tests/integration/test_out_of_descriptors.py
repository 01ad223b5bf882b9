"""A replica whose file descriptors are all taken says so, once, and is well again as soon as there are some."""

import json
import resource
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.integration.replica import Replica

LEFT = 20
Wait = Callable[..., Any]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="no other system limits a process that runs")


@pytest.fixture
def few(replica_with: Callable[..., Replica]) -> Iterator[Replica]:
    """A replica that may open only some more."""
    replica = replica_with()
    pid = replica.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    opened = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (opened + LEFT, before[1]))
    yield replica
    resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


def said(replica: Replica) -> list[str]:
    lines = (json.loads(line) for line in (replica.folder / "api.jsonl").read_text().splitlines())
    return [line["log.level"] for line in lines if "file descriptors" in line["message"]]


def ready(replica: Replica) -> tuple[int, str | None]:
    answer = replica.http.get("/health/ready")
    return answer.status_code, answer.json().get("code")


@pytest.mark.parametrize("connections", [LEFT - 4, LEFT + 30], ids=["hardly any are left", "none is left"])
def test_it_is_not_ready_as_long_as_they_are_short(few: Replica, wait_until: Wait, connections: int):
    before = len(said(few))
    assert ready(few) == (200, None)
    with ExitStack() as held:
        for _ in range(connections):
            held.enter_context(socket.create_connection(("127.0.0.1", few.port), 10))
        wait_until(lambda: ready(few) == (503, "DESCRIPTORS_SHORT"), 20, "it is not ready")
        assert said(few)[before:] == ["error"]
        assert few.http.get("/health/live").status_code == 200
    wait_until(lambda: ready(few) == (200, None), 20, "it is ready again")
    assert few.submit().status_code == 201
    assert said(few)[before:] == ["error", "warning"]
