"""The address of the page "What changed": HTML, or the same as JSON, by `Accept`."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from monitor.page import responses
from monitor.page.accept_header import wants_json
from monitor.page.changes.pages import ChangesPage


def add(routes: APIRouter, page: ChangesPage, admin: Callable[..., Awaitable[None]]) -> None:
    """To the page's other addresses."""
    only_admin: list[Any] = [Depends(admin)]

    @routes.get("/changes", dependencies=only_admin)
    async def changes(request: Request) -> Response:
        if wants_json(request.headers.get("accept", "")):
            return responses.document(await page.document())
        return responses.page(await page.html())
