"""Who sends a request: from its API key, in `Authorization: Bearer …` or `X-API-Key`."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, HTTPBearer
from fastapi.security.http import HTTPAuthorizationCredentials

from api.services.callers import Caller, Scope

_bearer = HTTPBearer(auto_error=False, description="An API key, when the service asks for one.")
_header = APIKeyHeader(name="X-API-Key", auto_error=False, description="The same key, for clients without Bearer.")


def _allowed(scope: Scope) -> Callable[..., Caller]:
    def caller(
        request: Request,
        bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
        header: Annotated[str | None, Security(_header)],
    ) -> Caller:
        key = bearer.credentials if bearer else header or ""
        found: Caller = request.app.state.callers.identify(key)
        found.require(scope)
        return found

    return caller


Submitter = Annotated[Caller, Depends(_allowed(Scope.SUBMIT))]
Reader = Annotated[Caller, Depends(_allowed(Scope.READ))]
Admin = Annotated[Caller, Depends(_allowed(Scope.ADMIN))]
