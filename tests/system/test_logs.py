"""Log lines as they are written, on the nine: in a terminal and on the page, each once, also over a rotation."""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import expect

from tests.system.browser import Open
from tests.system.nine import COMMAND, Nine
from tests.system.test_tasks_page import submitted

Wait = Callable[..., Any]
# Of a task that succeeds: what its journey's lines are, whoever wrote them.
EVENTS: Final = {
    "nginx request.completed",
    "api request.completed",
    "api task.submitted",
    "worker task.received",
    "worker task.started",
    "worker task.succeeded",
}


@pytest.fixture(scope="module")
def nine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nine]:
    """One of each: its files are rotated, and other tests read theirs by their names."""
    with Nine(tmp_path_factory.mktemp("logs") / "var", API_REPLICAS="1", WORKER_REPLICAS="1") as running:
        yield running


@contextmanager
def following(nine: Nine, out: Path, *options: str) -> Iterator["subprocess.Popen[bytes]"]:
    with out.open("wb") as file:
        before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job has it ignored
        try:
            running = subprocess.Popen(
                [COMMAND, "logs", "--follow", *options], env=nine.environment, stdout=file, stderr=subprocess.PIPE
            )
        finally:
            signal.signal(signal.SIGINT, before)
        try:
            yield running
        finally:
            running.send_signal(signal.SIGINT)
            running.communicate(timeout=30)


def events(out: Path) -> list[str]:
    lines = [json.loads(line) for line in out.read_text().splitlines(keepends=True) if line.endswith("\n")]
    return [f"{line['service.name']} {line.get('event.action', '')}" for line in lines]


def rotate(nine: Nine, number: int) -> None:
    """As logrotate does: each file gets another name, and whoever writes to it is told to begin a new one."""
    for path in (nine.var_dir / "log").glob("*.jsonl"):
        path.rename(path.with_name(f"{path.name}.{number}"))
    os.kill(int((nine.var_dir / "conf" / "supervisord.pid").read_text()), signal.SIGUSR2)


def test_the_lines_of_a_submitted_task_appear_each_once_also_over_a_rotation(
    nine: Nine, tmp_path: Path, wait_until: Wait
):
    out = tmp_path / "followed"
    with following(nine, out, "--correlation-id", "FOLLOW-1", "--json") as running:
        assert running.stderr
        assert b"so far. New ones are shown" in running.stderr.readline()
        for number in (1, 2, 3):
            submitted(nine, "FOLLOW-1", wait=20)
            whole = number * len(EVENTS)
            wait_until(lambda many=whole: len(events(out)) >= many, 20, "all of its lines are told")
            rotate(nine, number)
    told = events(out)

    assert running.returncode == 130
    assert set(told) == EVENTS
    assert all(told.count(each) == 3 for each in EVENTS)
    assert len(set(out.read_text().splitlines())) == len(told)
    printed = nine.run("logs", "--correlation-id", "FOLLOW-1", "--json", "--level", "notice")
    assert [json.loads(line)["event.action"] for line in printed.stdout.splitlines()] == [
        "task.submitted",
        "task.succeeded",
    ] * 3


def test_without_an_option_it_tells_in_words_what_was_written_lately_and_a_wrong_one_is_named(nine: Nine):
    submitted(nine, "LATELY-1")
    printed = nine.run("logs", "--service", "worker")
    wrong = nine.run("logs", "--level", "loud")

    assert printed.returncode == 0
    assert any("calculate_var: ended → SUCCESS" in line and "LATELY-1" in line for line in printed.stdout.splitlines())
    assert {line.split()[1][:7] for line in printed.stdout.splitlines()} == {"worker-"}
    assert (wrong.returncode, wrong.stderr.count("\n")) == (1, 1)
    assert nine.run("logs", "--correlation-id", "NOBODY-1").returncode == 1


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (800, "dark"), (1280, "light")])
def test_new_lines_appear_on_the_page_by_themselves_newest_last(nine: Nine, tab: Open, width: int, scheme: Any):
    page = tab(color_scheme=scheme, viewport={"width": width, "height": 900}).open("/profile")
    page.get_by_role("link", name="Logs").click()
    correlation_id = f"LIVE-{scheme}-{width}"
    submitted(nine, correlation_id)
    lines = page.locator(".log-line", has_text=correlation_id)
    expect(lines.filter(has_text="ended → SUCCESS")).to_have_count(1)
    box = page.locator("#log-box")
    assert box.evaluate("box => box.scrollHeight - box.scrollTop - box.clientHeight") < 24
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_the_page_follows_one_journey_and_pauses(nine: Nine, tab: Open):
    submitted(nine, "PAUSE-1")
    page = tab().open("/journeys/PAUSE-1")
    page.get_by_role("link", name="Follow its log lines").click()
    ends = page.locator(".log-line", has_text="ended → SUCCESS")
    expect(ends).to_have_count(1)
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#freshness")).to_have_text("Paused")
    submitted(nine, "PAUSE-1")
    with nine.http() as client:
        seen = client.get("/logs?correlation_id=PAUSE-1", headers={"Accept": "text/html"}).text
        while seen.count("ended → SUCCESS") < 2:
            seen = client.get("/logs?correlation_id=PAUSE-1", headers={"Accept": "text/html"}).text
    expect(ends).to_have_count(1)
    page.get_by_role("button", name="Go on").click()
    expect(ends).to_have_count(2)
    page.get_by_label("Level from").select_option("error")
    page.get_by_role("button", name="Show").click()
    expect(page).to_have_url(f"{nine.base_url}/logs?correlation_id=PAUSE-1&level=error")
    expect(page.get_by_text("No line is like that so far")).to_be_visible()


@pytest.mark.parametrize(("query", "says"), [("level=loud", "level</code> must be"), ("colour=red", "no such filter")])
def test_a_wrong_filter_of_the_page_is_named(nine: Nine, query: str, says: str):
    with nine.http() as client:
        answer = client.get(f"/logs?{query}", headers={"Accept": "text/html"})

    assert (answer.status_code, says in answer.text) == (422, True)
