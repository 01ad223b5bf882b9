"""Every error answer: RFC 9457 problem details, with a code for programs and the correlation ID for a search."""

from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from api import errors
from throughline import own_site
from throughline.problem import MEDIA_TYPE, NOTHING_HERE, FieldError, Problem, problem_of
from throughline.tasks.field_path import client_path
from throughline.tasks.registry import registry
from throughline.telemetry import correlation
from throughline.web.methods import allowed

_REFUSALS: Final[dict[type[errors.Refusal], tuple[int, str]]] = {
    errors.TaskNotFound: (404, "TASK_NOT_FOUND"),
    errors.TaskFinished: (409, "TASK_FINISHED"),
    errors.NotADeadLetter: (404, "NOT_A_DEAD_LETTER"),
    errors.Unauthorized: (401, "UNAUTHORIZED"),
    errors.Forbidden: (403, "FORBIDDEN"),
    errors.CrossSiteRequest: own_site.OTHER_SITE,
    errors.HostNotServed: own_site.NOT_HERE,
    errors.UnsupportedMediaType: (415, "UNSUPPORTED_MEDIA_TYPE"),
    errors.MalformedJson: (400, "MALFORMED_JSON"),
    errors.IdempotencyKeyInvalid: (400, "IDEMPOTENCY_KEY_INVALID"),
    errors.IdempotencyKeyReused: (422, "IDEMPOTENCY_KEY_REUSED"),
    errors.CircuitOpen: (503, "CIRCUIT_OPEN"),
    errors.MemoryFull: (503, "MEMORY_FULL"),
    errors.BrokerUnavailable: (503, "BROKER_UNAVAILABLE"),
    errors.HistoryUnavailable: (503, "HISTORY_UNAVAILABLE"),
    errors.MessageNotKept: (409, "TASK_DATA_NOT_KEPT"),
}
_FRAMEWORK: Final = {
    400: "MALFORMED_JSON",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    408: "REQUEST_TIMEOUT",
    413: "PAYLOAD_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
}
CLIENT_CLOSED: Final = 499  # no status of HTTP's: NGINX's own for its log

_code: ContextVar[str] = ContextVar("problem_code", default="")


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The error answers that a route declares, and those that NGINX may give before any route is reached."""
    return {status: {"model": Problem, "content": {MEDIA_TYPE: {}}} for status in (*statuses, 421, 429, 502, 504)}


def answered_code() -> str:
    """The code of the problem that the current request is answered with; empty while there is none."""
    return _code.get()


def answer(
    request_path: str,
    status: int,
    code: str,
    detail: str,
    *,
    field_errors: list[FieldError] | None = None,
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    _code.set(code)
    problem = problem_of(
        request_path, status, code, detail, correlation_id=correlation.current(), field_errors=field_errors
    )
    return JSONResponse(problem.model_dump(exclude_none=True), status, headers, MEDIA_TYPE)


def internal_error(request_path: str) -> JSONResponse:
    """Says that the fault is ours and how to search for it, and reveals nothing internal."""
    detail = "Something went wrong on our side. Search the logs for the correlation ID to see what it was."
    return answer(request_path, 500, "INTERNAL", detail)


def client_left() -> Response:
    """For the span, the metric and the log line alone: no server error, and nobody is there to read it."""
    _code.set("CLIENT_CLOSED")
    return Response(status_code=CLIENT_CLOSED)


def install(app: FastAPI) -> None:
    """Makes the application answer each kind of error with a problem."""
    app.add_exception_handler(errors.Refusal, _refusal)
    app.add_exception_handler(errors.DataNoLongerFit, _no_longer_fits)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _framework)


async def _refusal(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, errors.Refusal)
    return of_refusal(request.url.path, error)


def of_refusal(request_path: str, error: errors.Refusal) -> JSONResponse:
    """The answer to a request that is not carried out."""
    status, code = _REFUSALS[type(error)]
    headers = {}
    if isinstance(error, errors.CircuitOpen | errors.MemoryFull):
        headers["Retry-After"] = str(error.retry_after)
    elif isinstance(error, errors.BrokerUnavailable | errors.HistoryUnavailable):
        headers["Retry-After"] = "1"
    elif isinstance(error, errors.Unauthorized):
        headers["WWW-Authenticate"] = "Bearer"
    return answer(request_path, status, code, str(error), headers=headers)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if found[0]["type"] == "json_invalid":
        detail = f"The request body is not JSON: {found[0]['ctx']['error']} (character {found[0]['loc'][-1]})."
        return answer(request.url.path, 400, "MALFORMED_JSON", detail)
    return _wrong_fields(request, found, error.body)


async def _no_longer_fits(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, errors.DataNoLongerFit)
    found = [{**each, "loc": ("body", *each["loc"])} for each in error.found]
    return _wrong_fields(request, found, error.document, f"{error} ")


def _wrong_fields(request: Request, found: Sequence[Any], document: Any, about: str = "") -> JSONResponse:
    fields = [FieldError(field=_field(e, document), message=_message(e)) for e in found]
    detail = f"{about}{fields[0].field}: {fields[0].message}" + (
        f" (and {len(fields) - 1} more, see errors)" if len(fields) > 1 else ""
    )
    return answer(request.url.path, 422, "VALIDATION_FAILED", detail, field_errors=fields)


async def _framework(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        return _other_method(request)
    code = _FRAMEWORK.get(error.status_code, "INTERNAL" if error.status_code >= 500 else "VALIDATION_FAILED")
    headers = dict(error.headers) if error.headers else None
    detail = NOTHING_HERE if error.status_code == 404 else error.detail
    return answer(request.url.path, error.status_code, code, detail, headers=headers)


def _other_method(request: Request) -> Response:
    methods = {"Allow": allowed(request.app.routes, request.scope)}
    if request.method == "OPTIONS":
        return Response(status_code=204, headers=methods)
    detail = f"{request.url.path} takes {methods['Allow']}."
    return answer(request.url.path, 405, "METHOD_NOT_ALLOWED", detail, headers=methods)


def _field(error: dict[str, Any], body: Any) -> str:
    """The parameter, or the field's path in the client's own document; `(body)` when the whole document is wrong."""
    where, *named = error["loc"]
    if where != "body" and named:
        return str(named[0])
    return client_path(error, body, skip=1, discriminators=registry().discriminators) or f"({error['loc'][0]})"


def _message(error: dict[str, Any]) -> str:
    if error["type"] == "union_tag_invalid":
        return f"Not one of those on offer: {error['ctx']['expected_tags']}"
    if error["type"] == "union_tag_not_found":
        return "Field required"
    if error["type"] == "extra_forbidden" and error["loc"][0] == "query":
        return "There is no such parameter"
    return str(error["msg"]).removeprefix("Value error, ")
