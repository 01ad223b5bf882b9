"""The page of tasks in the stack: its list, and its actions, which the monitor asks of the API through NGINX."""

import time

import httpx

from tests.stack.load import TASK
from tests.stack.stack import Stack
from tests.system.viewer import Viewer, rows


def test_a_task_is_submitted_again_and_one_that_waits_is_cancelled(stack: Stack):
    name = f"ACTIONS-{time.time_ns()}"
    with stack.http() as client, Viewer(stack) as viewer:
        done = _submitted(client, f"{name}-DONE")
        assert client.get(f"/api/v1/tasks/{done}", params={"wait": 30}).json()["status"] == "SUCCESS"
        told = _acted(viewer, "resubmit", done, f"{name}-AGAIN")
        assert "Submit again: 1 of 1 task done" in told
        (again,) = rows(viewer.look(f"/tasks?correlation_id={name}-AGAIN"))
        assert again != done
        assert client.get(f"/api/v1/tasks/{again}", params={"wait": 30}).json()["status"] == "SUCCESS"

        stack.compose("stop", "worker")
        try:
            waiting = _submitted(client, f"{name}-WAITS")
            assert "Cancel: 1 of 1 task done" in _acted(viewer, "cancel", waiting, f"{name}-CANCELS")
            assert client.get(f"/api/v1/tasks/{waiting}").json()["status"] == "REVOKED"
        finally:
            stack.compose("start", "worker")
        assert rows(viewer.look(f"/tasks?correlation_id={name}-WAITS&status=REVOKED")) == [waiting]


def _submitted(client: httpx.Client, correlation_id: str) -> str:
    answer = client.post("/api/v1/tasks", json=TASK, headers={"X-Request-ID": correlation_id})
    return str(answer.json()["task_id"])


def _acted(viewer: Viewer, action: str, task_id: str, correlation_id: str) -> str:
    """What the page says after the confirmation."""
    asked = viewer.send(viewer.look("/tasks"), action, task_id)
    assert asked.status_code == 200, asked.text
    return viewer.confirm(asked.text, **{"X-Request-ID": correlation_id}).text
