"""A real Chromium for the tests of the page: whatever it reports as an error fails the test."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect, sync_playwright

# throughline/local/setup.sh looks for the same.
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
APPLICATIONS = (
    Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
    Path("/Applications/Chromium.app/Contents/MacOS/Chromium"),
)


def program() -> str:
    on_path = (found for found in map(shutil.which, NAMES) if found)
    installed = (str(path) for path in APPLICATIONS if path.exists())
    found = next(on_path, None) or next(installed, None)
    assert found, "no Chromium: `make browser` installs it"
    return found


@contextmanager
def chromium() -> Iterator[Browser]:
    # As root, which CI often is, Chromium starts without its sandbox only; it opens nothing but our own page.
    with sync_playwright() as playwright:
        expect.set_options(timeout=15_000)  # a page that could not be fetched tries again after five seconds
        browser = playwright.chromium.launch(executable_path=program(), args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


class Tab:
    """A page of its own, with all that the browser complained about: script errors, refused content, failed loads."""

    def __init__(self, browser: Browser, base_url: str, **options: Any) -> None:
        self._context = browser.new_context(base_url=base_url, **options)
        self._context.set_default_timeout(15_000)
        self.page: Page = self._context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", lambda message: self._complain(message.type, message.text))
        self.page.on("pageerror", lambda error: self._complain("error", str(error)))
        self.page.on("requestfailed", lambda request: self._complain("error", f"{request.url} {request.failure}"))

    def close(self) -> None:
        self._context.close()

    def open(self, path: str) -> Page:
        self.page.goto(path)
        return self.page

    def _complain(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.complaints.append(text)


Open = Callable[..., Tab]  # the fixture `tab`
