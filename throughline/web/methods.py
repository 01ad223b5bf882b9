"""HEAD, OPTIONS and the 405 of a path, the same wherever a path is answered."""

from collections.abc import Iterable

from starlette.routing import BaseRoute, Match
from starlette.types import Message, Scope, Send

_IS_HEAD = "throughline.is_head"
_ALL = ("GET", "POST", "PUT", "PATCH", "DELETE")


def as_get(scope: Scope, send: Send) -> tuple[Scope, Send]:
    """HEAD is answered wherever GET is, as GET; the server leaves the body out, so nothing waits for its end."""
    if scope["method"] != "HEAD":
        return scope, send
    has_begun = False

    async def send_head(message: Message) -> None:
        nonlocal has_begun
        if message["type"] == "http.response.start":
            has_begun = True
            await send(message)
            await send({"type": "http.response.body"})
        elif not has_begun:
            await send(message)

    return {**scope, "method": "GET", _IS_HEAD: True}, send_head


def is_head(scope: Scope) -> bool:
    """Whether what is answered as GET was asked as HEAD: nobody sees what it would wait for."""
    return _IS_HEAD in scope


def allowed(routes: Iterable[BaseRoute], scope: Scope) -> str:
    """The methods that the path of a request has, as the header `Allow` names them.

    A path that a route has as it stands is not one of those with parameters, whatever else these would take.
    """
    routes = [each for each in routes if each.matches(scope)[0] is not Match.NONE]
    routes = [each for each in routes if getattr(each, "path", "") == scope["path"]] or routes
    own = [each for each in _ALL if any(_takes(route, scope, each) for route in routes)]
    return ", ".join([*(["GET", "HEAD"] if "GET" in own else []), *(each for each in own if each != "GET"), "OPTIONS"])


def _takes(route: BaseRoute, scope: Scope, method: str) -> bool:
    match, _ = route.matches({**scope, "method": method})
    return match is Match.FULL
