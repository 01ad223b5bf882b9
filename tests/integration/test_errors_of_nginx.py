"""NGINX behind its filter, as the local run starts it: nothing of a request is written, and none is held up."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import lone_nginx, plain_http, raw_request
from tests.lone_nginx import PROGRAM, Nginx
from throughline.local import session

SECRET = "s3cret-value"
SENT = {
    "Referer": f"http://u:{SECRET}@x/?{SECRET}",
    "X-API-Key": SECRET,
    "Cookie": SECRET,
    "Authorization": f"Bearer {SECRET}",
}


@pytest.fixture
def nginx(tmp_path: Path, wait_until: Callable[..., Any]) -> Iterator[Nginx]:
    var = tmp_path / "var"
    files = (var / "nginx" / "nginx.pid", var / "spans" / "nginx.jsonl", var / "conf" / "nginx-version")
    program = (sys.executable, "-m", "throughline.local.nginx_process", *map(str, files), PROGRAM)
    with lone_nginx.started(tmp_path, wait_until, *program) as running:
        wait_until(lambda: answers(running), 20, "NGINX answers")
        yield running


def answers(nginx: Nginx) -> bool:
    try:
        return raw_request.send(nginx.port, "/health", []) == 200
    except OSError:
        return False


def beside(nginx: Nginx, name: str) -> list[int]:
    """The processes with this in their command line that belong to this NGINX."""
    folder = str(nginx.folder)
    return [pid for pid, command in session.live_processes() if name in command and folder in command]


def errors(nginx: Nginx) -> list[dict[str, Any]]:
    return [line for line in nginx.lines() if "event.action" not in line]


def provoke(nginx: Nginx) -> None:
    """One error of each kind that NGINX writes down at its level."""
    with plain_http.client(f"http://127.0.0.1:{nginx.port}", headers=SENT) as client:
        assert client.get(f"/journeys/x?api_key={SECRET}").status_code == 502  # nobody listens on the monitor's port
        assert client.post(f"/api/v1/tasks?{SECRET}", content=b"x" * 1_100_000).status_code == 413


def test_errors_are_lines_without_the_request_and_come_back_when_the_filter_was_killed(
    nginx: Nginx, wait_until: Callable[..., Any]
):
    provoke(nginx)
    wait_until(lambda: len(errors(nginx)) >= 2, 20, "both errors are written")
    assert {line["message"].partition(":")[0] for line in errors(nginx)} == {
        "connect() failed (111",
        "client intended to send too large body",
    }
    for pid in beside(nginx, "errors.awk"):
        os.kill(pid, signal.SIGKILL)
    provoke(nginx)
    wait_until(lambda: len(errors(nginx)) >= 4, 20, "the errors after that too")
    for path in nginx.folder.rglob("*"):
        assert not path.is_file() or SECRET.encode() not in path.read_bytes(), path


def test_a_filter_that_stands_still_holds_up_no_request(nginx: Nginx):
    filters = beside(nginx, "errors.awk") + beside(nginx, "errors.sh")
    assert filters
    for pid in filters:
        os.kill(pid, signal.SIGSTOP)
    try:
        with plain_http.client(f"http://127.0.0.1:{nginx.port}") as client:
            for _ in range(400):  # of some 260 bytes each: a pipe holds 64 KiB
                assert client.get("/journeys/x").status_code == 502
    finally:
        for pid in filters:
            os.kill(pid, signal.SIGCONT)
