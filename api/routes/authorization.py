"""Who sends a request: from its API key, in `Authorization: Bearer …` or `X-API-Key`."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Final

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, HTTPBearer
from fastapi.security.http import HTTPAuthorizationCredentials

from api.services.callers import Caller, Scope

_bearer = HTTPBearer(auto_error=False, description="An API key, when the service asks for one.")
_header = APIKeyHeader(name="X-API-Key", auto_error=False, description="The same key, for clients without Bearer.")


def caller_of(request: Request, scope: Scope) -> Caller:
    """Who sent it; raises `Unauthorized`, or `Forbidden` without the scope."""
    key = key_sent(request.headers.get("Authorization", ""), request.headers.get("X-API-Key", ""))
    found: Caller = request.app.state.callers.identify(key, scope)
    return found


def key_sent(authorization: str, x_api_key: str) -> str:
    """The API key in the two headers' values; empty when there is none."""
    kind, _, credentials = authorization.partition(" ")
    return credentials.strip() if kind.lower() == "bearer" else x_api_key


def _allowed(scope: Scope) -> Callable[..., Awaitable[Caller]]:
    # The two schemes are for the OpenAPI document; the header itself is read in one place, for every route.
    async def caller(
        request: Request,
        _: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
        __: Annotated[str | None, Security(_header)],
    ) -> Caller:
        return caller_of(request, scope)

    return caller


Reader = Annotated[Caller, Depends(_allowed(Scope.READ))]
Canceller = Annotated[Caller, Depends(_allowed(Scope.SUBMIT))]
Admin = Annotated[Caller, Depends(_allowed(Scope.ADMIN))]
DOCUMENTED: Final[list[dict[str, list[str]]]] = [{_bearer.scheme_name: []}, {_header.scheme_name: []}]
