"""API keys: asked for when there is a file of them; each may do what its scopes say, on its owner's tasks."""

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.conftest import free_port
from tests.system.nine import ROOT, Nine
from tests.system.viewer import Viewer, hidden
from throughline.ledger import keys

TASK = {"task_type": "calculate_var", "data": {"positions": [{"symbol": "A", "quantity": 1, "price": 1.0}]}}
SCOPES = {"alice": "submit,read", "bob": "submit,read", "viewer": "read", "root": "admin"}


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Nine, dict[str, str]]]:
    """A run that asks for keys, and each caller's key, made by `throughline api-key`."""
    folder = tmp_path_factory.mktemp("locked")
    running = Nine(folder / "var", API_KEYS_FILE=str(folder / "keys"), API_REPLICAS="1", WORKER_REPLICAS="0")
    made = {name: running.run("api-key", name, "--scopes", scopes) for name, scopes in SCOPES.items()}
    (folder / "keys").write_text("# callers\n" + "".join(answer.stdout for answer in made.values()))
    with running:
        yield running, {name: answer.stderr.split()[-1] for name, answer in made.items()}


def test_without_a_known_key_nothing_but_health_is_answered(locked):
    nine, _ = locked
    with nine.http() as client:
        for headers in ({}, {"X-API-Key": "wrong"}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eA=="}):
            answer = client.get("/api/v1/queues", headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHORIZED")
            assert answer.headers["WWW-Authenticate"] == "Bearer"
            assert client.post("/api/v1/tasks", json=TASK, headers=headers).status_code == 401
        assert client.get("/health/live").status_code == 200


def test_a_key_may_do_what_its_scopes_say(locked):
    nine, made = locked
    with nine.http() as client:
        bearer, header = {"Authorization": f"Bearer {made['alice']}"}, {"X-API-Key": made["alice"]}
        task_id = client.post("/api/v1/tasks", json=TASK, headers=bearer).json()["task_id"]
        assert client.get(f"/api/v1/tasks/{task_id}", headers=header).status_code == 200

        viewer = {"X-API-Key": made["viewer"]}
        refused = client.post("/api/v1/tasks", json=TASK, headers=viewer)
        assert (refused.status_code, refused.json()["code"]) == (403, "FORBIDDEN")
        assert client.get("/api/v1/queues", headers=viewer).status_code == 200

        assert client.post("/api/v1/queues/circuit/close", headers=bearer).status_code == 403
        assert client.post("/api/v1/queues/circuit/close", headers={"X-API-Key": made["root"]}).status_code == 204


def test_dead_letters_need_the_scope_admin(locked):
    nine, made = locked
    replay = f"/api/v1/dead-letters/{uuid4()}/replay"
    with nine.http() as client:
        alice, root = {"X-API-Key": made["alice"]}, {"X-API-Key": made["root"]}
        assert client.get("/api/v1/dead-letters", headers=alice).status_code == 403
        assert client.post(replay, headers=alice).status_code == 403
        assert client.get("/api/v1/dead-letters", headers=root).json() == {"tasks": []}
        assert client.post(replay, headers=root).status_code == 404


def test_another_callers_task_is_not_found(locked):
    nine, made = locked
    with nine.http() as client:
        mine, his = {"X-API-Key": made["alice"]}, {"X-API-Key": made["bob"]}
        task_id = client.post("/api/v1/tasks", json=TASK, headers=mine | {"Idempotency-Key": "k"}).json()["task_id"]
        assert client.get(f"/api/v1/tasks/{task_id}", headers=his).json()["code"] == "TASK_NOT_FOUND"
        assert client.delete(f"/api/v1/tasks/{task_id}", headers=his).json()["code"] == "TASK_NOT_FOUND"
        own = client.post("/api/v1/tasks", json=TASK, headers=his | {"Idempotency-Key": "k"}).json()
        assert own["task_id"] != task_id
        assert client.get(f"/api/v1/tasks/{task_id}", headers={"X-API-Key": made["root"]}).status_code == 200


SECRET = "position-that-nobody-else-sees"


@pytest.fixture(scope="module")
def hers(locked) -> str:
    """A task of alice, with its result as a stock worker stores it: no worker of ours runs here."""
    nine, made = locked
    data = {"positions": [{"symbol": SECRET, "quantity": 1, "price": 1.0}]}
    body = {"task_type": "calculate_var", "data": data}
    with nine.http() as client, nine.redis() as broker:
        headers = {"X-API-Key": made["alice"], "X-Request-ID": "HERS-1"}
        task_id = str(client.post("/api/v1/tasks", json=body, headers=headers).json()["task_id"])
        broker.set(keys.celery_result(task_id), json.dumps({"status": "SUCCESS", "result": {"of": SECRET}}))
    return task_id


def basic(key: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"any:{key}".encode()).decode()}


def test_input_and_result_are_for_the_tasks_own_caller_and_for_admins(locked, hers):
    nine, made = locked
    page = f"/tasks/{hers}"
    places = [f"/api/v1/tasks/{hers}/input", page, f"{page}/input", f"{page}/result"]
    with nine.http() as client:
        for name in ("alice", "root"):
            for path in places:
                answer = client.get(path, headers={"X-API-Key": made[name]})
                assert answer.status_code == 200, answer.text
                assert SECRET in answer.text
                assert answer.headers["Cache-Control"] == "no-store"
            shown = client.get(page, headers=basic(made[name]) | {"Accept": "text/html"})
            assert shown.text.count(SECRET) == 2
            # The page of a journey shows everybody's.
            assert ("/journeys/HERS-1" in shown.text) == (name == "root")
        told = client.get(places[0], headers={"X-API-Key": made["alice"]}).json()
        assert told == {"task_id": hers, "task_type": "calculate_var", "data": told["data"]}
        assert client.get(f"{page}/result", headers=basic(made["alice"])).json() == {"of": SECRET}


def test_to_others_it_is_a_task_that_does_not_exist(locked, hers):
    nine, made = locked
    with nine.http() as client:
        for name in ("bob", "viewer"):
            for path in ("/api/v1/tasks/{}/input", "/tasks/{}", "/tasks/{}/input", "/tasks/{}/result"):
                headers = {"X-API-Key": made[name], "Accept": "application/json"}
                answers = [client.get(path.format(each), headers=headers) for each in (hers, uuid4())]
                refused, unknown = ({**each.json(), "instance": "", "correlation_id": ""} for each in answers)
                assert refused["code"] == "TASK_NOT_FOUND"
                assert refused["detail"].replace(hers, "") == re.sub(r"[0-9a-f-]{36}", "", unknown["detail"])
            assert client.get("/journeys/HERS-1", headers={"X-API-Key": made[name]}).status_code == 403
        for headers in ({}, {"X-API-Key": "wrong"}, basic("wrong")):
            for path in (f"/tasks/{hers}", f"/tasks/{hers}/result"):
                answer = client.get(path, headers=headers)
                assert (answer.status_code, answer.headers["WWW-Authenticate"][:5]) == (401, "Basic")


READS = ("", "?wait=1", "/timeline", "/events", "/input")
PARTS = ("x:attempts", "{}:attempts", "{}:changes", "{}:message")  # of a record
NO_TASK = (*PARTS, "no-task", "a%20b", "%0A", "x" * 300, "%FF", "*")


def whole(answer: httpx.Response, task_id: str) -> tuple[int, dict[str, str], str]:
    """Status, headers and body without what differs between any two requests."""
    varying = {"date", "x-request-id", "content-length"}
    headers = {name: value for name, value in answer.headers.items() if name not in varying}
    told = answer.json() | {"correlation_id": ""}
    return answer.status_code, headers, json.dumps(told).replace(task_id, "ID")


@pytest.mark.parametrize("through", ["nginx", "replica"])
def test_no_answer_tells_another_callers_task_from_one_that_never_was(locked, hers, through):
    nine, made = locked
    with nine.http(nine.base_url if through == "nginx" else nine.replica_urls[0]) as client:

        def answer(name: str, method: str, path: str, task_id: str) -> tuple[int, dict[str, str], str]:
            headers = {"X-API-Key": made[name], "Accept": "application/json"}
            return whole(client.request(method, path.format(task_id), headers=headers), task_id)

        calls = [("GET", f"/api/v1/tasks/{{}}{end}") for end in READS] + [("DELETE", "/api/v1/tasks/{}")]
        calls += [("POST", "/api/v1/tasks/{}/resubmit"), ("POST", "/api/v1/dead-letters/{}/replay")]
        if through == "nginx":
            calls += [("GET", "/tasks/{}"), ("GET", "/tasks/{}/input"), ("GET", "/tasks/{}/result")]
        for method, path in calls:
            assert answer("bob", method, path, hers) == answer("bob", method, path, str(uuid4())), (method, path)


@pytest.mark.parametrize("through", ["nginx", "replica"])
def test_what_can_be_no_tasks_id_is_not_found_on_any_route(locked, hers, through):
    nine, made = locked
    with nine.http(nine.base_url if through == "nginx" else nine.replica_urls[0]) as client, nine.redis() as broker:
        broker.rpush(f"tl:task:{hers}:changes", "{}")  # a list, where a record would be a hash
        odd = (*NO_TASK, "%00") if through == "replica" else NO_TASK  # NGINX itself refuses a zero byte
        for name, each in product(("root", "bob"), odd):
            headers, task_id = {"X-API-Key": made[name], "Accept": "application/json"}, each.format(hers)
            for end in READS:
                answer = client.get(f"/api/v1/tasks/{task_id}{end}", headers=headers)
                assert (answer.status_code, answer.json()["code"]) == (404, "TASK_NOT_FOUND"), (task_id, end)
            assert client.delete(f"/api/v1/tasks/{task_id}", headers=headers).status_code == 404
            wanted = 404 if name == "root" else 403
            for path in (f"/api/v1/dead-letters/{task_id}/replay", f"/api/v1/tasks/{task_id}/resubmit"):
                assert client.post(path, headers=headers).status_code == wanted, path
            if through == "nginx":
                for end in ("", "/input", "/result"):
                    assert client.get(f"/tasks/{task_id}{end}", headers=headers).status_code == 404, (task_id, end)
        broker.delete(f"tl:task:{hers}:changes")


def test_neither_input_nor_result_is_written_down(locked, hers):
    nine, _ = locked
    logs = [path for path in nine.var_dir.rglob("*") if path.is_file() and {"log", "spans"} & set(path.parts)]
    assert any(hers.encode() in path.read_bytes() for path in logs)
    assert not any(SECRET.encode() in path.read_bytes() for path in logs)


def lines(nine: Nine, action: str, **fields: str) -> list[dict[str, Any]]:
    written = "".join(path.read_text() for path in (nine.var_dir / "log").glob("fastapi-*.jsonl"))
    told = [json.loads(line) for line in written.splitlines() if f'"{action}"' in line]
    return [line for line in told if fields.items() <= line.items()]


def test_an_action_is_one_line_with_who_and_why_and_a_foreign_key_does_nothing(locked, wait_until):
    nine, made = locked
    alice, bob, root = ({"X-API-Key": made[name]} for name in ("alice", "bob", "root"))
    why = {"X-Why": "Übertrag: wrong portfolio".encode()}
    with nine.http() as client:
        task_id = client.post("/api/v1/tasks", json=TASK, headers=alice).json()["task_id"]
        for wrong in (b"a\tb", b"x" * 201, b"\xff"):
            answer = client.delete(f"/api/v1/tasks/{task_id}", headers=root | {"X-Why": wrong})
            assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "X-Why"), answer.text
        assert client.delete(f"/api/v1/tasks/{task_id}", headers=bob | why).status_code == 404
        answers = [client.delete(f"/api/v1/tasks/{task_id}", headers=root | why).status_code for _ in range(2)]
        hers = client.get(f"/api/v1/tasks/{task_id}/timeline", headers=alice).json()["changes"][-1]
        again = client.post(f"/api/v1/tasks/{task_id}/resubmit", headers=root | why).json()["task_id"]
    wait_until(lambda: lines(nine, "task.submitted", task_id=again), 20, "the lines are written")

    assert answers == [200, 409]
    assert (hers["why"], "caller" in hers) == ("Übertrag: wrong portfolio", False)
    (cancelled,) = lines(nine, "task.cancelled", task_id=task_id)
    (submitted,) = lines(nine, "task.submitted", task_id=again)
    for line in (cancelled, submitted):
        assert (line["caller"], line["why"]) == ("root", "Übertrag: wrong portfolio")


