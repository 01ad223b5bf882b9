"""A task that has left Redis is answered as before: the same bytes, whatever its end and its result."""

import json
import time
import uuid
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from celery import Celery

from tests.conftest import is_healthy
from tests.history_away import taken_away
from tests.integration.own_processes import FINAL, own_processes
from tests.integration.own_tasks import ODD_RESULTS
from throughline.ledger import history_scripts, keys
from throughline.ledger.script import Ledger

VERSION = "7.7-moved"
TEXT = {"text": "to be or not to be"}
ENDS = {
    "a result": ("word_count", TEXT),
    "a second attempt's result": ("come_back", TEXT),
    "a permanent error": ("refuse", TEXT),
    "an error of its own code": ("look_up", TEXT),
    "an error that quotes data": ("refuse_by_value", TEXT),
    "a process that leaves": ("leave", TEXT),
    "a number that is none": ("not_a_number", TEXT),
    "a result that is no JSON": ("not_json", TEXT),
    "a soft time limit": ("slow", TEXT),
    "a hard time limit": ("stubborn", TEXT),
    "retries that are used up": ("come_back", {"text": "never"}),
    "children": ("grandparent", TEXT),
} | {f"the result {name}": ("odd", {"name": name}) for name in ODD_RESULTS}


@pytest.fixture(scope="module")
def url(new_history_url):
    return new_history_url()


@pytest.fixture(scope="module")
def own(tmp_path_factory, redis_url, url, wait_until):
    """With each kind of history in turn, and a part of Redis for each: both may run for a moment."""
    settings = {"WORKER_CONCURRENCY": "4", "HISTORY_URL": url, "SERVICE_VERSION": VERSION}
    database = redis_url.removesuffix("/0") + ("/1" if url.startswith("sqlite") else "/2")
    with own_processes(tmp_path_factory.mktemp("moved"), database, **settings) as running:
        wait_until(lambda: is_healthy(running.api), 90, "the replica sees a worker")
        yield running


@pytest.fixture(scope="module")
def move(own, wait_until):
    """Waits until the history has the tasks, then lets Redis forget them as it does at the end of their hot time."""

    def moved(*ids):
        with redis.Redis.from_url(own.redis_url, decode_responses=True) as client:
            wait_until(lambda: all(client.zscore(keys.HOT, each) is not None for each in ids), 20, "they are copied")
            gone = Ledger(client)(history_scripts.forget(list(ids)))
            assert set(gone) == set(ids)
            left = {key for each in ids for key in client.scan_iter(f"*{each}*")}
        assert all(key.startswith(("tl:moved:", "tl:idempotency:")) for key in left)  # both expire within the hour

    return moved


def told(own, task_id):
    """All that the api says of a task that has ended."""
    return {path: own.api.get(f"/api/v1/tasks/{task_id}{path}").content for path in ("", "/timeline", "/events")}


@pytest.fixture(scope="module")
def ended(own, wait_until):
    """A task of each kind of end, and what the api says of it while Redis has it."""
    ids = {kind: own.submitted(*task) for kind, task in ENDS.items()}
    ids["a cancellation"] = own.submitted("slow", TEXT)
    own.api.delete(f"/api/v1/tasks/{ids['a cancellation']}")
    stock = Celery(broker=own.redis_url, backend=own.redis_url)
    stock.conf.broker_transport_options = {"priority_steps": [0]}
    sent = ids["a stock client"] = stock.send_task("echo", [TEXT], queue="high").id
    wait_until(lambda: own.api.get(f"/api/v1/tasks/{sent}").status_code == 200, 30, "it is on record")
    for kind, task_id in ids.items():
        assert own.ended(task_id)["status"] in FINAL, kind
    return {kind: (task_id, told(own, task_id)) for kind, task_id in ids.items()}


@pytest.fixture(scope="module")
def after(own, ended, move):
    """The same after they have left Redis."""
    move(*(task_id for task_id, _ in ended.values()))
    return {kind: told(own, task_id) for kind, (task_id, _) in ended.items()}


