"""The page through NGINX, without a browser: what each client gets, and what the page must never do."""

import base64
import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.system.nine import Nine
from tests.system.viewer import HTML, Viewer
from tests.unit.test_journey_sample import Sample
from throughline.ledger import keys

TASK = {"task_type": "calculate_var", "data": {"positions": [{"symbol": "A", "quantity": 1, "price": 1.0}]}}
JSON = {"Accept": "application/json"}
HOSTILE = [
    "<script>alert(1)</script>",
    '"onload="x',
    "a b",
    "'",
    "ü",
    "x" * 129,
]
Wait = Callable[..., Any]


@pytest.fixture(scope="module")
def done(nine: Nine, wait_until: Wait) -> str:
    """The correlation ID of a task that is done, all of its spans and lines written down."""
    with nine.http() as client:
        task_id = client.post("/api/v1/tasks", json=TASK, headers={"X-Request-ID": "PAGE-1"}).json()["task_id"]
        assert client.get(f"/api/v1/tasks/{task_id}", params={"wait": 20}).json()["status"] == "SUCCESS"
    wait_until(lambda: '"simulate"' in nine.run("journey", "PAGE-1", "--json").stdout, 20, "its spans are written")
    wait_until(lambda: '"publish medium"' in nine.run("journey", "PAGE-1", "--json").stdout, 20, "the api's too")
    return "PAGE-1"


