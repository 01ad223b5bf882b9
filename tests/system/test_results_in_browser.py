"""Input, result and its pictures in a browser: readable at every width, and nothing of a stranger's runs."""

import json
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.system.browser import Open
from tests.system.nine import Nine
from tests.system.test_page_in_browser import submitted

HOSTILE = "</svg></details><script>window.ran = 1</script><img src=x onerror='window.ran = 2'>\u202e"
POSITIONS = [{"symbol": f"ACME {i} Holdings", "quantity": 100 * (-1) ** i, "price": 90.0 + 7 * i} for i in range(5)]
FRONTIER: dict[str, Any] = {
    "task_type": "portfolio_optimization",
    "data": {
        "assets": [
            {"symbol": symbol, "expected_return": 0.02 + 0.02 * i, "volatility": 0.05 + 0.05 * i}
            for i, symbol in enumerate(["CASH", "BONDS", "GOLD", "STOCKS", "VENTURES"])
        ],
        "frontier_points": 25,
    },
}
PICTURES: dict[str, tuple[dict[str, Any], int]] = {
    "calculate_var": ({"task_type": "calculate_var", "data": {"positions": POSITIONS}}, 2),
    "portfolio_optimization": (FRONTIER, 2),
    "stress_test": ({"task_type": "stress_test", "data": {"positions": POSITIONS}}, 2),
}


@pytest.mark.parametrize("task_type", list(PICTURES))
def test_pictures_of_a_result_are_readable_at_every_width_in_both_schemes(nine: Nine, tab: Open, task_type: str):
    task, count = PICTURES[task_type]
    task_id = submitted(nine, f"PICTURE-{task_type}", task)
    for width, scheme in ((390, "light"), (800, "dark"), (1280, "light")):
        page = tab(viewport={"width": width, "height": 900}, color_scheme=scheme).open(f"/tasks/{task_id}")
        expect(page.locator("figure.chart svg:visible")).to_have_count(count)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        smallest = page.evaluate(
            "Math.min(...[...document.querySelectorAll('figure.chart svg text')]"
            ".filter(each => each.getClientRects().length).map(each => each.getBoundingClientRect().height))"
        )
        assert smallest > 9  # pixels from the top of its letters to their foot
        page.get_by_text("Numbers", exact=True).first.click()
        expect(page.get_by_role("table").first).to_be_visible()


def test_what_strangers_sent_is_text_on_the_page(nine: Nine, tab: Open):
    data = {
        "positions": [{"symbol": HOSTILE[:64], "quantity": 10, "price": 10.0}],
        "custom_scenarios": [{"name": HOSTILE[:64], "shocks": {"equity": -0.5}}],
        "scenarios": [],
    }
    task_id = submitted(nine, "HOSTILE-1", {"task_type": "stress_test", "data": data})
    page = tab().open(f"/tasks/{task_id}")
    for name in ("Result", "Input"):
        page.get_by_text(f"{name} as JSON").click()
        expect(page.get_by_label(name, exact=True)).to_contain_text(HOSTILE[:40])
    expect(page.locator("figure.chart svg:visible")).to_have_count(2)
    assert page.evaluate("window.ran") is None
    assert page.locator("figure.chart img, figure.chart script, .contents img").count() == 0

    page.goto("/journeys/HOSTILE-1")
    expect(page.get_by_text("Input as JSON")).to_be_visible()
    assert page.evaluate("window.ran") is None


def test_a_large_input_is_shown_from_its_beginning_and_saved_whole(nine: Nine, tab: Open):
    positions = [{"symbol": f"S{i}", "quantity": 1 + i, "price": 100.5} for i in range(9_000)]
    data = {"positions": positions, "simulations": 1_000}
    task_id = submitted(nine, "LARGE-1", {"task_type": "calculate_var", "data": data})
    page = tab().open(f"/tasks/{task_id}")
    with page.expect_download() as saved:
        page.get_by_role("link", name="The whole input as a file").click()
    assert saved.value.suggested_filename == f"{task_id}-input.json"
    with saved.value.path().open(encoding="utf-8") as file:
        assert json.load(file) == data
    expect(page.get_by_text("The 20 largest of 9,000")).to_be_visible()
    assert len(page.content()) < 300_000