@pytest.mark.parametrize("kind", [*ENDS, "a cancellation", "a stock client"])
def test_a_task_is_told_in_the_same_bytes_before_and_after_it_has_moved(ended, after, kind):
    _, before = ended[kind]
    assert after[kind] == before
    assert b"task_id" in before[""]


def test_one_that_has_moved_still_says_which_version_accepted_and_which_ran_it(own, ended, after):
    children = own.api.get("/api/v1/tasks", params={"task_type": "parent"}).json()["tasks"]
    told = [*children, *(json.loads(after[kind][""]) for kind in ("a result", "a second attempt's result"))]
    assert len(told) > 2
    assert {task["accepted_by_version"] for task in told} == {VERSION}
    assert {attempt["version"] for task in told for attempt in task["attempts"]} == {VERSION}
    steps = json.loads(after["a second attempt's result"]["/timeline"])["changes"]
    assert {step["version"] for step in steps if "attempt" in step} == {VERSION}


def test_one_that_has_moved_is_waited_for_no_longer_and_cannot_be_cancelled(own, ended, after):
    for task_id, _ in ended.values():
        begun = time.monotonic()
        assert own.api.get(f"/api/v1/tasks/{task_id}", params={"wait": 20}).status_code == 200
        assert time.monotonic() - begun < 10
        answer = own.api.delete(f"/api/v1/tasks/{task_id}")
        assert (answer.status_code, answer.json()["code"]) == (409, "TASK_FINISHED")


def test_an_id_that_neither_store_knows_is_no_task(own):
    answer = own.api.get(f"/api/v1/tasks/{uuid.uuid4()}")
    assert (answer.status_code, answer.json()["code"]) == (404, "TASK_NOT_FOUND")


def dead_letters(own):
    return [task["task_id"] for task in own.api.get("/api/v1/dead-letters", params={"limit": 500}).json()["tasks"]]


def test_dead_letters_are_listed_wherever_they_are_and_replayed_from_the_history(own, move):
    first, second = (own.finished("come_back", {"text": "never"})["task_id"] for _ in range(2))
    move(first)
    assert [each for each in dead_letters(own) if each in {first, second}] == [second, first]
    answer = own.api.post(f"/api/v1/dead-letters/{first}/replay")
    assert answer.status_code == 202, answer.text
    assert answer.json()["status"] in {"PENDING", "STARTED"}
    assert first not in dead_letters(own)
    again = own.ended(first)
    assert (again["status"], len(again["attempts"])) == ("FAILURE", 4)  # two of before, and its retries once more
    assert dead_letters(own).count(first) == 1
    move(first)
    assert own.ended(first) == again
    assert dead_letters(own).count(first) == 1


def test_one_that_is_no_dead_letter_is_not_replayed_from_the_history(own, ended, after):
    for kind in ("a result", "a permanent error", "a stock client"):
        answer = own.api.post(f"/api/v1/dead-letters/{ended[kind][0]}/replay")
        assert (answer.status_code, answer.json()["code"]) == (404, "NOT_A_DEAD_LETTER")


def test_an_idempotency_key_still_names_its_task_when_that_has_moved(own, move):
    body, headers = {"task_type": "echo", "data": TEXT}, {"Idempotency-Key": str(uuid.uuid4())}
    first = own.api.post("/api/v1/tasks", json=body, headers=headers).json()["task_id"]
    own.ended(first)
    move(first)
    answer = own.api.post("/api/v1/tasks", json=body, headers=headers)
    assert (answer.status_code, answer.headers["Idempotent-Replayed"]) == (201, "true")
    assert answer.json() == {"task_id": first, "status": "SUCCESS", "from_cache": True}


# Submitted again.


def resubmit(own, task_id, **headers):
    return own.api.post(f"/api/v1/tasks/{task_id}/resubmit", headers={"X-Request-ID": "AGAIN-1"} | headers)


