"""Refuses what a page of another site makes a browser send: see throughline/own_site.py."""

from starlette.types import ASGIApp, Receive, Scope, Send

from api import problems
from api.errors import CrossSiteRequest, HostNotServed, Refusal
from api.request_headers import first_values
from throughline import own_site
from throughline.own_site import READING, Sender

_READ = (b"host", b"origin", b"sec-fetch-site")


class OwnSite:
    """Before any route, so that there is none that it does not guard."""

    def __init__(self, app: ASGIApp, allowed: frozenset[str]) -> None:
        self._app, self._allowed = app, allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (refusal := self._refusal(scope)):
            await problems.of_refusal(scope["path"], refusal)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> Refusal | None:
        sent = first_values(scope)
        headers = {name.decode(): sent[name].decode("latin-1") for name in _READ if name in sent}
        address, _ = scope.get("server") or (None, None)
        if not own_site.is_served(headers.get("host", ""), address, self._allowed):
            return HostNotServed()
        if scope["method"] not in READING and own_site.sender(headers) is Sender.OTHER_SITE:
            return CrossSiteRequest()
        return None
