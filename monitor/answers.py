"""What every answer of the monitor has in common: correlation ID, HEAD as GET, problems for errors, methods of 405s."""

import logging
from collections.abc import Sequence
from typing import Final

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from monitor.page import responses
from monitor.page.refusal import Refused
from throughline.problem import NOTHING_HERE
from throughline.telemetry import correlation
from throughline.web import methods, slow_body

_logger: Final = logging.getLogger("throughline.monitor")
_CODES: Final = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED", 408: "REQUEST_TIMEOUT"}


def install(app: FastAPI, routes: Sequence[BaseRoute]) -> None:
    """`routes` are all that the application has, those of its routers one by one."""

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code != 405:
            code = _CODES.get(error.status_code, "BAD_REQUEST")
            detail = NOTHING_HERE if error.status_code == 404 else error.detail
            return responses.refusal(request, Refused(error.status_code, code, detail, error.headers))
        allow = {"Allow": methods.allowed(routes, request.scope)}
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=allow)
        detail = f"{request.url.path} takes {allow['Allow']}."
        return responses.refusal(request, Refused(405, "METHOD_NOT_ALLOWED", detail, allow))

    app.add_exception_handler(HTTPException, refused)
    app.add_middleware(_Surroundings)


class _Surroundings:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = correlation.keep_or_make(Request(scope).headers.get("x-request-id"))
        has_begun = False

        async def completed(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                headers = [each for each in message["headers"] if each[0] != b"x-request-id"]
                message["headers"] = [*headers, (b"x-request-id", request_id.encode())]
            await send(message)

        asked, answer = methods.as_get(scope, completed)
        with correlation.bound(request_id):
            try:
                await self._app(asked, slow_body.in_time(receive), answer)
            except Exception:
                _logger.exception("A request ended with an unhandled error")
                if not has_begun:
                    await responses.internal_error(Request(asked))(asked, receive, answer)
