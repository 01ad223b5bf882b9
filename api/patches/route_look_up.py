"""The instrumentation matches all routes with each request, as the router does after it: 9 µs for a submission.

Upstream: open-telemetry/opentelemetry-python#826, open since 2020; the instrumentation's source has a TODO.
Seen: opentelemetry-instrumentation-fastapi 0.66b1.
Can go: when the instrumentation takes the route from the router.
"""

from typing import Any, Final

from fastapi import FastAPI
from opentelemetry.instrumentation import fastapi as instrumentation
from starlette.types import Scope

_matched: Final = instrumentation._get_default_span_details


def install(app: FastAPI) -> None:
    """A path without parameters is its own route; the others are matched as before."""
    fixed = {path for path in (getattr(route, "path", "{") for route in app.routes) if "{" not in path}

    def details(scope: Scope) -> tuple[str, dict[str, Any]]:
        path = scope["path"]
        if path in fixed and scope["type"] == "http":
            return path, {"http.route": path}
        told: tuple[str, dict[str, Any]] = _matched(scope)
        return told

    instrumentation._get_default_span_details = details
