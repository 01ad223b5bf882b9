"""The nine, started once for all system tests, and a browser that looks at their page."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.system.browser import Open, Tab, chromium
from tests.system.nine import ROOT, Nine

PICTURES = ROOT / "var" / "pictures"  # .github/workflows/ci.yml keeps them


@pytest.fixture(scope="session")
def nine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nine]:
    """All nine, healthy. A test that stops or kills some leaves them healthy again."""
    with Nine(tmp_path_factory.mktemp("nine") / "var") as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def tab(browser: Browser, nine: Nine, request: pytest.FixtureRequest) -> Iterator[Open]:
    """`tab(color_scheme="dark")` is a new tab; whatever a tab complained about fails the test.

    What it showed last is kept as a picture, for people to look at.
    """
    opened: list[Tab] = []

    def new(**options: Any) -> Tab:
        opened.append(Tab(browser, nine.base_url, **options))
        return opened[-1]

    yield new
    for number, each in enumerate(opened, 1):
        name = re.sub(r"[^\w.-]+", "-", request.node.name)[:100]
        each.page.screenshot(path=PICTURES / f"{name}-{number}.png", full_page=True)
        each.close()
    assert [complaint for each in opened for complaint in each.complaints] == []