@pytest.mark.parametrize("has_moved", [False, True])
def test_a_task_is_submitted_again_with_its_data_under_the_request_s_own_correlation_id(own, move, has_moved):
    data = {"text": f"{has_moved} " + "word " * 3_000}  # long enough to be compressed in its message
    first = own.finished("echo", data, priority="high", queue="low")
    if has_moved:
        move(first["task_id"])
    answer = resubmit(own, first["task_id"])
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"] == f"/api/v1/tasks/{answer.json()['task_id']}"
    second = own.ended(answer.json()["task_id"])
    assert second["task_id"] != first["task_id"]
    assert second["resubmitted_from"] == first["task_id"]
    assert second["correlation_id"] == "AGAIN-1"
    assert {name: second[name] for name in ("task_type", "result", "priority", "queue")} == {
        "task_type": "echo",
        "result": data,
        "priority": "high",
        "queue": "low",
    }


def test_an_idempotency_key_makes_one_task_of_two_times_submit_again(own):
    first = own.finished("echo", TEXT)["task_id"]
    key = {"Idempotency-Key": str(uuid.uuid4())}
    one, two = resubmit(own, first, **key), resubmit(own, first, **key)
    assert one.json()["task_id"] == two.json()["task_id"]
    assert two.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in one.headers
    other = resubmit(own, own.finished("echo", TEXT)["task_id"], **key)
    assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")


def test_what_did_not_come_through_the_api_cannot_be_submitted_again(own, ended, after):
    answer = resubmit(own, ended["a stock client"][0])
    assert (answer.status_code, answer.json()["code"]) == (409, "TASK_DATA_NOT_KEPT")
    assert resubmit(own, uuid.uuid4()).status_code == 404


# What it was submitted with.


def test_the_input_of_a_task_is_told_before_and_after_it_has_moved(own, move):
    data = {"text": "word " * 3_000}  # long enough to be compressed in its message
    task_id = own.finished("echo", data)["task_id"]
    path = f"/api/v1/tasks/{task_id}/input"
    before = own.api.get(path)
    assert before.json() == {"task_id": task_id, "task_type": "echo", "data": data}
    move(task_id)
    assert own.api.get(path).content == before.content


def test_an_input_that_is_not_kept_is_told_so(own, ended, after):
    answer = own.api.get(f"/api/v1/tasks/{ended['a stock client'][0]}/input")
    assert (answer.status_code, answer.json()["code"]) == (409, "TASK_DATA_NOT_KEPT")
    assert own.api.get(f"/api/v1/tasks/{uuid.uuid4()}/input").status_code == 404


# The history is away.


@pytest.fixture
def away(url, request):
    """`with away():` the history answers nobody: a file that somebody else holds, or a server that is frozen."""

    @contextmanager
    def frozen():
        server = request.getfixturevalue("postgresql_server")
        server.freeze()
        try:
            yield
        finally:
            server.thaw()

    return frozen if url.startswith("postgresql") else lambda: taken_away(Path(url.removeprefix("sqlite:///")))


def test_while_the_history_is_away_only_what_it_alone_has_is_refused(own, move, away):
    moved = own.finished("echo", TEXT)["task_id"]
    here = own.finished("echo", TEXT)
    move(moved)
    with away():
        for task_id in (moved, str(uuid.uuid4())):  # nobody knows which of the two it is
            begun = time.monotonic()
            answer = own.api.get(f"/api/v1/tasks/{task_id}")
            assert time.monotonic() - begun < 3  # a second, and room for a busy machine
            assert (answer.status_code, answer.json()["code"]) == (503, "HISTORY_UNAVAILABLE")
            assert answer.headers["Retry-After"] == "1"
            assert "history" in answer.json()["detail"]
        assert own.api.get(f"/api/v1/tasks/{here['task_id']}").json() == here
        meanwhile = own.finished("echo", TEXT)
        assert meanwhile["status"] == "SUCCESS"
        assert own.api.get("/health").json()["dependencies"]["history"] == "unavailable"
        assert own.api.get("/health").status_code == own.api.get("/health/ready").status_code == 200
    move(meanwhile["task_id"])
    assert own.api.get(f"/api/v1/tasks/{meanwhile['task_id']}").json() == meanwhile
    assert own.api.get(f"/api/v1/tasks/{moved}").status_code == 200
    assert own.api.get("/health").json()["dependencies"]["history"] == "healthy"
