"""The OpenAPI document, completed for generators of clients: what FastAPI does not say by itself.

Every error that a request may be answered with is declared with its model, media type and headers, NGINX's own too;
every request may have a correlation ID; no two models have one name, nor a model and one of its own fields; a key is
asked for only where the service asks for one; and what is left out of a task's data stays left out.
"""

import json
import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import validation_error_definition, validation_error_response_definition
from fastapi.routing import APIRoute

from throughline.problem import MEDIA_TYPE
from throughline.telemetry import correlation

# What NGINX, or a replica before any route, may answer whatever is asked for: tests/integration/test_edges.py compares.
_ANYWHERE: Final = (400, 405, 408, 413, 414, 421, 429, 431, 500, 501, 502, 504, 505)
# FastAPI adds them for its own 422, which no route gives: ours is a problem.
_FASTAPI_ONLY: Final = {
    "ValidationError": validation_error_definition,
    "HTTPValidationError": validation_error_response_definition,
}
_FASTAPI_422: Final = {"schema": {"$ref": "#/components/schemas/HTTPValidationError"}}
_CORRELATION_ID: Final = {"type": "string", "pattern": f"^{correlation.PATTERN}$"}
_SENT_REQUEST_ID: Final = {
    "name": "X-Request-ID",
    "in": "header",
    "required": False,
    "description": "The correlation ID. Without one, or with one that does not fit, a new one is made.",
    "schema": _CORRELATION_ID,
}
_REQUEST_ID: Final = {
    "X-Request-ID": {
        "description": "The correlation ID, by which the request is found in every log.",
        "required": True,
        "schema": _CORRELATION_ID,
    }
}
_RETRY: Final = {
    "Retry-After": {"description": "Seconds to wait before the next try.", "schema": {"type": "integer", "minimum": 0}}
}
_HEADERS: Final[dict[int, dict[str, Any]]] = {
    401: {"WWW-Authenticate": {"description": "How to send an API key.", "schema": {"type": "string"}}},
    405: {"Allow": {"description": "The methods of this path.", "schema": {"type": "string"}}},
    429: _RETRY,
    503: _RETRY,
}


class Documented(FastAPI):
    """An application whose document is complete."""

    asks_for_keys = False

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            self.openapi_schema = _completed(super().openapi(), self)
        return self.openapi_schema


def _completed(document: dict[str, Any], app: Documented) -> dict[str, Any]:
    operations = list(_operations(document, app))
    declared = [problem for operation, _ in operations for problem in _problems(operation).values()]
    problem = declared[0]["content"]["application/json"]  # FastAPI's guess of the media type
    statuses = {status for operation, route in operations for status in _complete(operation, route)}
    components = document["components"]
    components["responses"] = {_name(status): _response(status, problem) for status in sorted(statuses)}
    components["schemas"] = {
        name: schema for name, schema in components["schemas"].items() if schema != _FASTAPI_ONLY.get(name)
    }
    _tell_apart(components["schemas"])
    _leave_out(components["schemas"])
    if not app.asks_for_keys:
        _without_security(document)
    return document


def _without_security(document: dict[str, Any]) -> None:
    """A client that is generated of the document would not be content without a key."""
    document["components"].pop("securitySchemes")
    for path in document["paths"].values():
        for operation in path.values():
            operation.pop("security", None)


def _operations(document: dict[str, Any], app: Documented) -> Iterator[tuple[dict[str, Any], APIRoute]]:
    for route in app.routes:
        if isinstance(route, APIRoute) and route.include_in_schema:
            for method in route.methods or ():
                yield document["paths"][route.path_format][method.lower()], route


def _problems(operation: dict[str, Any]) -> dict[str, Any]:
    """The error answers that its route declares (`api.problems.problems`)."""
    return {status: each for status, each in operation["responses"].items() if MEDIA_TYPE in each.get("content", {})}


def _complete(operation: dict[str, Any], route: APIRoute) -> set[int]:
    """Changes it in place; gives the statuses of the problems that it may be answered with."""
    problems = _problems(operation)
    own = {
        status: each
        for status, each in operation["responses"].items()
        if status not in problems and each.get("content", {}).get("application/json") != _FASTAPI_422
    }
    for answer in own.values():
        answer["headers"] = answer.get("headers", {}) | _REQUEST_ID
    statuses = {*map(int, problems), *_ANYWHERE} - {*map(int, own)}
    operation["operationId"] = route.name
    operation["parameters"] = [*operation.get("parameters", []), _SENT_REQUEST_ID]
    operation["responses"] = own | {
        str(status): {"$ref": f"#/components/responses/{_name(status)}"} for status in sorted(statuses)
    }
    return statuses


def _name(status: int) -> str:
    return HTTPStatus(status).name.title().replace("_", "")


def _response(status: int, problem: dict[str, Any]) -> dict[str, Any]:
    return {
        "description": HTTPStatus(status).phrase,
        "headers": _HEADERS.get(status, {}) | _REQUEST_ID,
        "content": {MEDIA_TYPE: problem},
    }


def _tell_apart(schemas: dict[str, Any]) -> None:
    """Titles become the names of a generated client's classes, and their small letters the names of its variables.

    Pydantic calls two models of one name differently, and leaves both the same title.
    """
    taken: set[str] = set()
    for name, schema in schemas.items():
        title = schema.get("title", name)
        if _flat(title) in taken:
            title = name
        if _flat(title) in map(_flat, schema.get("properties", {})):
            title = f"{title}Model"
        taken.add(_flat(title))
        schema["title"] = title


def _leave_out(schemas: dict[str, Any]) -> None:
    """Defaults in a task's data become words: generated clients send them.

    Whoever leaves a field out leaves its value to the task, which may choose another than the default, or have no use
    for it: one that is sent must be kept or refused.
    """
    submissions = _refs(schemas["TaskSubmission"])
    found, waiting = set(submissions), [name for each in submissions for name in _refs(schemas[each])]
    while waiting:
        if (name := waiting.pop()) not in found:
            found.add(name)
            waiting += _refs(schemas[name])
    for name in found - submissions:
        for told in schemas[name].get("properties", {}).values():
            if "const" not in told and (default := told.pop("default", None)) is not None:
                words = f"{told.get('description', '')} `{json.dumps(default)}` if it is left out."
                told["description"] = words.strip()


def _refs(schema: Any) -> set[str]:
    """The names of the components that it names, but for those of its discriminators, which are among them."""
    return set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(schema)))


def _flat(name: str) -> str:
    return re.sub(r"\W|_", "", name).lower()
