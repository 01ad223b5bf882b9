"""A task leaves Redis after its hot time and is answered as before, by every replica."""

import pytest

from tests.history_away import taken_away
from tests.kept_tasks import history_of
from tests.system.nine import Nine

TASK = {
    "task_type": "calculate_var",
    "data": {"positions": [{"symbol": "A", "quantity": 1, "price": 1.0}], "simulations": 1_000, "seed": 7},
}


@pytest.fixture(scope="module")
def forgetful(tmp_path_factory):
    """Nine of their own, whose Redis keeps an ended task for a second."""
    with Nine(tmp_path_factory.mktemp("moved") / "var", HOT_SECONDS="1", API_REPLICAS="2", WORKER_REPLICAS="1") as nine:
        yield nine


def test_a_task_is_the_same_after_it_has_left_redis(forgetful, wait_until):
    with forgetful.http() as client, forgetful.redis() as redis:
        first = client.post("/api/v1/tasks", json=TASK).json()["task_id"]
        before = client.get(f"/api/v1/tasks/{first}", params={"wait": 30})
        timeline = client.get(f"/api/v1/tasks/{first}/timeline")
        assert before.json()["status"] == "SUCCESS"
        wait_until(lambda: not list(redis.scan_iter(f"*{first}*", 1000)), 30, "Redis has nothing of it")
        for url in forgetful.replica_urls:
            assert client.get(f"{url}/api/v1/tasks/{first}").content == before.content
            assert client.get(f"{url}/api/v1/tasks/{first}/timeline").content == timeline.content
        listed = client.get("/api/v1/tasks", params={"correlation_id": before.json()["correlation_id"]}).json()["tasks"]
        assert [task["task_id"] for task in listed] == [first]
        again = client.post(f"/api/v1/tasks/{first}/resubmit").json()["task_id"]
        second = client.get(f"/api/v1/tasks/{again}", params={"wait": 30}).json()
        assert second["result"] == before.json()["result"]  # the same seed, from the same data
        assert second["resubmitted_from"] == first


def test_tasks_go_on_while_the_history_is_away_and_are_in_it_afterwards(forgetful, wait_until):
    with forgetful.http() as client:
        moved = client.post("/api/v1/tasks", json=TASK).json()["task_id"]
        wait_until(lambda: history_of(forgetful).find([moved]), 30, "it is in the history")
        with taken_away(forgetful.var_dir / "history.sqlite"):
            ids = [client.post("/api/v1/tasks", json=TASK).json()["task_id"] for _ in range(5)]
            for task_id in ids:
                assert client.get(f"/api/v1/tasks/{task_id}", params={"wait": 30}).json()["status"] == "SUCCESS"
            told = ("event.action", "history.unavailable")
            wait_until(lambda: told in events(forgetful), 30, "the monitor says that the history is away")
        wait_until(lambda: len(history_of(forgetful).find(ids)) == len(ids), 30, "it has all of them")
        wait_until(lambda: ("event.action", "history.available") in events(forgetful), 20, "the end is told")


def events(nine):
    return {("event.action", line.get("event.action")) for line in nine.log_lines("monitor")}
