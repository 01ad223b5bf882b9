"""The addresses of the pages about many tasks; each is HTML or the JSON of the command, by `Accept`."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request, Response

from monitor.page import responses
from monitor.page.accept_header import wants_json
from monitor.page.profile.pages import ProfilePages
from monitor.page.profile.replay_form import ReplayForm
from monitor.page.refusal import Refused
from monitor.page.tasks import own_forms
from monitor.page.tasks.action_form import body_of

_PARAMETERS: Final = ("since", "until", "task_type", "order")
_Text = Annotated[str, Query(max_length=64)]
_Order = Annotated[str, Query(max_length=16)]
_Name = Annotated[str, Query(max_length=256)]


def add(routes: APIRouter, pages: ProfilePages, admin: Callable[..., Awaitable[None]]) -> None:
    """To the page's other addresses."""
    only_admin: list[Any] = [Depends(admin), Depends(_only_known)]

    @routes.get("/profile", dependencies=only_admin)
    async def profile(
        request: Request, since: _Text = "1h", until: _Text = "", task_type: _Name = "", order: _Order = ""
    ) -> Response:
        if wants_json(request.headers.get("accept", "")):
            return responses.document(await pages.profile_document(since, until, task_type))
        return responses.page(await pages.profile(since, until, task_type, order))

    @routes.get("/errors", dependencies=only_admin)
    async def errors(
        request: Request, since: _Text = "1h", until: _Text = "", task_type: _Name = "", order: _Order = ""
    ) -> Response:
        if wants_json(request.headers.get("accept", "")):
            return responses.document(await pages.errors_document(since, until, task_type))
        token = own_forms.token_of(request.cookies)
        html = await pages.errors(since, until, task_type, order, token)
        return responses.page(html, headers=own_forms.cookie(token))

    @routes.post("/errors/actions", dependencies=[Depends(admin)])
    async def replay(request: Request) -> Response:
        form = ReplayForm.parse(await body_of(request))
        own_forms.require_own(request.headers, request.cookies, form.token)
        return responses.page(await pages.replay(form), headers={"Cache-Control": "private, no-cache"})


async def _only_known(request: Request) -> None:
    """A filter that is none, or is there twice, would be left out of the answer without a word."""
    for name in request.query_params:
        if name not in _PARAMETERS:
            raise Refused(422, "VALIDATION_FAILED", f"{name[:40]}: there is none; there are {', '.join(_PARAMETERS)}.")
        if len(request.query_params.getlist(name)) > 1:
            raise Refused(422, "VALIDATION_FAILED", f"{name}: is given more than once.")