@pytest.fixture(scope="module")
def written(nine: Nine, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Spans and lines of tasks that ended long ago: one ID of 500 tasks, and one whose first attempt failed."""
    sample = Sample(tmp_path_factory.mktemp("sample") / "var")
    for number in range(500):
        task = sample.submission("MANY-1", number * 5)
        status = "FAILURE" if number % 100 == 7 else "SUCCESS"
        sample.run(task, "MANY-1", number * 5 + 10, number * 5 + 60, published=number * 5 + 3, status=status)
    task = sample.submission("RETRIED-1")
    sample.run(task, "RETRIED-1", 10, 1000, status="RETRY", **{"error.type": "ConnectionError"})
    again = {"ids": (sample.new_id(), sample.new_id()), "attempt": 2}
    sample.run(task, "RETRIED-1", 2000, 2900, published=3, **again)
    failed = {"event.action": "task.retried", "status": "RETRY", "log.level": "warning"}
    words = {"error.type": "ConnectionError", "error.message": "<b>refused</b>"}
    sample.log(1001, "<script>alert(1)</script>", correlation_id="RETRIED-1", task_id=task.task_id, **failed, **words)
    for folder in ("log", "spans"):
        for path in (sample.var_dir / folder).iterdir():
            shutil.copy(path, nine.var_dir / folder / f"sample-{path.name}")


def get(nine: Nine, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
    with nine.http() as client:
        return client.get(path, headers=HTML if headers is None else headers)


@pytest.mark.parametrize("accept", [HTML["Accept"], "*/*", "", "text/html, application/json;q=0.9", "image/png"])
def test_a_browser_or_whoever_takes_anything_gets_the_page(nine: Nine, done: str, accept: str):
    answer = get(nine, f"/journeys/{done}", {"Accept": accept})

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert answer.headers["Vary"] == "Accept"
    for words in ("ran calculate_var → SUCCESS", "waited in medium", "slowest step: ", "Attempt", "process "):
        assert words in answer.text


@pytest.mark.parametrize(
    "accept", ["application/json", "application/json, */*;q=0.1", "text/html;q=0.5,application/json"]
)
def test_a_program_gets_the_json_of_the_terminal(nine: Nine, done: str, accept: str):
    answer = get(nine, f"/journeys/{done}", {"Accept": accept})

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.text == nine.run("journey", done, "--json").stdout.rstrip("\n")


def test_the_words_are_those_of_the_terminal(nine: Nine, done: str):
    told = nine.run("journey", done).stdout
    page = re.sub(r"<[^>]+>", "", get(nine, f"/journeys/{done}").text)

    for words in (
        *re.findall(r"(?:queue wait|run|the rest) [\d.]+ .?s \(<?\d+ %\)", told.replace("<", "&lt;")),
        re.findall(r"slowest step: (.*)", told)[0],
    ):
        assert words in page


def test_the_page_loads_nothing_from_other_hosts_and_has_no_inline_script(nine: Nine, done: str):
    for path in ("/", f"/journeys/{done}", "/journeys/NOWHERE", "/journeys/a%20b"):
        answer = get(nine, path)
        (policy,) = answer.headers.get_list("Content-Security-Policy")
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert "unsafe" not in policy
        assert not re.search(r"<style|<script(?! src=\"/assets/)|\son\w+=|style=|javascript:", answer.text)
        assert set(re.findall(r'(?:src|href)="([^"/#?]*//[^"]*)"', answer.text)) == set()
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_its_files_may_be_kept_and_change_their_address_with_their_content(nine: Nine):
    assets = re.findall(r'(?:src|href)="(/assets/[^"]+)"', get(nine, "/").text)
    kinds = {path.partition("?")[0].rpartition(".")[2]: get(nine, path) for path in assets}

    assert {kind: answer.headers["Content-Type"].partition(";")[0] for kind, answer in kinds.items()} == {
        "svg": "image/svg+xml", "css": "text/css", "js": "text/javascript",
    }  # fmt: skip
    for answer in kinds.values():
        assert answer.status_code == 200
        assert "immutable" in answer.headers["Cache-Control"]
    assert all(re.search(r"\?[0-9a-f]{12}$", path) for path in assets)
    assert get(nine, "/assets/nothing.js").status_code == 404
    assert get(nine, "/assets/..%2froutes.py").status_code == 404
    assert get(nine, "/journeys/..%2f..%2fetc%2fpasswd").status_code == 400


@pytest.mark.parametrize("hostile", HOSTILE)
def test_text_that_cannot_be_an_id_is_refused_and_never_runs(nine: Nine, hostile: str):
    path = f"/journeys/{quote(hostile, safe='')}"
    page, problem = get(nine, path), get(nine, path, JSON)

    assert (page.status_code, page.headers["Content-Type"]) == (400, "text/html; charset=utf-8")
    assert "1 to 128 letters, digits, dots, underscores, colons and hyphens" in page.text
    assert "<script>alert" not in page.text
    assert 'value=""onload' not in page.text
    assert problem.headers["Content-Type"] == "application/problem+json"
    assert (problem.status_code, problem.json()["code"]) == (400, "CORRELATION_ID_INVALID")
    assert problem.json()["correlation_id"] == problem.headers["X-Request-ID"]


def test_an_id_of_10_kb_is_refused_before_anyone_looks_at_it(nine: Nine):
    for path in ("/journeys/" + "x" * 10_000, "/journeys?id=" + "x" * 10_000):
        answer = get(nine, path)
        assert (answer.status_code, answer.json()["code"]) == (414, "URI_TOO_LONG")


def test_a_line_break_does_not_become_a_header(nine: Nine):
    answer = get(nine, "/journeys/A%0D%0ASet-Cookie:%20a=b")

    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")
    assert "Set-Cookie" not in answer.headers


def test_an_id_that_was_never_seen_is_not_found(nine: Nine):
    page, problem = get(nine, "/journeys/NOWHERE"), get(nine, "/journeys/NOWHERE", JSON)

    assert (page.status_code, problem.status_code) == (404, 404)
    assert "Nothing found under the correlation ID NOWHERE." in page.text
    assert problem.json()["code"] == "JOURNEY_NOT_FOUND"
    assert problem.json()["instance"] == "/journeys/NOWHERE"


@pytest.mark.parametrize(("sent", "refresh", "words"), [(0, "1", "yet"), (3600, None, "no longer kept")])
def test_an_id_whose_task_is_known_but_not_yet_or_no_longer_written_says_so(
    nine: Nine, sent: float, refresh: str | None, words: str
):
    record = {"status": "STARTED", "correlation_id": "UNWRITTEN-1", "submitted_at": time.time() - sent}
    with nine.redis() as client:
        client.hset(keys.task("unwritten"), mapping=record)
        client.zadd(keys.correlation("UNWRITTEN-1"), {"unwritten": 1})
        page, problem = get(nine, "/journeys/UNWRITTEN-1"), get(nine, "/journeys/UNWRITTEN-1", JSON)
        client.delete(keys.task("unwritten"), keys.correlation("UNWRITTEN-1"))

    assert (page.status_code, page.headers.get("Refresh")) == (404, refresh)
    assert "Task unwritten of UNWRITTEN-1 is STARTED" in page.text
    assert words in page.text
    assert problem.json()["code"] == "JOURNEY_NOT_WRITTEN"


@pytest.mark.parametrize("query", ["page=x", "page=0", "task=" + "x" * 129])
def test_a_wrong_query_is_named(nine: Nine, done: str, query: str):
    page, problem = get(nine, f"/journeys/{done}?{query}"), get(nine, f"/journeys/{done}?{query}", JSON)

    assert (page.status_code, page.headers["Content-Type"]) == (422, "text/html; charset=utf-8")
    assert problem.json()["code"] == "VALIDATION_FAILED"
    assert problem.json()["detail"].startswith(query.partition("=")[0] + ": ")


def test_the_search_leads_to_the_journey_of_a_correlation_id_or_of_a_task(nine: Nine, done: str):
    task_id = json.loads(nine.run("journey", done, "--json").stdout)["requests"][0]["task_id"]
    assert get(nine, f"/journeys?id=%20{done}%20").headers["Location"] == f"/journeys/{done}"
    assert get(nine, f"/journeys?id={task_id}").headers["Location"] == f"/journeys/{done}?task={task_id}"
    assert get(nine, "/journeys?id=").headers["Location"] == "/"
    assert get(nine, "/journeys?id=//evil.example/%3Cscript%3E").headers["Location"].startswith("/journeys/%2F%2Fevil")
    assert get(nine, f"/journeys/{done}?task={task_id}").status_code == 200
    assert get(nine, f"/journeys/{done}?task=another").status_code == 404


def test_an_id_of_500_tasks_is_listed_page_by_page(nine: Nine, written: None):
    page = get(nine, "/journeys/MANY-1")

    assert page.status_code == 200
    assert len(page.content) < 50_000
    assert "500 tasks" in page.text
    assert "Page 1 of 10" in page.text
    assert "Page 10 of 10" in get(nine, "/journeys/MANY-1?page=99").text
    _, failed = get(nine, "/journeys/MANY-1?status=FAILURE").text.split('data-part="listing"')
    (link, *_) = links = re.findall(r'href="(/journeys/MANY-1\?task=[^"]+)"', failed)
    assert len(links) == 5
    assert "ran calculate_var → FAILURE" in get(nine, link).text


def test_a_failed_and_retried_task_shows_both_attempts_and_why_in_plain_text(nine: Nine, written: None):
    page = get(nine, "/journeys/RETRIED-1").text.replace("<wbr>", "")

    for words in ("ran calculate_var → RETRY: ConnectionError", "waited in high",
                  "ran calculate_var → SUCCESS, attempt 2"):  # fmt: skip
        assert words in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "ConnectionError: &lt;b&gt;refused&lt;/b&gt;" in page
    assert "<script>alert" not in page


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_another_method_than_get_is_refused_on_the_page(nine: Nine, method: str):
    with nine.http() as client:
        for path in ("/", "/journeys/PAGE-1"):
            answer = client.request(method, path)
            assert (answer.status_code, answer.json()["code"]) == (405, "METHOD_NOT_ALLOWED")
            assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"


def test_the_home_page_shows_queues_breaker_errors_and_the_latest_requests(nine: Nine, done: str):
    refused = get(nine, "/api/v1/tasks/none-such", {"X-Request-ID": "PAGE-REFUSED"})
    assert refused.status_code == 404
    page = get(nine, "/").text

    for words in ("Waiting", "high", "medium", "low", "Circuit breaker", "closed", "Server errors", "PAGE-REFUSED"):
        assert words in page
    assert "on worker-1, worker-2, worker-3" in page


def test_the_pages_own_requests_leave_no_spans(nine: Nine, done: str, wait_until: Wait):
    get(nine, f"/journeys/{done}", HTML | {"X-Request-ID": "LOOKED-1"})
    get(nine, "/api/v1/queues", {"X-Request-ID": "ASKED-1"})
    spans = nine.var_dir / "spans" / "nginx.jsonl"
    wait_until(lambda: "ASKED-1" in spans.read_text(), 20, "NGINX has written the span of a later request")

    assert "LOOKED-1" not in spans.read_text()
    assert "LOOKED-1" in (nine.var_dir / "log" / "nginx.jsonl").read_text()


def test_while_the_monitor_is_away_the_answer_says_what_still_works(nine: Nine):
    try:
        nine.run("stop", "monitor")
        page, problem = get(nine, "/"), get(nine, "/journeys/PAGE-1", JSON)
    finally:
        nine.run("start", "monitor")

    assert (page.status_code, page.headers["Content-Type"]) == (502, "text/html; charset=utf-8")
    assert "tasks are taken and run without it" in page.text
    assert (problem.status_code, problem.headers["Content-Type"]) == (502, "application/problem+json")
    assert problem.json()["code"] == "MONITOR_UNAVAILABLE"
    assert problem.json()["correlation_id"] == problem.headers["X-Request-ID"]


def test_while_redis_is_away_journeys_are_shown_all_the_same(nine: Nine, done: str):
    try:
        nine.run("stop", "redis")
        home, journey = get(nine, "/"), get(nine, f"/journeys/{done}")
    finally:
        nine.run("start", "redis")

    assert home.status_code == 200
    assert "Redis does not answer" in home.text
    assert journey.status_code == 200
    assert "ran calculate_var → SUCCESS" in journey.text


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Nine, dict[str, str]]]:
    """A run that asks for keys and knows where Kibana and Jaeger are, and each caller's key."""
    folder = tmp_path_factory.mktemp("locked")
    links = {"KIBANA_PUBLIC_URL": "https://kibana.example/", "JAEGER_PUBLIC_URL": "https://jaeger.example"}
    running = Nine(folder / "var", API_KEYS_FILE=str(folder / "keys"), API_REPLICAS="1", WORKER_REPLICAS="0", **links)
    made = {name: running.run("api-key", name, "--scopes", name) for name in ("admin", "read")}
    (folder / "keys").write_text("".join(answer.stdout for answer in made.values()))
    with running:
        yield running, {name: answer.stderr.split()[-1] for name, answer in made.items()}


def basic(key: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"me:{key}".encode()).decode()}