def test_the_pages_forms_need_the_key_of_an_admin_whoever_sends_them(locked):
    nine, made = locked
    with nine.redis() as redis:
        redis.hset("tl:breaker", mapping={"state": "open", "until": "9999999999", "wait": "60"})
    answers = {}
    with Viewer(nine, **{"X-API-Key": made["root"]}) as viewer:
        page = viewer.look("/")
        for name in ("none", "wrong", "alice", "viewer"):
            own = {"X-API-Key": made.get(name, name)}
            for path in ("/circuit/actions", "/errors/actions", "/tasks/actions"):
                sent = hidden(page) | {"confirmed": "x", "action": "cancel", "task": "some-task"}
                answers[name, path] = viewer.post(sent, path, **own).status_code
        with nine.http() as client:
            assert client.get("/api/v1/queues", headers={"X-API-Key": made["viewer"]}).json()["circuit"] == "open"
        told = viewer.confirm(viewer.post(hidden(page), "/circuit/actions").text)

    assert {status for (name, _), status in answers.items() if name in {"none", "wrong"}} == {401}
    assert {status for (name, _), status in answers.items() if name in {"alice", "viewer"}} == {403}
    assert "The circuit breaker is closed" in told.text


def test_the_breaker_is_closed_once_however_often_that_is_asked_for(locked, wait_until):
    nine, made = locked
    with nine.redis() as redis:
        redis.hset("tl:breaker", mapping={"state": "open", "until": "9999999999", "wait": "60"})
    asked = {"X-API-Key": made["root"], "X-Why": "the backlog is gone", "X-Request-ID": "CLOSE-1"}
    with nine.http() as client:
        assert [client.post("/api/v1/queues/circuit/close", headers=asked).status_code for _ in range(3)] == [204] * 3
        assert client.get("/api/v1/queues", headers=asked).json()["circuit"] == "closed"
        later = client.post("/api/v1/tasks", json=TASK, headers={"X-API-Key": made["root"]}).json()["task_id"]
    wait_until(lambda: lines(nine, "task.submitted", task_id=later), 20, "all is written")

    (line,) = lines(nine, "circuit.closed", correlation_id="CLOSE-1")
    assert (line["caller"], line["why"]) == ("root", "the backlog is gone")


