"""Texts that programs stumble over, sent to every place that takes one: they come back equal, and harm nothing."""

import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.suites.naughty_strings import STRINGS
from tests.system.nine import Nine

ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
# Read by people, so a direction that is changed or hidden could tell them something else.
DIRECTIONS = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
SHORT = [text for text in STRINGS if len(text) <= 1_000]
# What a header can have at all: the client sends no other.
HEADERS = [text for text in SHORT if text == text.strip(" \t") and not re.search(r"[\x00-\x1f\x7f]", text)]
# What a page could make more of than text.
MARKUP = [text for text in SHORT if set(text) & set("<>\"'&{$\x1b\x00\u202e")]
# What an error says of them, and whatever tells it.
TOLD = list(dict.fromkeys([*MARKUP, *(text for text in SHORT if not text.isprintable()), *STRINGS[::7]]))
FILTERS = (
    "correlation_id",
    "status",
    "task_type",
    "queue",
    "worker",
    "error_type",
    "submitted_after",
    "slower_than_ms",
    "cursor",
)
PAGES = (
    *(
        "/journeys?id=",
        "/tasks?correlation_id=",
        "/tasks?task_type=",
        "/tasks?error_type=",
        "/tasks?worker=",
        "/tasks?cursor=",
    ),
    *(
        "/logs?correlation_id=",
        "/logs?task_id=",
        "/logs?service=",
        "/errors?error_type=",
        "/errors?since=",
        "/profile?task_type=",
    ),
    *("/journeys/", "/tasks/", "/assets/", "/journeys/NAUGHTY-2?task=", "/journeys/NAUGHTY-2?status="),
)


@pytest.fixture(scope="module")
def client(nine: Nine) -> Iterator[httpx.Client]:
    with nine.http() as opened:
        yield opened


def submitted(client: httpx.Client, task_type: str, value: object, **headers: str | bytes) -> httpx.Response:
    return client.post("/api/v1/tasks", json={"task_type": task_type, "data": {"value": value}}, headers=headers)  # type: ignore[arg-type]


def ended(client: httpx.Client, task_id: str) -> dict[str, Any]:
    task: dict[str, Any] = client.get(f"/api/v1/tasks/{task_id}?wait=30").json()
    return task


@pytest.fixture(scope="module")
def failures(client: httpx.Client) -> dict[str, dict[str, Any]]:
    """A task that failed with each of the texts, all under one correlation ID."""
    ids = {
        text: submitted(client, "fail_with", text, **{"X-Request-ID": "NAUGHTY-1"}).json()["task_id"] for text in TOLD
    }
    return {text: ended(client, task_id) for text, task_id in ids.items()}


def test_data_come_back_equal(client: httpx.Client):
    wrong = []
    for first in range(0, len(STRINGS), 25):
        value = {text: [text] for text in STRINGS[first : first + 25]}
        task_id = submitted(client, "give_back", value).json()["task_id"]
        result = ended(client, task_id).get("result") or {}
        kept = client.get(f"/api/v1/tasks/{task_id}/input").json()["data"]["value"]
        wrong += [text for text in value if not kept.get(text) == result.get(text) == [text]]
    assert wrong == []


def test_an_error_says_the_text_and_nothing_but_the_text(failures: dict[str, dict[str, Any]]):
    wrong = [text for text, task in failures.items() if task["status"] != "FAILURE"]
    assert wrong == []
    for text, task in failures.items():
        if len(text) <= 200 and text.isprintable():
            assert text.strip() in task["error"]["message"], task["error"]


def test_a_correlation_id_is_kept_or_made_anew(client: httpx.Client):
    wrong = []
    for text in HEADERS:
        answer = client.get("/health/live", headers={b"X-Request-ID": text.encode()})
        told = answer.headers["X-Request-ID"]
        kept = ID.fullmatch(text) is not None
        if answer.status_code not in {200, 400} or not ID.fullmatch(told) or (kept and told != text):
            wrong.append((text, answer.status_code, told))
    assert wrong == []