def test_with_api_keys_the_page_needs_one_of_scope_admin(locked: tuple[Nine, dict[str, str]]):
    nine, made = locked
    for headers in ({}, basic("wrong"), basic(made["read"]), {"Authorization": "Basic ?"}):
        for path in ("/", "/tasks", "/journeys/LOCKED-1", "/journeys?id=LOCKED-1"):
            answer = get(nine, path, HTML | headers)
            assert answer.status_code == 401
            assert answer.headers["WWW-Authenticate"].startswith("Basic ")
            assert "scope admin" in answer.text
    assert get(nine, "/", HTML | {"X-API-Key": made["read"]}).status_code == 403
    assert get(nine, "/journeys/LOCKED-1", JSON).json()["code"] == "UNAUTHORIZED"
    assert get(nine, re.findall(r'"(/assets/page.css[^"]+)"', get(nine, "/").text)[0]).status_code == 200


def test_an_admin_sees_the_page_with_links_to_kibana_and_jaeger(locked: tuple[Nine, dict[str, str]], wait_until: Wait):
    nine, made = locked
    with nine.http() as client:
        sent = client.post("/api/v1/tasks", json=TASK, headers={"X-Request-ID": "LOCKED-1", "X-API-Key": made["admin"]})
        assert sent.status_code == 201
    wait_until(lambda: nine.run("journey", "LOCKED-1").stdout.count("api fastapi-1") > 1, 20, "its spans are written")

    for headers in (basic(made["admin"]), {"X-API-Key": made["admin"]}, {"Authorization": f"Bearer {made['admin']}"}):
        assert get(nine, "/", HTML | headers).status_code == 200
    page = get(nine, "/journeys/LOCKED-1", HTML | basic(made["admin"])).text
    assert "https://kibana.example/app/discover#/?" in page
    assert "https://kibana.example/app/dashboards#/view/throughline-journey?" in page
    assert re.search(r"https://jaeger\.example/trace/[0-9a-f]{32}\"", page)
    assert "X-API-Key: $API_KEY" in page.replace("&#34;", '"')
    assert not any(key in page for key in made.values())


def test_where_keys_are_on_the_api_is_asked_with_the_viewers(locked: tuple[Nine, dict[str, str]]):
    nine, made = locked
    with nine.http(headers={"X-API-Key": made["admin"]}) as client:
        task_id = client.post("/api/v1/tasks", json=TASK).json()["task_id"]
    with Viewer(nine, **basic(made["admin"])) as admin:
        asked = admin.send(admin.look("/tasks"), "cancel", task_id).text
        for headers in ({}, basic(made["read"]), basic("wrong")):
            with Viewer(nine, **headers) as other:
                assert other.confirm(asked).status_code == 401
        assert "Cancel: 1 of 1 task done" in admin.confirm(asked).text
    assert made["admin"] not in asked
