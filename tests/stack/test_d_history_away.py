"""The history frozen or stopped costs no task: what it alone has is refused at once, everything else goes on."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest
from redis import Redis

from tests.stack.load import TASK, sending
from tests.stack.stack import Stack
from throughline.ledger import keys
from throughline.ledger.history import HistoryUnavailable

Wait = Callable[..., object]
SECONDS_AWAY = 15
FAULTS = [pytest.param("pause", "unpause", id="frozen"), pytest.param("stop", "start", id="stopped")]


@pytest.mark.parametrize(("breaks", "mends"), FAULTS)
def test_without_the_history_tasks_run_on_and_afterwards_it_has_each_once(
    stack: Stack, wait_until: Wait, breaks: str, mends: str
):
    prefix = f"{breaks.upper()}-{time.time_ns()}"
    with stack.http() as client, stack.redis() as redis:
        moved = _finished(client, f"{prefix}-MOVED")
        _move(redis, moved, wait_until)
        assert client.get(f"/api/v1/tasks/{moved}").json()["status"] == "SUCCESS"
        here = [_finished(client, f"{prefix}-HERE")]
        with sending(stack, prefix, 10 * (SECONDS_AWAY + 5), 10) as done, _away(stack, breaks, mends):
            mended = time.monotonic() + SECONDS_AWAY
            while time.monotonic() < mended:
                _is_refused_at_once(client, moved)
                here.append(_finished(client, f"{prefix}-HERE"))
                assert client.get(f"/api/v1/tasks/{here[0]}").json()["status"] == "SUCCESS"
            health = client.get("/health")
            waiting = redis.zscore(keys.ENDED, here[-1])

        assert (health.status_code, health.json()["dependencies"]["history"]) == (200, "unavailable")
        assert waiting, "a task that ended meanwhile waits in Redis for the history"
        assert done[0].refused == []
        accepted = {moved, *here, *done[0].accepted.values()}
        wait_until(lambda: len(_kept(stack, accepted)) == len(accepted), 90, "the history has every task")
        assert set(_kept(stack, accepted).values()) == {"SUCCESS"}
        wait_until(lambda: redis.zscore(keys.ENDED, here[-1]) is None, 20, "nothing waits any more")
        assert client.get(f"/api/v1/tasks/{moved}").json()["status"] == "SUCCESS"
        listed = Counter(_listed(client, since=f"{prefix}-MOVED"))
    assert {task_id: listed[task_id] for task_id in accepted} == dict.fromkeys(accepted, 1)


def _finished(client: httpx.Client, correlation_id: str) -> str:
    answer = client.post("/api/v1/tasks", json=TASK, headers={"X-Request-ID": correlation_id})
    assert answer.status_code == 201, answer.text
    task_id = str(answer.json()["task_id"])
    assert client.get(f"/api/v1/tasks/{task_id}", params={"wait": 30}).json()["status"] == "SUCCESS"
    return task_id


def _move(redis: Redis, task_id: str, wait_until: Wait) -> None:
    """Until the history alone has it: its hot time is over at once, as it were."""
    wait_until(lambda: redis.zscore(keys.HOT, task_id), 60, "the history has it too")
    redis.zadd(keys.HOT, {task_id: 0}, xx=True)
    wait_until(lambda: not redis.exists(keys.task(task_id)), 30, "Redis has forgotten it")


@contextmanager
def _away(stack: Stack, breaks: str, mends: str) -> Iterator[None]:
    stack.docker(breaks, stack.container("postgres"))
    try:
        yield
    finally:
        stack.docker(mends, stack.container("postgres"))


def _is_refused_at_once(client: httpx.Client, task_id: str) -> None:
    began = time.monotonic()
    answer = client.get(f"/api/v1/tasks/{task_id}")
    took = time.monotonic() - began
    assert (answer.status_code, answer.json().get("code")) == (503, "HISTORY_UNAVAILABLE"), answer.text
    assert "history" in answer.json()["detail"]
    assert took < 3, "a second, and room for a busy machine"


def _kept(stack: Stack, task_ids: set[str]) -> dict[str, str]:
    """Those that the history has, with their status; none while it starts again."""
    history = stack.history()
    try:
        return {task_id: task.fields["status"] for task_id, task in history.find(sorted(task_ids)).items()}
    except HistoryUnavailable:
        return {}
    finally:
        history.close()


def _listed(client: httpx.Client, since: str) -> Iterator[str]:
    """Every task from the first one with this correlation ID on, page by page."""
    (first,) = client.get("/api/v1/tasks", params={"correlation_id": since}).json()["tasks"]
    asked = {"submitted_after": first["submitted_at"], "limit": "100"}
    while True:
        page = client.get("/api/v1/tasks", params=asked)
        assert page.status_code == 200, page.text
        yield from (task["task_id"] for task in page.json()["tasks"])
        if not page.json().get("next"):
            return
        asked["cursor"] = page.json()["next"]