def test_no_key_is_written_down_anywhere(locked):
    nine, made = locked
    for path in [path for path in nine.var_dir.rglob("*") if path.is_file()]:
        text = path.read_bytes()
        assert not any(key.encode() in text for key in made.values()), path


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("alice submit short\n", "line 1 is not `name scope,scope sha256`"),
        ("# none\n", "holds no key"),
        (f"# one\nalice submit,fly {'a' * 64}\n", "line 2"),
        (None, "cannot be read"),
    ],
)
def test_a_wrong_file_of_keys_ends_the_start_with_the_line_that_is_wrong(tmp_path: Path, text: str | None, says: str):
    if text is not None:
        (tmp_path / "keys").write_text(text)
    keys = {"API_KEYS_FILE": str(tmp_path / "keys")}
    replica = subprocess.run(
        [sys.executable, "-m", "uvicorn", "api.main:app", "--port", str(free_port())],
        env=os.environ | keys,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    started = Nine(tmp_path / "var", **keys).run("up")
    for ended in (replica, started):
        assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
        assert ended.stderr.startswith("API_KEYS_FILE: ")
        assert says in ended.stderr
    assert not (tmp_path / "var" / "log").exists()  # nothing was started


@pytest.mark.parametrize(
    ("arguments", "says"), [(["a b"], "no caller's name"), (["a", "--scopes", "fly"], "no scope fly")]
)
def test_a_key_for_no_name_or_scope_is_not_made(tmp_path: Path, arguments: list[str], says: str):
    answer = Nine(tmp_path / "var").run("api-key", *arguments)
    assert (answer.returncode, answer.stdout) == (1, "")
    assert says in answer.stderr


def test_the_trial_of_helm_says_which_key_it_needs(locked):
    nine, made = locked
    for key in ({}, {"THROUGHLINE_API_KEY": made["viewer"]}):
        done = subprocess.run(
            [sys.executable, "-m", "monitor.plane.trial"],
            env=nine.environment | {"THROUGHLINE_URL": nine.base_url} | key,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 1
        assert done.stderr.startswith("The service asks for an API key. Put one of the scope admin")
