"""HTTP at its edges, with the same answer through NGINX, from a replica and from the monitor: problems, HEAD, Allow."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

import httpx
import pytest
from playwright.sync_api import Route, expect

from api import problems
from tests import lone_nginx, plain_http, raw_request
from tests.conftest import free_port
from tests.integration.replica import Replica
from tests.system.browser import Tab, chromium
from throughline import own_site
from throughline.local.run import ROOT
from throughline.web import connection

Wait = Callable[..., Any]
FOREIGN: Final = "made-up.example"
TEMPLATE: Final = ROOT / "nginx" / "throughline.conf.template"


class Doors(NamedTuple):
    """The ports at which the service can be asked."""

    nginx: int
    replica: int
    monitor: int

    def ask(self, door: str, method: str, path: str, **headers: str) -> httpx.Response:
        with plain_http.client(f"http://127.0.0.1:{getattr(self, door)}", timeout=10) as client:
            return client.request(method, path, headers=headers)


@pytest.fixture(scope="module")
def doors(
    replica_with: Callable[..., Replica],
    start_for_module: Callable[..., Any],
    tmp_path_factory: pytest.TempPathFactory,
    wait_until: Wait,
) -> Iterator[Doors]:
    monitor, folder = free_port(), tmp_path_factory.mktemp("edges")
    replica = replica_with("api.main:app")
    start_for_module("monitor", output=folder / "monitor.jsonl", MONITOR_PORT=str(monitor))
    with lone_nginx.started(folder, wait_until, api=str(replica.port), monitor=str(monitor)) as nginx:
        found = Doors(nginx.port, replica.port, monitor)
        wait_until(lambda: _answers(found), 60, "the monitor answers")
        yield found


def _answers(doors: Doors) -> bool:
    return doors.ask("nginx", "GET", "/metrics").is_success


HEAD = b"X-Request-ID: EDGE-1\r\nHost: localhost\r\nConnection: close\r\n"
JSON = b"Content-Type: application/json\r\n"
ODD: dict[str, tuple[bytes, set[int]]] = {
    "UTF-8 in the path": (b"GET /api/v1/t\xc3\xa4sks HTTP/1.1\r\n" + HEAD, {400}),
    "UTF-8 in a page's path": (b"GET /journeys/\xe2\x82\xac HTTP/1.1\r\n" + HEAD, {400}),
    "UTF-8 in the query": (b"GET /api/v1/tasks?status=\xf0\x9f\x92\xb6 HTTP/1.1\r\n" + HEAD, {400}),
    "no UTF-8 in the path": (b"GET /\xff\xfe HTTP/1.1\r\n" + HEAD, {400}),
    "a NUL": (b"GET /api/\x00 HTTP/1.1\r\n" + HEAD, {400}),
    "a written NUL": (b"GET /api/%00 HTTP/1.1\r\n" + HEAD, {400, 404}),
    "an unknown coding": (b"POST /api/v1/tasks HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n" + JSON + HEAD, {501}),
    "two codings": (b"POST /api/v1/tasks HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n" + JSON + HEAD, {501}),
    "HTTP/2.0": (b"GET /health HTTP/2.0\r\n" + HEAD, {505}),
    "HTTP/3.7": (b"GET /health HTTP/3.7\r\n" + HEAD, {400, 505}),
    "HTTP/x": (b"GET /health HTTP/x\r\n" + HEAD, {400}),
    "no HTTP": (b"GET /health HTTPS/1.1\r\n" + HEAD, {400}),
    "a length that is none": (b"POST /api/v1/tasks HTTP/1.1\r\nContent-Length: ten\r\n" + JSON + HEAD, {400}),
    "two lengths": (b"POST /api/v1/tasks HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 3\r\n" + HEAD, {400}),
    "a negative length": (b"POST /api/v1/tasks HTTP/1.1\r\nContent-Length: -2\r\n" + HEAD, {400}),
    "no length": (b"POST /api/v1/tasks HTTP/1.1\r\n" + JSON + HEAD, {400, 404}),
    "length and coding": (
        b"POST /api/v1/tasks HTTP/1.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n" + HEAD,
        {400},
    ),
    "two slashes": (b"GET //x HTTP/1.1\r\n" + HEAD, {404}),
    "only slashes": (b"GET /// HTTP/1.1\r\n" + HEAD, {200, 404}),
    "two slashes below": (b"GET /assets//page.css HTTP/1.1\r\n" + HEAD, {404}),
    "a path up": (b"GET /assets/%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\n" + HEAD, {400, 404}),
    "another site": (b"GET http://made-up.example/nowhere HTTP/1.1\r\n" + HEAD, {404, 421}),
    "an over-long path": (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n" + HEAD, {414}),
    "an over-long header": (b"GET /health HTTP/1.1\r\nX-Long: " + b"x" * 40_000 + b"\r\n" + HEAD, {431}),
    "the metrics posted": (b"POST /metrics HTTP/1.1\r\nContent-Length: 0\r\n" + HEAD, {404, 405}),
    "a wrong method on a page": (b"DELETE /workers HTTP/1.1\r\n" + HEAD, {404, 405}),
    "a method that nobody knows": (b"BREW /health HTTP/1.1\r\n" + HEAD, {400, 404, 405}),
    "TRACE": (b"TRACE /health HTTP/1.1\r\n" + HEAD, {404, 405}),
    "CONNECT": (b"CONNECT a:80 HTTP/1.1\r\n" + HEAD, {400, 405}),
    "no Host": (b"GET /health HTTP/1.1\r\nConnection: close\r\n", {400}),
    "two Hosts": (b"GET /health HTTP/1.1\r\nHost: b\r\n" + HEAD, {400}),
    "a blank before the colon": (b"GET /health HTTP/1.1\r\nHost : b\r\n" + HEAD, {400}),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n", {400}),
}


@pytest.mark.parametrize("door", ["nginx", "replica", "monitor"])
@pytest.mark.parametrize("name", list(ODD))
def test_whatever_is_asked_and_whoever_answers_an_error_is_a_problem(doors: Doors, name: str, door: str):
    request, statuses = ODD[name]

    answer = raw_request.sent(getattr(doors, door), request + b"\r\n")

    assert answer.status in statuses
    if answer.status >= 400:
        problem = json.loads(answer.body)
        assert answer.headers.get_all("Content-Type") == ["application/problem+json"]
        assert (problem["status"], bool(problem["title"])) == (answer.status, True)
        assert answer.headers.get_all("X-Request-ID") == [problem["correlation_id"]]
        for header in ("X-Content-Type-Options", "Content-Security-Policy", "Referrer-Policy"):
            assert len(answer.headers.get_all(header, [])) == 1, header


# Of NGINX's own problems, those of single paths that are none of the API's: its clock, and metrics for strangers.
OF_OTHER_PATHS: Final = {403, 404}


def own_statuses_of_nginx() -> set[int]:
    codes = re.search(r"map \$status \$problem_code \{(.*?)\}", TEMPLATE.read_text(), re.DOTALL)
    assert codes
    return {int(status) for status in re.findall(r"^ +(\d{3}) ", codes[1], re.MULTILINE)} - OF_OTHER_PATHS


def declared(doors: Doors) -> dict[str, set[int]]:
    """The statuses that each operation of the document may be answered with."""
    paths = doors.ask("replica", "GET", "/openapi.json").json()["paths"]
    return {
        f"{method.upper()} {path}": set(map(int, operation["responses"]))
        for path, operations in paths.items()
        for method, operation in operations.items()
    }


def test_whatever_is_answered_before_any_route_is_declared_for_each_operation(doors: Doors):
    of_a_connection = {each.status for each in vars(connection).values() if isinstance(each, connection.Refusal)}
    anywhere = own_statuses_of_nginx() | of_a_connection | {400, 500, own_site.NOT_HERE[0]}
    assert {408, 414, 429, 431, 501, 502, 504, 505} <= anywhere
    for operation, statuses in declared(doors).items():
        wanted = anywhere if operation.startswith("GET") else anywhere | {own_site.OTHER_SITE[0]}
        assert not wanted - statuses, operation


def test_each_status_with_which_a_route_refuses_is_declared_for_one(doors: Doors):
    refused = {status for status, _ in problems._REFUSALS.values()} | problems._FRAMEWORK.keys()
    assert {401, 409, 415, 422, 503} <= refused
    assert not refused - set().union(*declared(doors).values())


PAGES = [
    *("/", "/journeys", "/journeys/NONE-SUCH", "/tasks", "/tasks/none-such", "/tasks/none-such/input", "/workers"),
    *(
        "/profile",
        "/errors",
        "/logs",
        "/changes",
        "/assets/page.css",
        "/assets/none-such",
        "/tasks?status=",
        "/logs?id=",
    ),
]
ACTIONS = ["/tasks/actions", "/errors/actions", "/circuit/actions"]
MONITORS = [*PAGES, "/metrics"]
CHANGING = {"date", "x-request-id", "content-security-policy", "set-cookie"}


def api_paths(doors: Doors) -> dict[str, set[str]]:
    """Each path of the API with its methods, as the document has them."""
    paths = doors.ask("replica", "GET", "/openapi.json").json()["paths"]
    named = {
        path.replace("{task_id}", "none-such"): {each.upper() for each in methods} for path, methods in paths.items()
    }
    return named | {path: {"GET"} for path in ("/docs", "/redoc", "/openapi.json")}


@pytest.mark.parametrize("door", ["nginx", "replica", "monitor"])
def test_head_is_answered_as_get_without_the_body(doors: Doors, door: str):
    reads = [path for path, methods in api_paths(doors).items() if "GET" in methods]
    paths = {"nginx": reads + MONITORS, "replica": reads, "monitor": [*MONITORS, "/health/live", "/scaling"]}[door]
    for path in paths:
        get, head = doors.ask(door, "GET", path), doors.ask(door, "HEAD", path)
        assert (head.status_code, head.content) == (get.status_code, b""), path
        assert set(head.headers) == set(get.headers), path
        same = {"content-type", "location", "allow", "vary", "cache-control"}
        if path not in {
            "/metrics",
            "/health",
            "/",
            "/health/ready",
            "/api/v1/workers",
            "/workers",
        }:  # whose content changes
            same.add("content-length")
        assert [head.headers.get(name) for name in same] == [get.headers.get(name) for name in same], path


def test_head_waits_for_nothing(doors: Doors):
    task = {"task_type": "calculate_var", "data": {"positions": [{"symbol": "A", "quantity": 1, "price": 1}]}}
    with plain_http.client(f"http://127.0.0.1:{doors.replica}", timeout=10) as client:
        path = client.post("/api/v1/tasks", json=task).headers["Location"]
        for each in (f"{path}?wait=25", f"{path}/events"):
            assert client.head(each).status_code == 200, each
            assert client.get("/health/live").json() == {"status": "ok"}  # on the same connection


def test_a_405_names_all_methods_of_the_path_whoever_answers_it(doors: Doors):
    wanted = api_paths(doors) | {path: {"GET"} for path in MONITORS} | {path: {"POST"} for path in ACTIONS}
    for path, methods in wanted.items():
        allowed = methods | {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set())
        other = "PATCH"
        own = "monitor" if path in [*MONITORS, *ACTIONS] else "replica"
        for door, method in (("nginx", other), (own, other), (own, "TRACE"), ("nginx", "TRACE")):
            answer = doors.ask(door, method, path)
            assert (answer.status_code, answer.headers["Content-Type"]) == (405, "application/problem+json"), path
            assert set(answer.headers["Allow"].split(", ")) == allowed, (path, door, method)
        for door in ("nginx", own):
            answer = doors.ask(door, "OPTIONS", path)
            assert (answer.status_code, set(answer.headers["Allow"].split(", "))) == (204, allowed), (path, door)


def test_the_method_get_of_the_actions_is_refused_as_any_other(doors: Doors):
    for path in ACTIONS:
        for method in ("GET", "HEAD"):
            answer = doors.ask("nginx", method, path)
            assert (answer.status_code, answer.headers["Allow"]) == (405, "POST, OPTIONS")


@pytest.mark.parametrize("door", ["nginx", "replica", "monitor"])
def test_no_answer_leads_to_an_address_of_the_clients_making(doors: Doors, door: str):
    paths = [*api_paths(doors), *MONITORS, *ACTIONS]
    for path in [*(f"{each.rstrip('/')}/" for each in paths), "/journeys?id=A", "/tasks?status=", "/logs?level="]:
        for method in ("GET", "POST"):
            answer = doors.ask(door, method, path, Host=FOREIGN)
            assert FOREIGN not in answer.headers.get("Location", "/")
            assert answer.headers.get("Location", "/").startswith("/"), path
            if path.startswith(("/api/", "/docs", "/health")):
                assert answer.status_code in {404, 421}, (method, path)


# In the place of the programs that the two pages load, which are not on this machine.
STUB = """
window.SwaggerUIBundle = (options) => { document.title = "drawn from " + options.url };
window.SwaggerUIBundle.presets = window.SwaggerUIBundle.SwaggerUIStandalonePreset = {};
const redoc = document.querySelector("redoc");
if (redoc) document.title = "drawn from " + redoc.getAttribute("spec-url");
"""


def test_the_documentation_is_drawn_under_a_policy_that_allows_just_its_own_programs(doors: Doors):
    with chromium() as browser:
        for port in (doors.nginx, doors.replica):
            for path in ("/docs", "/redoc"):
                tab = Tab(browser, f"http://127.0.0.1:{port}")
                tab.page.route(lambda url: "127.0.0.1" not in url, _serve)
                policy = tab.page.goto(path).all_headers()["content-security-policy"]  # type: ignore[union-attr]
                expect(tab.page).to_have_title("drawn from /openapi.json")
                assert tab.complaints == []
                assert "'unsafe-inline'" not in policy.partition("script-src")[2]
                tab.page.evaluate("document.body.append(Object.assign(document.createElement('script'), {text: 'x'}))")
                assert "Content Security Policy" in tab.complaints[0]
                tab.close()


def _serve(route: Route) -> None:
    kind = {"script": "text/javascript", "stylesheet": "text/css"}.get(route.request.resource_type, "image/png")
    route.fulfill(body=STUB if kind == "text/javascript" else "", content_type=kind)
