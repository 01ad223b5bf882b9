"""The look-up of a route without matching finds what the instrumentation's own finds, for every route that there is."""

import re

import pytest
from opentelemetry.instrumentation import fastapi as instrumentation

from api.main import app
from api.patches import route_look_up

PATHS = [re.sub(r"[{}]", "", getattr(route, "path", "/")) for route in app.routes]
ASKED = [
    *((method, path) for path in PATHS for method in ("GET", "POST", "PUT")),
    ("GET", "/nowhere"),
    ("GET", "/api/v1/tasks/"),
]


@pytest.mark.parametrize(("method", "path"), ASKED)
def test_a_path_has_the_route_that_matching_finds(monkeypatch, method, path):
    matched = instrumentation._get_route_details
    monkeypatch.setattr(instrumentation, "_get_default_span_details", instrumentation._get_default_span_details)
    route_look_up.install(app)
    scope = {"type": "http", "app": app, "method": method, "path": path, "root_path": "", "headers": []}

    _, attributes = instrumentation._get_default_span_details(scope)

    assert attributes.get("http.route") == matched(dict(scope))


def test_a_websocket_has_no_route_of_requests(monkeypatch):
    monkeypatch.setattr(instrumentation, "_get_default_span_details", instrumentation._get_default_span_details)
    route_look_up.install(app)
    scope = {"type": "websocket", "app": app, "path": "/health/live", "root_path": "", "headers": []}

    assert instrumentation._get_default_span_details(scope)[1] == {}
