"""The addresses of the tasks: the list, and where its form sends what is to be done with the chosen ones."""

from typing import Final
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from monitor.page import access, responses
from monitor.page.refusal import Refused
from monitor.page.tasks import own_forms
from monitor.page.tasks.action_form import ActionForm, body_of
from monitor.page.tasks.address import MOST_FILTERS, PATH, TasksAddress
from monitor.page.tasks.pages import TasksPages
from throughline.api_keys import ApiKeys
from throughline.telemetry import correlation

_NOT_KEPT: Final = {"Cache-Control": "no-store"}
_KEPT_HERE: Final = {"Cache-Control": "private, no-cache"}  # else the browser's "back" cannot show what was posted


def add(routes: APIRouter, pages: TasksPages, keys: ApiKeys) -> None:
    """Adds them to the page's own."""

    @routes.get(PATH)
    async def tasks(request: Request) -> Response:
        access.require_admin(keys, request.headers)
        sent = _sent(request.url.query)
        address = TasksAddress.of(sent)
        if any(not value for _, value in sent):  # a form sends its empty fields too: nobody wants to share those
            return RedirectResponse(address.url, 303, _NOT_KEPT)
        token = own_forms.token_of(request.cookies)
        made = await pages.list(address, token, responses.base_url(request))
        if made.instead:
            return RedirectResponse(made.instead, 303, _NOT_KEPT)
        return responses.page(made.html, made.status, own_forms.cookie(token))

    @routes.post(f"{PATH}/actions")
    async def actions(request: Request) -> Response:
        key = access.require_admin(keys, request.headers)
        form = ActionForm.parse(await body_of(request))
        own_forms.require_own(request.headers, request.cookies, form.token)
        if not form.confirmed:
            return responses.page(pages.confirm(form), headers=_KEPT_HERE)
        correlation_id = correlation.keep_or_make(request.headers.get("x-request-id"))
        return responses.page(await pages.carry_out(form, correlation_id, key), headers=_KEPT_HERE)


def _sent(query: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(query, keep_blank_values=True, max_num_fields=MOST_FILTERS)
    except ValueError:
        detail = f"A list of tasks takes at most {MOST_FILTERS} filters."
        raise Refused(422, "VALIDATION_FAILED", detail) from None
