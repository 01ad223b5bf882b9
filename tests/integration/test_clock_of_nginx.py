"""The monitor asks NGINX for its time: a host whose clock is off is told, a busy one and a stranger are not."""

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from monitor.nginx_clocks import NginxClocks
from tests import faketime, lone_nginx, plain_http
from tests.json_server import Server
from throughline.ledger import redis_clock
from throughline.ledger.deployments import Instance
from throughline.ledger.redis_clock import RedisClock
from throughline.settings import MonitorSettings

WITHIN_MS = 50.0  # the round trips of a busy machine
SECRET = "only-nginx-and-ours"
SHIFTS = [0.0, *([3.0, -3.0, 0.25] if faketime.LIBRARY else [])]
Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture(autouse=True)
def this_host_is_rediss(monkeypatch: pytest.MonkeyPatch) -> RedisClock:
    clock = RedisClock()
    clock.heard(time.time(), time.time())
    monkeypatch.setattr(redis_clock, "own", clock)
    return clock


@pytest.fixture
def nginx_at(tmp_path: Path, wait_until: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    """`nginx_at(3.0)`: an NGINX of a host whose clock is that far ahead."""
    yield lambda shift: lone_nginx.started(
        tmp_path, wait_until, *faketime.shifted(shift, lone_nginx.PROGRAM), NGINX_SECRET=SECRET
    )


def seen(port: int, *, looks: int = 1, secret: str = SECRET) -> list[Instance]:
    """What a monitor sees of it at its last look."""

    async def look() -> list[Instance]:
        clocks = NginxClocks(MonitorSettings(api_url=f"http://127.0.0.1:{port}", nginx_secret=secret))
        found = [await clocks.look() for _ in range(looks)]
        await clocks.close()
        return found[-1]

    return asyncio.run(look())


def warnings(lines: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [
        (line["log.level"], line["clock.service"], line["clock.node"])
        for line in lines
        if line.get("event.action") == "clock.off"
    ]


@pytest.mark.parametrize("shift", SHIFTS)
def test_the_clock_of_its_host_is_told_and_is_a_warning_once_if_it_is_off(nginx_at, log_lines: Lines, shift: float):
    with nginx_at(shift) as nginx:
        (one,) = seen(nginx.port, looks=2)
    assert (one.service, one.node) == ("nginx", "nginx")
    assert one.version
    assert one.clock_offset_ms == pytest.approx(shift * 1000, abs=WITHIN_MS)
    assert warnings(log_lines()) == [("warning", "nginx", "nginx")] * (abs(shift) > 0.1)


@pytest.mark.parametrize("ahead", [3.0, -0.4])
def test_it_is_told_how_far_it_is_from_rediss_clock_and_not_from_the_askers(
    nginx_at, this_host_is_rediss: RedisClock, log_lines: Lines, ahead: float
):
    this_host_is_rediss.heard(time.time(), time.time() - ahead)  # NGINX's host is the asker's: as far off
    with nginx_at(0.0) as nginx:
        (one,) = seen(nginx.port)
    assert one.clock_offset_ms == pytest.approx(ahead * 1000, abs=WITHIN_MS)
    assert warnings(log_lines()) == [("warning", "nginx", "nginx")]


def test_a_busy_nginx_and_a_busy_monitor_are_no_clock_that_is_off(nginx_at, log_lines: Lines):
    with nginx_at(0.0) as nginx, ThreadPoolExecutor(8) as pool:
        until = time.monotonic() + 2

        def asks(_: int) -> None:
            with plain_http.client(f"http://127.0.0.1:{nginx.port}") as client:
                while time.monotonic() < until:
                    client.get("/health")

        busy = pool.map(asks, range(8))
        told = []
        while time.monotonic() < until:
            told += [one.clock_offset_ms for one in seen(nginx.port)]
        list(busy)
    assert told
    assert told == pytest.approx([0.0] * len(told), abs=WITHIN_MS)
    assert not warnings(log_lines())


@pytest.mark.parametrize("secret", ["", SECRET + "x"])
def test_who_cannot_prove_to_be_ours_is_told_no_time(nginx_at, wait_until, secret: str):
    with nginx_at(0.0) as nginx:
        answer = plain_http.get(f"http://127.0.0.1:{nginx.port}/.clock", headers={"X-Nginx-Secret": secret})
        assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")
        assert SECRET not in answer.text
        assert not seen(nginx.port, secret=secret)
        wait_until(lambda: len(nginx.lines()) == 2, 20, "both have their lines, which come after the answers")
        assert [line["http.response.status_code"] for line in nginx.lines()] == [404, 404]
        assert seen(nginx.port)
        assert len(nginx.lines()) == 2  # what the monitor asks every few seconds leaves no line


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"instance": "nginx 1.5"},
        {"instance": "nginx", "at": 1.5},
        {"instance": "nginx 1.5", "at": None},
        {"instance": "nginx 1.5", "at": "soon"},
        {"instance": None, "at": 1.5},
        [],
        "nginx 1.5",
    ],
)
def test_an_answer_that_is_no_time_is_nobodys_clock_and_is_not_asked_for_again_at_once(answer: Any, log_lines: Lines):
    with Server() as stranger:
        stranger.answer = answer
        assert not seen(stranger.http.server_port, looks=5)
        assert len(stranger.asked) == 1
    assert not warnings(log_lines())


def test_nobody_answers_and_nothing_is_told(log_lines: Lines):
    with Server() as gone:
        port = gone.http.server_port
    with pytest.raises(httpx.ConnectError):
        plain_http.get(f"http://127.0.0.1:{port}/")
    assert not seen(port)
    assert not log_lines()
