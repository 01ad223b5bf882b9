"""Refuses requests beyond a budget, before anything else is done for them: an ASGI application around another one."""

import math
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from throughline.budgets import Budgets
from throughline.problem import MEDIA_TYPE, problem_of
from throughline.telemetry import correlation

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

DETAIL: Final = "Too many requests from this API key or address. Please retry in a second."


class RateLimit:
    """Outside even of the server span: what is refused costs as little as can be, and NGINX's access line tells it."""

    def __init__(self, app: App, budgets: Budgets) -> None:
        self._app, self._budgets = app, budgets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(scope["headers"])}
            peer, _ = scope.get("client") or ("", None)
            if wait := self._budgets.seconds_to_wait(headers, peer, time.monotonic()):
                await _refuse(scope, headers, wait, send)
                return
        await self._app(scope, receive, send)


async def _refuse(scope: Scope, headers: dict[str, str], wait: float, send: Send) -> None:
    request_id = correlation.keep_or_make(headers.get("x-request-id"))
    problem = problem_of(scope["path"], 429, "RATE_LIMITED", DETAIL, correlation_id=request_id)
    body = problem.model_dump_json(exclude_none=True).encode()
    told = {
        "content-type": MEDIA_TYPE,
        "content-length": len(body),
        "retry-after": math.ceil(wait),
        "x-request-id": request_id,
    }
    raw = [(name.encode(), str(value).encode()) for name, value in told.items()]
    await send({"type": "http.response.start", "status": 429, "headers": raw})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
