"""The address of the log lines: `/logs`, with the filters in its query."""

from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Depends, Request, Response
from starlette.responses import RedirectResponse

from monitor.page import responses
from monitor.page.logs.pages import PARAMETERS, PATH, LogsPages, address_of
from monitor.page.refusal import Refused


def add(routes: APIRouter, pages: LogsPages, admin: Callable[..., Awaitable[None]]) -> None:
    """To the page's other addresses."""

    @routes.get(PATH, dependencies=[Depends(admin)])
    async def logs(request: Request) -> Response:
        for name in request.query_params:
            if name not in PARAMETERS:
                known = ", ".join(PARAMETERS)
                raise Refused(422, "VALIDATION_FAILED", f"{name[:40]}: there is no such filter; there are {known}.")
            if len(request.query_params.getlist(name)) > 1:
                raise Refused(422, "VALIDATION_FAILED", f"{name}: is given more than once.")
        told = {name: request.query_params.get(name, "").strip()[:200] for name in PARAMETERS}
        if any(not value for value in request.query_params.values()):  # a form sends its empty fields too
            return RedirectResponse(address_of(told), 303, {"Cache-Control": "no-store"})
        html, status = await pages.logs(told)
        return responses.page(html, status)