def test_an_idempotency_key_is_one_or_is_refused(client: httpx.Client):
    wrong = []
    for text in HEADERS:
        answers = [submitted(client, "give_back", 1, **{"Idempotency-Key": text.encode()}) for _ in range(2)]
        statuses = [answer.status_code for answer in answers]
        same = statuses == [201, 201] and len({answer.json()["task_id"] for answer in answers}) == 1
        if not same and statuses != [400, 400]:
            wrong.append((text, statuses))
    assert wrong == []


def test_a_symbol_is_one_or_is_refused_with_its_field(client: httpx.Client):
    wrong = []
    for text in STRINGS[::3]:
        positions = [{"symbol": text, "quantity": 1, "price": 1.0}]
        data = {"portfolio_data": {"positions": positions}, "simulations": 1_000}
        answer = client.post("/api/v1/tasks", json={"task_type": "calculate_var", "data": data})
        if answer.status_code == 201:
            kept = client.get(f"{answer.headers['Location']}/input").json()["data"]
            if kept != data:
                wrong.append((text, kept))
        elif (
            answer.status_code != 422
            or answer.json()["errors"][0]["field"] != "data.portfolio_data.positions[0].symbol"
        ):
            wrong.append((text, answer.text))
    assert wrong == []


def test_a_filter_is_understood_or_refused_by_its_name(client: httpx.Client):
    wrong = []
    for number, text in enumerate(SHORT):
        name = FILTERS[number % len(FILTERS)]
        answer = client.get("/api/v1/tasks", params={name: text})
        understood = answer.status_code == 200
        if not understood and (answer.status_code != 422 or answer.json()["errors"][0]["field"] != name):
            wrong.append((name, text, answer.text))
    assert wrong == []


def test_a_path_that_is_no_tasks_is_told_as_none(client: httpx.Client):
    wrong = []
    for text in SHORT[::2]:
        for path in ("/api/v1/tasks/{}", "/api/v1/tasks/{}/timeline", "/api/v1/{}", "/{}"):
            answer = client.get(path.format(quote(text, safe="")))
            is_problem = answer.headers.get("Content-Type") == "application/problem+json"
            if answer.status_code >= 400 and not (answer.status_code < 500 and is_problem):
                wrong.append((path, text, answer.status_code, answer.text[:200]))
    assert wrong == []


def test_the_page_shows_each_text_as_text(client: httpx.Client, failures: dict[str, dict[str, Any]]):
    wrong: list[tuple[str, object]] = []
    browser = {"Accept": "text/html"}
    for number, text in enumerate(MARKUP):
        address = PAGES[number % len(PAGES)] + quote(text, safe="")
        answer = client.get(address, headers=browser, follow_redirects=True)
        if answer.status_code >= 500 or is_raw(text, answer.text):
            wrong.append((address, answer.status_code))
    assert failures
    for address in ("/journeys/NAUGHTY-1", "/logs?correlation_id=NAUGHTY-1", "/errors"):
        page = client.get(address, headers=browser).text
        wrong += [(address, text) for text in TOLD if is_raw(text, page)]
    assert wrong == []


def is_raw(text: str, page: str) -> bool:
    """Whether the text stands in the page as it was sent, though a browser would make more than text of it."""
    return len(text) > 5 and bool(set(text) & set("<>\"'")) and text in page


def test_a_journey_in_the_terminal_has_no_control_characters(nine: Nine, failures: dict[str, dict[str, Any]]):
    told = nine.run("journey", "NAUGHTY-1", "--all")
    assert told.returncode == 0, told.stderr
    found = {each for each in told.stdout if unicodedata.category(each) == "Cc" or each in DIRECTIONS} - {"\n"}
    assert found == set()


def test_every_log_line_is_one_json_object(nine: Nine, failures: dict[str, Any], wait_until: Callable[..., Any]):
    assert failures
    for path in sorted((nine.var_dir / "log").glob("*.jsonl")):
        for line in path.read_bytes().split(b"\n")[:-1]:
            assert isinstance(json.loads(line), dict), line
            assert not re.search(rb"[\x00-\x1f]", line), line
    for path in (nine.var_dir / "log").glob("fastapi-*.err"):
        assert path.read_text() == ""
