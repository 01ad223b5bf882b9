"""The page of tasks in a browser: live at the top, still while somebody works in it, a range dragged, tasks chosen."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.system.browser import Open
from tests.system.nine import Nine
from tests.system.test_running_task import LONG
from tests.system.test_tasks_page import status, submitted

LIVE = re.compile("^Live$")


def row(page: Page, task_id: str):
    return page.get_by_role("row").filter(has=page.locator(f'input[value="{task_id}"]'))


def full_bar(page: Page):
    """A bar with tasks in it."""
    return page.locator(".bars a").filter(has=page.locator("rect.state-SUCCESS")).last


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move((start[0] + end[0]) / 2, end[1], steps=3)
    page.mouse.move(*end, steps=3)
    page.mouse.up()


def test_a_new_task_appears_at_the_top_by_itself_and_its_row_leads_to_its_journey(nine: Nine, tab: Open):
    submitted(nine, "LIVE-1")
    page = tab().open("/tasks")
    page.evaluate("window.sameDocument = true")
    expect(page.locator("#freshness")).to_have_text(LIVE)
    (task_id,) = submitted(nine, "LIVE-2")

    expect(page.get_by_role("row").nth(1)).to_contain_text("LIVE-2")
    expect(row(page, task_id)).to_contain_text("SUCCESS")
    assert page.evaluate("window.sameDocument") is True
    row(page, task_id).get_by_role("link").click()
    expect(page).to_have_url(re.compile(rf"/journeys/LIVE-2\?task={task_id}$"))
    expect(page.get_by_text("ran calculate_var → SUCCESS")).to_be_visible()
    page.get_by_role("link", name="Tasks of this type").click()
    expect(page).to_have_url(re.compile(r"/tasks\?task_type=calculate_var$"))


def test_the_list_holds_still_while_a_task_is_chosen_and_goes_on_afterwards(nine: Nine, tab: Open):
    (first,) = submitted(nine, "STILL-1")
    page = tab().open("/tasks")
    row(page, first).get_by_role("checkbox").check()
    expect(page.locator("#freshness")).to_have_text("Paused while tasks are chosen")
    expect(page.locator("#chosen-count")).to_have_text("1 chosen")

    (second,) = submitted(nine, "STILL-2")
    expect(page.get_by_role("row").nth(1)).to_contain_text("STILL-1")
    row(page, first).get_by_role("checkbox").uncheck()
    page.mouse.move(5, 5)
    expect(row(page, second)).to_contain_text("SUCCESS")
    expect(page.locator("#freshness")).to_have_text(LIVE)


def test_what_is_read_further_down_does_not_move(nine: Nine, tab: Open):
    submitted(nine, "DOWN-1", 12)
    page = tab(viewport={"width": 900, "height": 500}).open("/tasks?since=1h")
    page.mouse.wheel(0, 900)
    expect(page.locator("#freshness")).to_have_text("Paused while you read further down")
    submitted(nine, "DOWN-2")

    expect(page.get_by_role("link", name="DOWN-2")).to_have_count(0)
    page.evaluate("scrollTo(0, 0)")
    expect(page.get_by_role("link", name="DOWN-2")).to_be_visible()


def test_a_range_is_dragged_on_the_picture_and_stands_in_the_address(nine: Nine, tab: Open):
    ids = submitted(nine, "DRAG-1", 3)
    page = tab().open("/tasks?correlation_id=DRAG-1")
    expect(page.locator(".legend")).to_contain_text("SUCCESS3")
    bar = full_bar(page).bounding_box()
    picture = page.locator(".bars").bounding_box()
    assert bar and picture
    middle = picture["y"] + picture["height"] / 2
    drag(page, (picture["x"] + picture["width"] * 0.7, middle), (picture["x"] + picture["width"] - 1, middle))

    expect(page).to_have_url(re.compile("submitted_after=.*submitted_before="))
    asked = parse_qs(urlsplit(page.url).query)
    assert asked["correlation_id"] == ["DRAG-1"]
    assert asked["submitted_after"][0] < asked["submitted_before"][0]
    for task_id in ids:
        expect(row(page, task_id)).to_be_visible()

    page.go_back()
    expect(page).to_have_url(re.compile(r"correlation_id=DRAG-1$"))
    drag(page, (picture["x"] + 2, middle), (picture["x"] + picture["width"] * 0.2, middle))
    expect(page.get_by_text("No task matches.")).to_be_visible()


def test_a_click_on_a_bar_shows_its_tasks_alone(nine: Nine, tab: Open):
    (task_id,) = submitted(nine, "BAR-1")
    page = tab().open("/tasks?correlation_id=BAR-1")
    full_bar(page).click()

    expect(page).to_have_url(re.compile("submitted_after=.*submitted_before="))
    expect(row(page, task_id)).to_be_visible()


def test_all_tasks_of_a_page_are_chosen_and_cancelled_after_a_confirmation(nine: Nine, tab: Open):
    ids = submitted(nine, "CHOSEN-1", 2, LONG, wait=0)
    page = tab().open("/tasks?correlation_id=CHOSEN-1")
    cancel = page.get_by_role("button", name="Cancel…")
    expect(cancel).to_be_disabled()
    page.get_by_label("Choose all on this page").check()
    expect(page.locator("#chosen-count")).to_have_text("2 chosen")
    cancel.click()

    expect(page.get_by_role("heading", name="Cancel 2 tasks?")).to_be_visible()
    page.get_by_role("button", name="Cancel 2 tasks").click()
    expect(page.get_by_role("heading", name="Cancel: 2 of 2 tasks done")).to_be_visible()
    page.get_by_role("link", name="Back to the list").click()
    for task_id in ids:
        expect(row(page, task_id)).to_contain_text("REVOKED")
        assert status(nine, task_id) == "REVOKED"
    row(page, ids[0]).get_by_role("link").click()
    expect(page.get_by_text(re.compile("by request")).first).to_be_visible()


def test_filters_are_typed_chosen_and_taken_away_again(nine: Nine, tab: Open):
    submitted(nine, "TYPED-1")
    page = tab().open("/tasks")
    page.get_by_text("Filters", exact=True).click()
    page.get_by_label("Correlation ID", exact=True).fill("TYPED-1")
    page.get_by_role("checkbox", name="SUCCESS").check()
    page.get_by_role("button", name="Show").click()

    expect(page).to_have_url(re.compile(r"/tasks\?status=SUCCESS&correlation_id=TYPED-1$"))
    expect(page.get_by_role("row")).to_have_count(2)
    page.get_by_role("link", name="Remove the filter SUCCESS").click()
    expect(page).to_have_url(re.compile(r"/tasks\?correlation_id=TYPED-1$"))


def test_the_list_is_worked_with_by_keyboard_alone(nine: Nine, tab: Open):
    (task_id,) = submitted(nine, "BY-KEY-1")
    page = tab().open("/tasks?correlation_id=BY-KEY-1")
    page.get_by_role("button", name="Cancel…").wait_for()
    page.locator("#choose-all").focus()
    for reached in ("Submitted (UTC) ▼", f"choose-{task_id}", "BY-KEY-1"):
        page.keyboard.press("Tab")
        told = page.evaluate("document.activeElement.id || document.activeElement.textContent")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert (told, outline != "none") == (reached, True)
        if not reached.startswith("Submitted"):
            expect(page.locator("#freshness")).to_contain_text("Paused while")
        if reached.startswith("choose-"):
            page.keyboard.press("Space")
    expect(page.locator("#chosen-count")).to_have_text("1 chosen")


@pytest.mark.parametrize("width", [400, 900, 1400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_long_names_do_not_make_the_page_wider_than_the_screen(nine: Nine, tab: Open, width: int, scheme: str):
    submitted(nine, "L" * 128)
    page = tab(viewport={"width": width, "height": 900}, color_scheme=scheme).open("/tasks?since=1h")
    expect(page.locator(".tasks .id a").first).to_be_visible()

    assert page.evaluate("document.documentElement.scrollWidth") == width
