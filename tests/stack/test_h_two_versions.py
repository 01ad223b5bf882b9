"""Two versions of the images on one Redis and one history understand each other, whichever does which part.

The old one is the commit in tests/stack/previous_version. The history has, beside what this version sets up, what an
additive migration of a later one would add.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import httpx
import pytest

from tests.stack.versions import SLOTS, VERSIONS, Contract, Version

Wait = Callable[..., Any]
DATA = {"positions": [{"symbol": "AAPL", "quantity": 100, "price": 150.0}], "simulations": 20_000, "seed": 7}
VAR = {"task_type": "calculate_var", "data": DATA, "priority": "high"}
OTHER: dict[Version, Version] = {"old": "new", "new": "old"}


@pytest.fixture(scope="module")
def contract(stack_stopped: None, wait_until: Wait) -> Iterator[Contract]:
    with Contract(wait_until) as running:
        yield running


class Sides(NamedTuple):
    """Who runs tasks beside an api of each version, and a monitor of the version that the worker is not."""

    contract: Contract
    worker: str
    worker_version: Version


@pytest.fixture(scope="module", params=VERSIONS)
def sides(contract: Contract, request: pytest.FixtureRequest, wait_until: Wait) -> Iterator[Sides]:
    version: Version = request.param
    monitor, worker = contract.start("monitor", OTHER[version]), contract.start("worker", version)
    workers_are(contract, {worker}, wait_until)
    yield Sides(contract, worker, version)
    contract.stop(monitor, worker)
    workers_are(contract, set(), wait_until)


def workers_are(contract: Contract, names: set[str], wait_until: Wait) -> None:
    wait_until(lambda: set(contract.apis["new"].get("/health").json()["workers"]) == names, 180, f"workers: {names}")


def leaves_redis(contract: Contract, task_id: str, wait_until: Wait) -> None:
    wait_until(lambda: contract.redis("EXISTS", f"tl:task:{task_id}") == "0", 60, "only the history has it")


def submitted(api: httpx.Client, task: dict[str, Any], key: str = "", correlation_id: str = "") -> dict[str, Any]:
    headers = {"Idempotency-Key": key} if key else {}
    answer = api.post("/api/v1/tasks", json=task, headers=headers | {"X-Request-ID": correlation_id or "CONTRACT"})
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    return told


def task_of(api: httpx.Client, task_id: str) -> dict[str, Any]:
    answer = api.get(f"/api/v1/tasks/{task_id}")
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def told_alike(contract: Contract, task_id: str) -> dict[str, Any]:
    """The task as both apis tell it: what the old one tells, the new one tells too."""
    old, told = (task_of(contract.apis[version], task_id) for version in VERSIONS)
    new = dict(told)
    attempts = zip(old.pop("attempts", []), new.pop("attempts", []), strict=True)
    assert old.items() <= new.items()
    assert all(before.items() <= after.items() for before, after in attempts)
    return told


def status_becomes(contract: Contract, task_id: str, status: str, wait_until: Wait, seconds: float = 60) -> None:
    wait_until(lambda: task_of(contract.apis["new"], task_id)["status"] == status, seconds, f"{task_id} is {status}")


# These two first: they need queues that nobody empties.


@pytest.mark.parametrize("opening", VERSIONS)
def test_both_versions_see_one_circuit_breaker(contract: Contract, opening: Version):
    own, other = contract.apis[opening], contract.apis[OTHER[opening]]
    waiting = [submitted(own, VAR)["task_id"] for _ in range(20)]
    for api in (own, other):
        refused = api.post("/api/v1/tasks", json=VAR)
        assert (refused.status_code, refused.json()["code"]) == (503, "CIRCUIT_OPEN")

    for task_id in waiting:
        assert other.delete(f"/api/v1/tasks/{task_id}").is_success
    assert other.post("/api/v1/queues/circuit/close").status_code == 204
    task_id = submitted(own, VAR)["task_id"]
    assert other.delete(f"/api/v1/tasks/{task_id}").is_success


def test_the_new_version_says_which_it_is(contract: Contract):
    assert contract.apis["new"].get("/health").json()["version"] == "new"


@pytest.mark.parametrize("accepting", VERSIONS)
def test_a_task_is_run_listed_and_told_alike_whoever_accepted_it(sides: Sides, accepting: Version, wait_until: Wait):
    own, other = sides.contract.apis[accepting], sides.contract.apis[OTHER[accepting]]
    name = f"CONTRACT-{accepting}-{sides.worker}"
    first = submitted(own, VAR, name, name)
    again = submitted(other, VAR, name, name)
    assert (again["task_id"], again["from_cache"]) == (first["task_id"], True)

    status_becomes(sides.contract, first["task_id"], "SUCCESS", wait_until)

    told = told_alike(sides.contract, first["task_id"])
    assert (told["correlation_id"], told["priority"]) == (name, "high")
    assert [attempt["worker"] for attempt in told["attempts"]] == [sides.worker]
    for api in (own, other):
        listed = api.get("/api/v1/tasks", params={"correlation_id": name}).json()["tasks"]
        assert [task["task_id"] for task in listed] == [first["task_id"]]
        changes = api.get(f"/api/v1/tasks/{first['task_id']}/timeline")
        assert changes.status_code == 200, changes.text
    changed = other.post("/api/v1/tasks", json=VAR | {"priority": "low"}, headers={"Idempotency-Key": name})
    assert changed.json()["code"] == "IDEMPOTENCY_KEY_REUSED"


def test_both_versions_work_out_the_same_result(sides: Sides, wait_until: Wait):
    tasks = [submitted(api, VAR)["task_id"] for api in sides.contract.apis.values()]
    for task_id in tasks:
        status_becomes(sides.contract, task_id, "SUCCESS", wait_until)

    first, second = (task_of(sides.contract.apis["new"], task_id)["result"] for task_id in tasks)

    assert first == second
    assert 900 < first["var_amount"] < 1100


@pytest.mark.parametrize("accepting", VERSIONS)
def test_one_version_cancels_what_the_other_accepted(sides: Sides, accepting: Version, wait_until: Wait):
    own, other = sides.contract.apis[accepting], sides.contract.apis[OTHER[accepting]]
    nap = {"task_type": "nap", "data": {"seconds": 20}, "queue": "medium"}
    running = [submitted(own, nap)["task_id"] for _ in range(2)]
    for task_id in running:
        status_becomes(sides.contract, task_id, "STARTED", wait_until)
    waiting = submitted(own, nap)["task_id"]

    for task_id in (waiting, *running):
        assert other.delete(f"/api/v1/tasks/{task_id}").is_success
    for task_id in (waiting, *running):
        status_becomes(sides.contract, task_id, "REVOKED", wait_until)
        told_alike(sides.contract, task_id)


@pytest.mark.parametrize("accepting", VERSIONS)
def test_one_version_replays_a_dead_letter_of_the_other(sides: Sides, accepting: Version, wait_until: Wait):
    own, other = sides.contract.apis[accepting], sides.contract.apis[OTHER[accepting]]
    task_id = submitted(own, {"task_type": "stumble_once", "data": {"seconds": 0}})["task_id"]
    status_becomes(sides.contract, task_id, "FAILURE", wait_until)
    leaves_redis(sides.contract, task_id, wait_until)

    for api in (own, other):
        assert task_id in [each["task_id"] for each in api.get("/api/v1/dead-letters").json()["tasks"]]
    assert other.post(f"/api/v1/dead-letters/{task_id}/replay").status_code == 202
    status_becomes(sides.contract, task_id, "SUCCESS", wait_until)
    told = told_alike(sides.contract, task_id)
    assert (told["result"], len(told["attempts"])) == ({"attempt": 2}, 2)


def test_what_has_ended_is_told_alike_from_the_history_of_a_later_release(sides: Sides, wait_until: Wait):
    name = f"KEPT-{sides.worker}"
    task_id = submitted(sides.contract.apis["old"], VAR, correlation_id=name)["task_id"]
    status_becomes(sides.contract, task_id, "SUCCESS", wait_until)
    before = told_alike(sides.contract, task_id)

    leaves_redis(sides.contract, task_id, wait_until)

    assert told_alike(sides.contract, task_id) == before
    row = sides.contract.sql(f"SELECT status, of_a_later_release FROM tasks WHERE task_id = '{task_id}'")
    assert row == "SUCCESS|x"
    for api in sides.contract.apis.values():
        listed = api.get("/api/v1/tasks", params={"correlation_id": name}).json()["tasks"]
        assert [task["task_id"] for task in listed] == [task_id]


def test_a_task_of_a_lost_worker_goes_on_with_a_worker_of_the_other_version(sides: Sides, wait_until: Wait):
    contract, other = sides.contract, OTHER[sides.worker_version]
    nap = {"task_type": "nap_at_first", "data": {"seconds": 400}}
    kept = [submitted(contract.apis["old"], nap)["task_id"] for _ in range(SLOTS)]
    for task_id in kept:
        status_becomes(contract, task_id, "STARTED", wait_until)
    lost = contract.start("worker", sides.worker_version)
    tasks = [submitted(contract.apis[version], nap)["task_id"] for version in VERSIONS]
    wait_until(lambda: _held_by(contract, lost, tasks) == tasks, 180, "the worker that will be lost holds both")
    rescuer = contract.start("worker", other)
    workers_are(contract, {sides.worker, lost, rescuer}, wait_until)
    contract.stop(lost, signal="KILL")
    try:
        for task_id in tasks:
            status_becomes(contract, task_id, "SUCCESS", wait_until, 180)
            told = told_alike(contract, task_id)["attempts"]
            assert [(attempt["worker"], attempt["outcome"]) for attempt in told] == [
                (lost, "RETRY"),
                (rescuer, "SUCCESS"),
            ]
    finally:
        for task_id in kept:
            contract.apis["new"].delete(f"/api/v1/tasks/{task_id}")
        contract.stop(rescuer)
    workers_are(contract, {sides.worker}, wait_until)


def _held_by(contract: Contract, worker: str, tasks: list[str]) -> list[str]:
    found = {task_id: task_of(contract.apis["new"], task_id)["attempts"] for task_id in tasks}
    return [task_id for task_id, attempts in found.items() if attempts and attempts[-1]["worker"] == worker]
