"""Somebody who looks at the page of tasks in a browser without scripts, and sends its forms."""

import re
from html import unescape
from typing import Any, Protocol, Self

import httpx

HTML = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}  # as browsers send it


class Site(Protocol):
    """Where the page is: a local run or the stack."""

    base_url: str

    def http(self, **options: Any) -> httpx.Client: ...


class Viewer:
    """A browser without scripts: it keeps cookies and sends forms as the page that it looks at has them."""

    def __init__(self, site: Site, **headers: str) -> None:
        self.http = site.http(headers=HTML | headers)
        self.origin = site.base_url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def look(self, path: str) -> str:
        answer = self.http.get(path, follow_redirects=True)
        assert answer.status_code == 200, answer.text
        return answer.text

    def send(self, page: str, action: str, *task_ids: str) -> httpx.Response:
        """Chooses these tasks in the list and presses the button."""
        return self.post(hidden(page) | {"action": action, "task": list(task_ids)})

    def confirm(self, page: str, why: str = "", **headers: str) -> httpx.Response:
        to = re.search(r'<form class="card confirm" method="post" action="([^"]+)"', page)
        return self.post(hidden(page) | ({"why": why} if why else {}), to[1] if to else "/tasks/actions", **headers)

    def post(self, fields: dict[str, Any], to: str = "/tasks/actions", **headers: str) -> httpx.Response:
        own = {"Origin": self.origin, "Sec-Fetch-Site": "same-origin"} | headers
        return self.http.post(to, data=fields, headers={name: each for name, each in own.items() if each})


def hidden(page: str) -> dict[str, Any]:
    found = re.findall(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)">', page)
    fields: dict[str, Any] = {name: unescape(value) for name, value in found if name != "task"}
    return fields | {"task": [unescape(value) for name, value in found if name == "task"]}


def rows(page: str) -> list[str]:
    """The IDs of the tasks in the list."""
    return [unescape(each) for each in re.findall(r'name="task" value="([^"]+)" id=', page)]


def link(page: str, words: str) -> str:
    found = re.search(rf'<a href="([^"]+)"[^>]*>{words}</a>', page)
    assert found, f"no link {words}"
    return unescape(found[1])
