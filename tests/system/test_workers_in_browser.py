"""The workers and the map in a browser: a killed process, a silent worker, and three widths."""

import os
import re
import signal
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.chaos.steps import main_process
from tests.system.browser import Open
from tests.system.nine import Nine
from tests.system.test_page_in_browser import TASK, cancel, submitted
from tests.system.test_running_task import LONG
from throughline.ledger import keys


def test_a_killed_process_is_a_death_with_its_cause_and_its_task(nine: Nine, tab: Open, wait_until: Callable[..., Any]):
    task_id = submitted(nine, "KILLED-1", LONG, wait=0)
    try:
        with nine.redis() as redis:
            process = wait_until(lambda: redis.hget(keys.task(task_id), "process"), 20, "it runs")
        page = tab().open("/workers")
        running = page.locator("tr[id^=worker-]").filter(has_text="calculate_var")
        expect(running).to_contain_text("1 of 4")
        os.kill(int(process), signal.SIGKILL)

        death = page.locator('[data-part="deaths"] tr').filter(has_text=f"process {process}")
        # Celery gives a lost process up at once or after ten seconds.
        expect(death).to_contain_text("killed by signal 9 (SIGKILL)", timeout=40_000)
        expect(death.get_by_role("link", name="calculate_var")).to_have_attribute("href", re.compile(task_id))
        with nine.http() as client:
            told = client.get("/api/v1/workers").json()["deaths"][0]
        assert (told["process"], told["code"], told["tasks"][0]["task_id"]) == (int(process), "signal", task_id)
    finally:
        cancel(nine, task_id)


def test_a_silent_worker_says_when_it_was_last_seen_and_is_then_lost(nine: Nine, tab: Open):
    main = main_process(nine, "worker-2")
    page = tab().open("/workers")
    row = page.locator("#worker-worker-2")
    expect(row).to_contain_text("alive")
    os.kill(main, signal.SIGSTOP)
    try:
        expect(row).to_contain_text(re.compile(r"silent.*last sign of life \d s ago", re.DOTALL))
        expect(row).to_contain_text(re.compile(r"lost.*last sign of life 1\d s ago", re.DOTALL))
        expect(page.locator('[data-part="deaths"]')).to_contain_text("sent no heartbeat any more")
        page.goto("/")
        expect(page.get_by_role("link", name=re.compile("^worker-2: lost, seen"))).to_be_visible()
    finally:
        os.kill(main, signal.SIGCONT)
    expect(page.get_by_role("link", name=re.compile("^worker-2: 0 of 4 busy"))).to_be_visible()


@pytest.mark.parametrize("width", [390, 800, 1280])
def test_the_map_is_drawn_where_there_is_room_and_else_a_list(nine: Nine, tab: Open, width: int):
    shown, hidden = (".map", ".flow") if width > 1000 else (".flow", ".map")
    submitted(nine, f"WIDTH-{width}", TASK)
    page = tab(viewport={"width": width, "height": 900}).open("/")
    expect(page.locator(shown)).to_be_visible()
    expect(page.locator(hidden)).to_be_hidden()
    for name in ("NGINX", "fastapi-1", "fastapi-3", "high", "worker-1", "worker-3"):
        expect(page.locator(f"{shown} .name").get_by_text(name, exact=True)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.goto("/workers")
    expect(page.get_by_role("rowheader", name="worker-3")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
