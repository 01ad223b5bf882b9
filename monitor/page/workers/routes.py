"""The address `/workers`."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Depends, Response

from monitor.page import responses
from monitor.page.page_data import PageData
from monitor.page.workers.view import workers_view


def add(routes: APIRouter, data: PageData, admin: Callable[..., Any]) -> None:
    """Adds it to the page's own."""

    @routes.get("/workers", dependencies=[Depends(admin)])
    async def workers() -> Response:
        seen = await data.workers()
        view = workers_view(seen) if seen else None
        return responses.page(await data.in_thread(lambda: responses.rendered("workers.html", view=view)))
