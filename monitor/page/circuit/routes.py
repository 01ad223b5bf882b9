"""Where the home page's form asks that the circuit breaker be closed: asks once more, then tells what was done."""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs

from fastapi import APIRouter, Request, Response

from monitor.page import access, responses
from monitor.page.refusal import Refused
from monitor.page.responses import rendered
from monitor.page.tasks import own_forms
from monitor.page.tasks.action_form import body_of, why_of
from monitor.page.tasks.actions import Asker, TaskActions
from throughline.api_keys import ApiKeys
from throughline.journey.quantities import format_count
from throughline.ledger.queue_sample import Sample
from throughline.telemetry import correlation

PATH: Final = "/circuit/actions"
_NOT_KEPT: Final = {"Cache-Control": "private, no-cache"}
_MOST_FIELDS: Final = 20


@dataclass(frozen=True)
class CircuitView:
    """The page before it is done, which asks, or after that."""

    heading: str
    means: str
    asks: bool = False
    once: str = ""
    correlation_id: str = ""


def add(
    routes: APIRouter,
    keys: ApiKeys,
    actions: TaskActions,
    sample: Callable[[], Awaitable[Sample | None]],
    most: int,
) -> None:
    """To the page's other addresses. `most` is the depth at which the breaker opens."""

    @routes.post(PATH)
    async def circuit(request: Request) -> Response:
        key = access.require_admin(keys, request.headers)
        form = _parsed(await body_of(request))
        own_forms.require_own(request.headers, request.cookies, form.get(own_forms.FIELD, ""))
        once = form.get("confirmed", "")[:64]
        if once:
            asked = correlation.keep_or_make(request.headers.get("x-request-id"))
            refused = await actions.close_circuit(Asker(asked, key, once, why_of(form.get("why", ""))))
            view = _result(refused, asked)
        else:
            view = confirmation(await sample(), most)
        html = rendered("circuit_action.html", view=view, token=form[own_forms.FIELD])
        return responses.page(html, headers=_NOT_KEPT)


def confirmation(now: Sample | None, most: int) -> CircuitView:
    if now is not None and now.circuit == "closed":
        return CircuitView("The circuit breaker is closed", "Tasks are taken: there is nothing to do.")
    waiting = f" {format_count(now.waiting, 'task')} {'waits' if now.waiting == 1 else 'wait'} now." if now else ""
    means = f"New tasks are taken again at once, until {most:,} wait: then it opens again.{waiting}"
    return CircuitView("Close the circuit breaker?", means, asks=True, once=secrets.token_urlsafe(12))


def _result(refused: str, correlation_id: str) -> CircuitView:
    heading = "The circuit breaker was not closed" if refused else "The circuit breaker is closed"
    return CircuitView(heading, refused or "New tasks are taken again.", correlation_id=correlation_id)


def _parsed(body: bytes) -> dict[str, str]:
    try:
        return {name: values[0] for name, values in parse_qs(body.decode(), max_num_fields=_MOST_FIELDS).items()}
    except ValueError:
        raise Refused(400, "MALFORMED_FORM", "This is not a form of the page.") from None
