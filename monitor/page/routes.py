"""The page's addresses: `/`, `/journeys/{correlation_id}`, `/tasks`, the search's target and the files they need."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse

from monitor import rounds
from monitor.page import access, responses
from monitor.page.accept_header import wants_json
from monitor.page.changes import routes as changes_routes
from monitor.page.changes.pages import ChangesPage
from monitor.page.circuit import routes as circuit_routes
from monitor.page.contents import routes as contents_routes
from monitor.page.logs import routes as logs_routes
from monitor.page.logs.feed import LogFeed
from monitor.page.logs.pages import LogsPages
from monitor.page.logs.source import log_source
from monitor.page.pages import Pages
from monitor.page.profile import routes as profile_routes
from monitor.page.profile.pages import ProfilePages
from monitor.page.refusal import Refused
from monitor.page.task_list import PageQuery
from monitor.page.tasks import own_forms
from monitor.page.tasks import routes as tasks_routes
from monitor.page.tasks.actions import TaskActions
from monitor.page.tasks.pages import TasksPages
from monitor.page.workers import routes as workers_routes
from throughline.api_keys import ApiKeys
from throughline.settings import MonitorSettings
from throughline.telemetry import correlation

_logger: Final = logging.getLogger("throughline.monitor")


class _Route(APIRoute):
    """Answers a refusal or an unexpected error with a page or a problem."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                return await handle(request)
            except Refused as refused:
                return _refusal(request, refused)
            except RequestValidationError as error:
                first = error.errors()[0]
                return _refusal(request, Refused(422, "VALIDATION_FAILED", f"{first['loc'][-1]}: {first['msg']}."))
            except HTTPException:
                raise  # the framework's own, told in one place: monitor/answers.py
            except Exception:
                _logger.exception("A page ended with an unhandled error")
                return responses.internal_error(request)

        return handled


def router(settings: MonitorSettings) -> APIRouter:
    """The page's routes, to be included by the monitor."""
    keys, pages, actions = ApiKeys(settings.api_keys_file), Pages(settings), TaskActions(settings)
    task_pages, logs_pages = TasksPages(settings, actions), LogsPages(LogFeed(log_source(settings)))

    @asynccontextmanager
    async def lifespan(_: object) -> AsyncIterator[None]:
        watching = asyncio.create_task(pages.data.watch.go_on())
        yield
        await rounds.end([watching])
        await pages.data.close()
        await task_pages.close()
        await actions.close()
        await logs_pages.close()

    async def admin(request: Request) -> None:
        access.require_admin(keys, request.headers)

    routes = APIRouter(route_class=_Route, lifespan=lifespan)

    @routes.get("/", dependencies=[Depends(admin)])
    async def home(request: Request) -> Response:
        token = own_forms.token_of(request.cookies)
        html = await pages.home(responses.base_url(request), token)
        return responses.page(html, headers=own_forms.cookie(token))

    @routes.get("/journeys", dependencies=[Depends(admin)])
    async def search(id: str = "") -> Response:
        """Where the search form leads; a task's ID leads to its journey too."""
        wanted = id.strip()
        found = await pages.data.correlation_of(wanted) if correlation.is_valid(wanted) else ""
        path = f"{quote(found, safe='')}?task={quote(wanted, safe='')}" if found else quote(wanted, safe="")
        return RedirectResponse(f"/journeys/{path}" if path else "/", 303, {"Cache-Control": "no-store"})

    @routes.get("/journeys/{correlation_id:path}", dependencies=[Depends(admin)])
    async def journey(
        request: Request,
        correlation_id: str,
        task: Annotated[str, Query(max_length=128)] = "",
        status: Annotated[str, Query(max_length=16)] = "",
        page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
        order: Annotated[str, Query(max_length=16)] = "",
    ) -> Response:
        if wants_json(request.headers.get("accept", "")):
            return responses.document(await pages.document(correlation_id))
        token = own_forms.token_of(request.cookies)
        asked = PageQuery(task, status, page, order)
        html = await pages.journey(correlation_id, asked, responses.base_url(request), token)
        return responses.page(html, headers=own_forms.cookie(token))

    tasks_routes.add(routes, task_pages, keys)
    contents_routes.add(routes, pages.contents, keys)

    circuit_routes.add(routes, keys, actions, pages.data.sample, settings.circuit_max_depth)

    logs_routes.add(routes, logs_pages, admin)

    workers_routes.add(routes, pages.data, admin)
    profile_routes.add(routes, ProfilePages(pages.data), admin)
    changes_routes.add(routes, ChangesPage(pages.data), admin)

    @routes.get("/assets/{name}")
    async def asset(name: str) -> Response:
        return responses.static(name)

    return routes


def _refusal(request: Request, refused: Refused) -> Response:
    return responses.refusal(request, refused, searched=request.path_params.get("correlation_id", "")[:200])
