"""JSON as clients really send it: taken and given back as it was sent, or refused; the same through both doors."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.suites.json_cases import BODIES, DECIDED, REFUSED, TAKEN, TOO_MUCH
from tests.system.nine import Nine

DOORS = ["nginx", "replica"]


@pytest.fixture(scope="module")
def doors(nine: Nine) -> Iterator[dict[str, httpx.Client]]:
    with nine.http() as nginx, nine.http(nine.replica_urls[0]) as replica:
        yield {"nginx": nginx, "replica": replica}


def body_of(value: bytes) -> bytes:
    return b'{"task_type":"give_back","data":{"value":' + value + b"}}"


def sent(client: httpx.Client, body: bytes, **headers: str) -> httpx.Response:
    return client.post("/api/v1/tasks", content=body, headers={"Content-Type": "application/json"} | headers)


def as_told(value: Any) -> str:
    """So that 1 is not 1.0, and -0.0 not 0.0."""
    return json.dumps(value, ensure_ascii=True)


@pytest.mark.parametrize("door", DOORS)
def test_what_is_json_comes_back_as_it_was_sent(doors: dict[str, httpx.Client], door: str):
    client, tasks = doors[door], {}
    wrong: list[tuple[object, ...]] = []
    for number, (text, value) in enumerate(TAKEN + DECIDED):
        # With a key too: what a repetition is compared by is made of the same value.
        answer = sent(client, body_of(text.encode()), **{"Idempotency-Key": f"json-{door}-{number}"})
        if answer.status_code == 201:
            tasks[answer.json()["task_id"]] = text, json.loads(text) if value is None else value
        else:
            wrong.append((text[:80], answer.status_code, answer.text))
    for task_id, (text, value) in tasks.items():
        task = client.get(f"/api/v1/tasks/{task_id}?wait=30").json()
        kept = client.get(f"/api/v1/tasks/{task_id}/input").json()["data"]["value"]
        if task["status"] != "SUCCESS" or as_told(kept) != as_told(value):
            wrong.append((text[:80], task["status"], as_told(kept)[:80]))
        elif as_told(task.get("result")) != as_told(value):
            wrong.append((text[:80], "its result", as_told(task.get("result"))[:80]))
    assert wrong == []


@pytest.mark.parametrize("door", DOORS)
def test_what_is_no_json_or_would_not_come_back_as_it_was_sent_is_refused(doors: dict[str, httpx.Client], door: str):
    bodies = [*map(body_of, REFUSED), *(body_of(each.encode()) for each in TOO_MUCH), *BODIES]
    wrong = []
    for body in bodies:
        answer = sent(doors[door], body, **{"Idempotency-Key": "json-refused"})
        told = answer.headers["Content-Type"], answer.json().get("code")
        if (answer.status_code, *told) != (400, "application/problem+json", "MALFORMED_JSON"):
            wrong.append((body[:80], answer.status_code, answer.text[:200]))
    assert wrong == []


def test_json_of_another_shape_than_a_task_is_told_as_such(doors: dict[str, httpx.Client]):
    for body in (
        b"null",
        b"1",
        b'"x"',
        b"[]",
        b"{}",
        b"[{}]",
        b'{"task_type":null,"data":{}}',
        b'{"data":{"value":1}}',
    ):
        for door in DOORS:
            answer = sent(doors[door], body)
            assert (answer.status_code, answer.json()["code"]) == (422, "VALIDATION_FAILED"), body
