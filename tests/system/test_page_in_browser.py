"""The page as people meet it: in a browser, by keyboard, on a narrow screen, in light and dark, while a task runs."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.system.browser import Open, Tab
from tests.system.nine import Nine
from tests.system.test_running_task import LONG
from tests.unit.test_journey_sample import Sample

TASK: dict[str, Any] = {
    "task_type": "calculate_var",
    "data": {"positions": [{"symbol": "A", "quantity": 1, "price": 100.0}], "simulations": 1000},
    "priority": "high",
}


def submitted(nine: Nine, correlation_id: str, task: dict[str, Any] = TASK, wait: int = 20) -> str:
    with nine.http() as client:
        answer = client.post("/api/v1/tasks", json=task, headers={"X-Request-ID": correlation_id})
        assert answer.status_code == 201
        task_id = str(answer.json()["task_id"])
        if wait:
            client.get(f"/api/v1/tasks/{task_id}", params={"wait": wait})
    return task_id


def cancel(nine: Nine, task_id: str) -> None:
    with nine.http() as client:
        client.delete(f"/api/v1/tasks/{task_id}")
        client.get(f"/api/v1/tasks/{task_id}", params={"wait": 20})


def test_a_task_that_is_sent_appears_by_itself_and_its_link_leads_to_its_waterfall(nine: Nine, tab: Open):
    page = tab().open("/")
    submitted(nine, "SEEN-1")

    row = page.get_by_role("row").filter(has_text="SEEN-1")
    expect(row).to_contain_text("SUCCESS")
    expect(row).to_contain_text("calculate_var in high")
    row.get_by_role("link").click()

    expect(page).to_have_url(re.compile(r"/journeys/SEEN-1$"))
    steps = page.get_by_role("listitem")
    for words in (
        "POST /api/v1/tasks → 201",
        "waited in high",
        "ran calculate_var → SUCCESS",
        "simulate 1,000 scenarios",
    ):
        expect(steps.filter(has_text=words).first).to_be_visible()
    expect(page.get_by_text("slowest step: ")).to_be_visible()


def test_a_running_tasks_page_follows_it_to_its_end_without_a_reload(nine: Nine, tab: Open):
    task_id = submitted(nine, "FOLLOWED-1", LONG, wait=0)
    try:
        page = tab().open("/journeys/FOLLOWED-1")
        page.evaluate("window.sameDocument = true")
        expect(page.get_by_text("running calculate_var", exact=True)).to_be_visible()
        expect(page.get_by_role("progressbar")).to_be_visible()
        page.get_by_label("Show log lines").check()
    finally:
        cancel(nine, task_id)

    expect(page.locator(".told")).to_contain_text("REVOKED")
    expect(page.get_by_text("ran calculate_var → REVOKED")).to_be_visible()
    expect(page.get_by_role("progressbar")).to_have_count(0)
    expect(page.locator("#freshness")).to_be_empty()  # there is nothing more to wait for
    assert page.get_by_label("Show log lines").is_checked()
    assert page.evaluate("window.sameDocument") is True


def test_without_a_script_the_page_shows_the_same_on_reload(nine: Nine, tab: Open, wait_until: Callable[..., Any]):
    task_id = submitted(nine, "SCRIPTLESS-1", LONG, wait=0)
    try:
        page = tab(java_script_enabled=False).open("/")
        page.get_by_label("Correlation ID or task ID").fill("SCRIPTLESS-1")
        page.get_by_role("button", name="Find").click()
        expect(page.locator(".told")).to_contain_text(re.compile("PENDING|STARTED"))
        expect(page.get_by_role("button", name="Copy")).to_have_count(0)
    finally:
        cancel(nine, task_id)

    def reloaded() -> bool:
        page.reload()
        return "REVOKED" in page.locator(".told").inner_text()

    wait_until(reloaded, 20, "a reload shows the end of the task")


def test_everything_is_reached_by_keyboard_in_the_order_in_which_it_is_seen(nine: Nine, tab: Open):
    submitted(nine, "KEYS-1")
    page = tab().open("/")
    expect(page.get_by_label("Correlation ID or task ID")).to_be_focused()
    page.keyboard.type(" KEYS-1 ")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/journeys/KEYS-1$"))

    seen = []
    for _ in range(30):
        page.keyboard.press("Tab")
        seen.append(
            page.evaluate(
                "document.activeElement.getAttribute('aria-label') || document.activeElement.id "
                "|| document.activeElement.textContent.trim()"
            )
        )
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none", seen
        if seen[-1] == "Copy: the same in a terminal":
            break
    in_order = [
        "To the content", "Throughline", "search", "Find", "Tasks", "Workers", "Profile", "Errors", "API", "Health",
        "show-logs", "Tasks of this type",
        "Copy: this journey as JSON", "Copy: the task and its result", "Copy: the same in a terminal",
    ]  # fmt: skip
    assert [each for each in seen if each in in_order] == in_order

    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()


def test_what_is_typed_is_kept_while_the_page_refreshes(nine: Nine, tab: Open):
    page = tab().open("/")
    expect(page.get_by_label("Correlation ID or task ID")).to_be_focused()  # it is so only when first drawn
    page.keyboard.type("half an id")
    submitted(nine, "MEANWHILE-1")
    expect(page.get_by_role("link", name="MEANWHILE-1")).to_be_visible()

    expect(page.get_by_label("Correlation ID or task ID")).to_be_focused()
    expect(page.get_by_label("Correlation ID or task ID")).to_have_value("half an id")


@pytest.mark.parametrize("path", ["/", "/journeys/NARROW-1", "/journeys/" + "x" * 128, "/tasks?since=1h"])
@pytest.mark.parametrize("width", [320, 375])
def test_a_narrow_screen_never_scrolls_sideways(nine: Nine, tab: Open, path: str, width: int):
    for correlation_id in ("NARROW-1", "x" * 128):
        submitted(nine, correlation_id)
    page = tab(viewport={"width": width, "height": 700}).open(path)
    expect(page.locator(".badge:visible").first).to_be_visible()
    for box in page.locator("#show-logs").all():
        box.check()

    assert page.evaluate("document.documentElement.scrollWidth") == width


LONG_NAME = "my_company_revaluation_of_everything"
OK = {"status": "SUCCESS"}
WEIGHTS: dict[str, Any] = {
    "task_type": "portfolio_optimization",
    "data": {"assets": [{"symbol": name, "expected_return": 0.1, "volatility": 0.2} for name in "AB"]},
}


def of_long_names(nine: Nine, folder: Path) -> None:
    """Seven tasks of a type with a long name, some failed: as files, since no worker here knows the type."""
    sample = Sample(folder)
    for number in range(7):
        trace, wait, run = (sample.new_id() for _ in range(3))
        of_task = {"correlation_id": "LONG-NAMES", "task_id": f"long-{number}", "task_type": LONG_NAME, "queue": "high"}
        ended = {"status": "FAILURE", "error.type": "PriceServiceUnreachableError"} if number % 3 else OK
        sample.span("wait high", 3, 10, (trace, wait, 0), **of_task)
        sample.span(f"run {LONG_NAME}", 10, 90, (trace, run, wait), **of_task, attempt=1, **ended)
    for name in ("log", "spans"):
        for path in (sample.var_dir / name).iterdir():
            shutil.copy(path, nine.var_dir / name / f"long-{path.name}")


@pytest.mark.parametrize("width", [390, 800, 1280])
def test_names_of_types_and_errors_are_whole_at_every_width(nine: Nine, tab: Open, tmp_path: Path, width: int):
    of_long_names(nine, tmp_path)
    submitted(nine, "WEIGHTS-1", WEIGHTS)
    page = tab(viewport={"width": width, "height": 900}).page
    for path, name in (
        ("/", WEIGHTS["task_type"]),
        ("/journeys/LONG-NAMES", LONG_NAME),
        ("/tasks?since=1h", WEIGHTS["task_type"]),
        ("/profile?since=7d", LONG_NAME),
        ("/errors?since=1h", ""),
    ):
        page.goto(path)
        expect(page.locator("main")).to_contain_text(name)
        assert page.evaluate("document.documentElement.scrollWidth") == width, path
        seen = page.evaluate(BROKEN_WORDS, name)
        assert seen["found"] or not name, path
        assert seen["broken"] == [], path


BROKEN_WORDS = """(name) => {
  const text = (node) => node.parentElement.closest('a, span, td, th, li, h2, strong')?.textContent ?? '';
  const walker = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
  const seen = {found: false, broken: []};
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (!name || !text(node).includes(name) || !node.parentElement.checkVisibility()) continue;
    seen.found = true;
    for (const word of node.textContent.matchAll(/[A-Za-z]+/g)) {
      const range = document.createRange();
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      if (new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size > 1) seen.broken.push(word[0]);
    }
  }
  return seen;
}"""


def test_a_list_of_many_tasks_is_sorted_by_the_column_that_is_asked_for(nine: Nine, tab: Open):
    for _ in range(6):
        submitted(nine, "SORTED-1")
    page = tab().open("/journeys/SORTED-1")
    expect(page.get_by_role("heading", name="Slowest")).to_be_visible()
    listing = page.locator("[data-part=listing]")
    expect(listing.get_by_role("columnheader", name="Task")).to_have_attribute("aria-sort", "ascending")
    listing.get_by_role("link", name="Took").click()

    took = listing.get_by_role("columnheader", name="Took")
    expect(took).to_have_attribute("aria-sort", "descending")
    shown = [
        float(each.split()[0]) for each in page.locator("[data-part=listing] td.number:nth-child(5)").all_inner_texts()
    ]
    assert shown == sorted(shown, reverse=True)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "path", ["/", "/journeys/COLOURS-1", "/journeys/NOWHERE-1", "/tasks?since=1h", "/tasks?status=X"]
)
def test_text_has_enough_contrast_in_light_and_dark(nine: Nine, browser: Browser, path: str, scheme: Any):
    """At least 4.5 to 1, as WCAG AA asks of text."""
    submitted(nine, "COLOURS-1")
    seen = Tab(browser, nine.base_url, color_scheme=scheme)
    page = seen.open(path)
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    found = page.evaluate(CONTRASTS)
    seen.close()

    assert ground == {"light": "rgb(244, 246, 249)", "dark": "rgb(14, 19, 26)"}[scheme]
    assert len(found) > 8
    assert [each for each in found if each["contrast"] < 4.5] == []


CONTRASTS = """() => {
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (element) => {
    for (; element; element = element.parentElement) {
      const colour = rgb(getComputedStyle(element).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !element.checkVisibility() || element.closest('svg')) continue;
    const pair = [light(rgb(getComputedStyle(element).color)), light(ground(element))].sort((a, b) => b - a);
    found.push({text: walker.currentNode.textContent.trim(), contrast: (pair[0] + 0.05) / (pair[1] + 0.05)});
  }
  return found;
}"""


def test_a_copied_command_gives_the_journey(nine: Nine, browser: Browser):
    submitted(nine, "COPIED-1")
    seen = Tab(browser, nine.base_url, permissions=["clipboard-read", "clipboard-write"])
    page = seen.open("/journeys/COPIED-1")
    page.get_by_role("button", name="Copy: this journey as JSON").click()
    expect(page.get_by_text("Copied", exact=True)).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    seen.close()

    assert copied == f'curl -H "Accept: application/json" {nine.base_url}/journeys/COPIED-1'


def test_when_the_monitor_goes_away_the_page_says_so_and_recovers(nine: Nine, browser: Browser):
    seen = Tab(browser, nine.base_url)
    page = seen.open("/")
    expect(page.locator("#freshness")).to_have_text("Live")
    try:
        nine.run("stop", "monitor")
        expect(page.locator("#freshness")).to_contain_text("Not up to date")
    finally:
        nine.run("start", "monitor")
    expect(page.locator("#freshness")).to_have_text("Live")
    seen.close()
