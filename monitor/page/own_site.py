"""Refuses what a page of another site makes a browser send, before any route: see throughline/own_site.py."""

from collections.abc import Awaitable, Callable

from fastapi import Request, Response

from monitor.page import responses
from monitor.page.refusal import Refused
from throughline import own_site
from throughline.own_site import READING, Sender

Answer = Callable[[Request], Awaitable[Response]]


def guard(allowed: frozenset[str]) -> Callable[[Request, Answer], Awaitable[Response]]:
    """For `FastAPI.middleware`. The page's forms ask for more: see tasks/own_forms.py."""

    async def guarded(request: Request, answer: Answer) -> Response:
        address, _ = request.scope.get("server") or (None, None)
        if not own_site.is_served(request.headers.get("host", ""), address, allowed):
            return responses.refusal(request, Refused(*own_site.NOT_HERE, own_site.NOT_HERE_DETAIL))
        if request.method not in READING and own_site.sender(request.headers) is Sender.OTHER_SITE:
            return responses.refusal(request, Refused(*own_site.OTHER_SITE, own_site.OTHER_SITE_DETAIL))
        return await answer(request)

    return guarded
