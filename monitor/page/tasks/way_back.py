"""Where the page of an action leads back to: the page that its form was on, and never another site."""

import re
from dataclasses import dataclass
from typing import Final

from monitor.page.tasks.address import TasksAddress

_PAGES: Final = {
    "the journey": re.compile(r"/journeys/[A-Za-z0-9._:%-]+(\?[!-~]*)?", re.ASCII),
    "the errors": re.compile(r"/errors(\?[!-~]*)?", re.ASCII),
}


@dataclass(frozen=True)
class WayBack:
    """`told` is what a form sends of it."""

    url: str
    words: str
    told: str


def way_back(told: str) -> WayBack:
    """A page's own address, or else the query of the list of tasks."""
    for words, address in _PAGES.items():
        if len(told) <= 2000 and address.fullmatch(told):
            return WayBack(told, f"Back to {words}", told)
    listed = TasksAddress.parse(told)
    return WayBack(listed.url, "Back to the list", listed.query)
