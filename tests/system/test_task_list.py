"""GET /api/v1/tasks through NGINX: filters, pages, scopes, bad input told with its name, and what has left Redis."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from tests.history_away import taken_away
from tests.kept_tasks import history_of
from tests.system.nine import Nine
from throughline import Client
from throughline.ledger import keys

SMALL = {"positions": [{"symbol": "A", "quantity": 1, "price": 1.0}], "simulations": 1_000}
FOREIGN = "AREjZOjcvM5PQdrBxCbj7qKitp2k2tlNa4-CzJUbDhGx"
Wait = Callable[..., Any]


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory, wait_until: Wait) -> Iterator[tuple[Nine, list[str]]]:
    """A run of its own with nine tasks that have ended: the history has them, and Redis has forgotten them."""
    with Nine(
        tmp_path_factory.mktemp("listed") / "var", HOT_SECONDS="5", API_REPLICAS="2", WORKER_REPLICAS="1"
    ) as nine:
        with nine.http() as client:
            ids = [_submitted(client, n) for n in range(9)]
            for task_id in ids:
                client.get(f"/api/v1/tasks/{task_id}", params={"wait": 30})
        with nine.redis() as redis:
            wait_until(lambda: not any(redis.exists(keys.task(each)) for each in ids), 60, "Redis has forgotten them")
        yield nine, ids


def _submitted(client: Any, number: int) -> str:
    body = {"task_type": "calculate_var", "data": SMALL, "priority": ("high", "low")[number % 2]}
    answer = client.post("/api/v1/tasks", json=body, headers={"X-Request-ID": f"LIST-{number % 3}"})
    return str(answer.json()["task_id"])


def _ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [task["task_id"] for task in answer.json()["tasks"]]


def test_what_redis_has_forgotten_is_listed_page_by_page_by_any_replica(listed: tuple[Nine, list[str]]):
    nine, ids = listed
    with nine.http() as client:
        first = client.get("/api/v1/tasks", params={"limit": 4})
        found, following = _ids(first), first.json()["next"]
        for url in (nine.replica_urls[0], nine.replica_urls[1]):
            with nine.http(url) as replica:
                page = replica.get("/api/v1/tasks", params={"limit": 4, "cursor": following})
                following = page.json().get("next")
                found += _ids(page)
        by_link = client.get(first.headers["Link"].removesuffix('>; rel="next"').removeprefix("<"))
        oldest = client.get("/api/v1/tasks", params={"order": "oldest"})

    assert found == ids[::-1]
    assert following is None
    assert _ids(by_link) == ids[::-1][4:8]
    assert _ids(oldest) == ids
    assert "Link" not in oldest.headers
    task = oldest.json()["tasks"][0]
    assert (task["status"], task["attempts"][0]["worker"]) == ("SUCCESS", "worker-1")
    assert task["result"]["var_amount"] > 0, "a small result is told"


def test_head_tells_the_same_without_the_tasks(listed: tuple[Nine, list[str]]):
    nine, ids = listed
    with nine.http() as client:
        for path in ("/api/v1/tasks?limit=2", f"/api/v1/tasks/{ids[0]}", "/api/v1/queues", "/health"):
            got, head = client.get(path), client.head(path)
            assert (head.status_code, head.content) == (200, b"")
            assert head.headers["Content-Type"] == got.headers["Content-Type"]
            assert head.headers.get("Link") == got.headers.get("Link")
        assert client.head("/api/v1/tasks?limit=0").status_code == 422


@pytest.mark.parametrize(
    ("query", "which"),
    [
        ("correlation_id=LIST-1", [1, 4, 7]),
        ("queue=low", [1, 3, 5, 7]),
        ("status=SUCCESS", range(9)),
        ("status=FAILURE,REVOKED&status=SUCCESS", range(9)),
        ("status=FAILURE", []),
        ("status=PENDING&status=RETRY", []),
        ("task_type=calculate_var&worker=worker-1", range(9)),
        ("task_type=removed_long_ago", []),
        ("worker=worker-9", []),
        ("error_type=ValueError", []),
        ("slower_than_ms=0", range(9)),
        ("slower_than_ms=86400000", []),
        ("submitted_before=1970-01-02T00:00:00Z", []),
        ("submitted_after=1970-01-02T00:00:00%2B01:00&submitted_before=2999-01-01T00:00:00Z", range(9)),
        ("correlation_id=LIST-0&queue=high&status=SUCCESS&order=newest&limit=500", [0, 6]),
        ("task_type=" + quote("größer & ' OR 1=1 --"), []),
    ],
)
def test_each_filter_lets_its_tasks_through(listed: tuple[Nine, list[str]], query: str, which: Any):
    nine, ids = listed
    with nine.http() as client:
        assert _ids(client.get(f"/api/v1/tasks?{query}")) == [ids[n] for n in which][::-1]


def test_a_time_of_a_task_is_a_filter_with_the_moment_itself_included(listed: tuple[Nine, list[str]]):
    nine, ids = listed
    with nine.http() as client:
        at = client.get(f"/api/v1/tasks/{ids[4]}").json()["submitted_at"]
        assert _ids(client.get("/api/v1/tasks", params={"submitted_after": at})) == ids[4:][::-1]
        assert _ids(client.get("/api/v1/tasks", params={"submitted_before": at})) == ids[:4][::-1]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("statis=FAILURE", "statis"),
        ("offset=50", "offset"),
        ("%00=1", "\x00"),
        ("status=DONE", "status"),
        ("status=", "status"),
        ("status=SUCCESS,", "status"),
        ("queue=urgent", "queue"),
        ("queue=high&queue=low", "queue"),
        ("limit=0", "limit"),
        ("limit=-1", "limit"),
        ("limit=10000", "limit"),
        ("limit=1e9", "limit"),
        ("limit=" + "9" * 5000, "limit"),
        ("limit=10&limit=10000", "limit"),
        ("order=up", "order"),
        ("slower_than_ms=NaN", "slower_than_ms"),
        ("slower_than_ms=-1", "slower_than_ms"),
        ("slower_than_ms=Infinity", "slower_than_ms"),
        ("slower_than_ms=" + "9" * 400, "slower_than_ms"),
        ("submitted_after=2026-11-25T16:30:00", "submitted_after"),
        ("submitted_after=1h", "submitted_after"),
        ("submitted_after=1795624200000", "submitted_after"),
        ("submitted_after=2026-11-25T16:30:00Z&submitted_before=2026-11-25T16:29:00Z", "submitted_before"),
        ("correlation_id=", "correlation_id"),
        ("correlation_id=a%20b", "correlation_id"),
        ("task_type=a%00b", "task_type"),
        ("task_type=", "task_type"),
        ("worker=a%0Ab", "worker"),
        ("worker=" + "x" * 5000, "worker"),
        ("error_type=%1b[31m", "error_type"),
        ("cursor=", "cursor"),
        ("cursor=made-up", "cursor"),
        ("cursor=%FF%FE", "cursor"),
        ("cursor=%3Cscript%3E", "cursor"),
        ("cursor=" + "A" * 5000, "cursor"),
        (f"cursor={FOREIGN}", "cursor"),
        (f"cursor={FOREIGN}&cursor={FOREIGN}", "cursor"),
    ],
)
def test_what_is_no_filter_is_refused_with_its_name(listed: tuple[Nine, list[str]], query: str, field: str):
    nine, _ = listed
    with nine.http() as client:
        answer = client.get(f"/api/v1/tasks?{query}")
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "VALIDATION_FAILED")
    assert [each["field"] for each in problem["errors"]] == [field]
    assert len(answer.content) < 1_000, "what was sent does not come back at length"


def test_a_cursor_belongs_to_its_filters_and_its_order(listed: tuple[Nine, list[str]]):
    nine, _ = listed
    with nine.http() as client:
        cursor = client.get("/api/v1/tasks", params={"limit": 2, "queue": "high"}).json()["next"]
        for other in ({"queue": "low"}, {}, {"queue": "high", "order": "oldest"}):
            problem = client.get("/api/v1/tasks", params=other | {"cursor": cursor}).json()
            assert problem["errors"][0]["field"] == "cursor"
            assert "other filters" in problem["detail"]
        cut = client.get("/api/v1/tasks", params={"queue": "high", "cursor": cursor[:-1]}).json()
        assert cut["errors"][0]["message"] == "This is no cursor of this service"
        assert client.get("/api/v1/tasks", params={"queue": "high", "limit": 9, "cursor": cursor}).status_code == 200


def test_the_client_and_the_command_list_what_the_api_lists(listed: tuple[Nine, list[str]]):
    nine, ids = listed
    with Client(nine.base_url) as client:
        since = datetime.now(UTC) - timedelta(hours=1)
        assert [task.task_id for task in client.tasks(submitted_after=since, status="SUCCESS", limit=5)] == ids[:3:-1]
        assert [task.task_id for task in client.tasks_of("LIST-2")] == [ids[2], ids[5], ids[8]]
    printed = nine.run("tasks", "--since", "1h", "--status", "success", "--queue", "low", "--json", "--limit", "3")
    drawn = nine.run("tasks", "--correlation", "LIST-2", COLUMNS="80")
    wrong = nine.run("tasks", "--since", "tomorrow")

    assert [json.loads(line)["task_id"] for line in printed.stdout.splitlines()] == [ids[7], ids[5], ids[3]]
    assert drawn.stdout.splitlines()[2].split() == [ids[8], "LIST-2"]
    assert max(map(len, drawn.stdout.splitlines())) <= 80
    assert (wrong.returncode, wrong.stderr.count("\n"), wrong.stderr[:7]) == (1, 1, "--since")


# From here on there are more tasks than those that were listed.
KEPT = {"task_type": "calculate_var", "data": SMALL | {"seed": 7}}


def test_a_task_is_the_same_after_it_has_left_redis(listed: tuple[Nine, list[str]], wait_until: Wait):
    nine, _ = listed
    with nine.http() as client, nine.redis() as redis:
        first = client.post("/api/v1/tasks", json=KEPT).json()["task_id"]
        before = client.get(f"/api/v1/tasks/{first}", params={"wait": 30})
        timeline = client.get(f"/api/v1/tasks/{first}/timeline")
        assert before.json()["status"] == "SUCCESS"
        wait_until(lambda: not list(redis.scan_iter(f"*{first}*", 1000)), 30, "Redis has nothing of it")
        for url in nine.replica_urls:
            assert client.get(f"{url}/api/v1/tasks/{first}").content == before.content
            assert client.get(f"{url}/api/v1/tasks/{first}/timeline").content == timeline.content
        found = client.get("/api/v1/tasks", params={"correlation_id": before.json()["correlation_id"]})
        assert _ids(found) == [first]
        again = client.post(f"/api/v1/tasks/{first}/resubmit").json()["task_id"]
        second = client.get(f"/api/v1/tasks/{again}", params={"wait": 30}).json()
        assert second["result"] == before.json()["result"]  # the same seed, from the same data
        assert second["resubmitted_from"] == first


def test_tasks_go_on_while_the_history_is_away_and_are_in_it_afterwards(
    listed: tuple[Nine, list[str]], wait_until: Wait
):
    nine, _ = listed
    away, back = told(nine, "unavailable"), told(nine, "available")
    with nine.http() as client:
        moved = client.post("/api/v1/tasks", json=KEPT).json()["task_id"]
        wait_until(lambda: history_of(nine).find([moved]), 30, "it is in the history")
        with taken_away(nine.var_dir / "history.sqlite"):
            ids = [client.post("/api/v1/tasks", json=KEPT).json()["task_id"] for _ in range(5)]
            for task_id in ids:
                assert client.get(f"/api/v1/tasks/{task_id}", params={"wait": 30}).json()["status"] == "SUCCESS"
            wait_until(lambda: told(nine, "unavailable") > away, 30, "the monitor says that the history is away")
        wait_until(lambda: len(history_of(nine).find(ids)) == len(ids), 30, "it has all of them")
        wait_until(lambda: told(nine, "available") > back, 20, "the end is told")


def told(nine: Nine, state: str) -> int:
    """How often the monitor has said so of the history."""
    return sum(line.get("event.action") == f"history.{state}" for line in nine.log_lines("monitor"))


def test_while_the_history_is_away_open_tasks_are_listed_and_the_rest_says_what_is_missing(
    listed: tuple[Nine, list[str]], wait_until: Wait
):
    nine, _ = listed
    history = nine.var_dir / "history.sqlite"
    nine.run("stop", "worker-1")  # for good: this is the last test, and what it submits must wait
    with nine.http() as client:
        task_id = _submitted(client, 0)
        for url in nine.replica_urls:  # each has the file open from now on
            assert client.get(f"{url}/api/v1/tasks").status_code == 200
        wait_until(history.with_name("history.sqlite-shm").exists, 20, "SQLite's locks are there")
        with taken_away(history):
            answers = [client.get("/api/v1/tasks") for _ in range(3)]
            open_tasks = client.get("/api/v1/tasks", params={"status": "PENDING,STARTED,RETRY"})
        wait_until(lambda: client.get("/api/v1/tasks").status_code == 200, 20, "the history is back")

    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (503, "HISTORY_UNAVAILABLE")
    assert min(answer.elapsed.total_seconds() for answer in answers) < 1  # one of three: the machine may be busy
    assert _ids(open_tasks) == [task_id]
