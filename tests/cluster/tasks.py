"""Tasks that run while something happens to the release, and what became of them."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import httpx

from tests.chaos.traffic import LONG
from tests.cluster.release import Release
from throughline.client import Client

_GOING_ON: Final = {"PENDING", "STARTED", "RETRY"}


@dataclass(frozen=True)
class Batch:
    """Accepted tasks under one correlation ID."""

    release: Release
    correlation_id: str
    task_ids: frozenset[str]

    def found(self) -> list[dict[str, Any]]:
        """The tasks as the api tells them; none while nobody answers."""
        try:
            with self.release.http() as client:
                asked = {"correlation_id": self.correlation_id, "limit": "100"}
                answer = client.get("/api/v1/tasks", params=asked).raise_for_status()
        except httpx.HTTPError:
            return []
        return list(answer.json()["tasks"])

    def running_on(self, pod: str) -> set[str]:
        """Those that this worker runs now."""
        return {
            task["task_id"]
            for task in self.found()
            if task["status"] == "STARTED" and task["attempts"][-1]["worker"] == pod
        }

    def has_ended(self) -> bool:
        found = self.found()
        return len(found) == len(self.task_ids) and not {task["status"] for task in found} & _GOING_ON

    def assert_each_succeeded_once(self) -> None:
        """None was lost, and of all attempts of a task one stored its result."""
        found = self.found()
        assert {task["task_id"] for task in found} == self.task_ids
        assert [task for task in found if task["status"] != "SUCCESS"] == []
        assert [task for task in found if _successes(task) != 1] == []


def _successes(task: dict[str, Any]) -> int:
    return sum(attempt["outcome"] == "SUCCESS" for attempt in task["attempts"])


def submit(release: Release, name: str, count: int) -> Batch:
    """So many tasks of seconds; as a client with patience does, to whom a busy node may say 503."""
    correlation_id = f"{name}-{time.time_ns()}"
    with release.http() as http:
        url = str(http.base_url)
    with Client(url, deadline=60) as client, ThreadPoolExecutor(8) as pool:
        handles = pool.map(
            lambda _: client.submit(LONG["task_type"], LONG["data"], correlation_id=correlation_id), range(count)
        )
        return Batch(release, correlation_id, frozenset(handle.task_id for handle in handles))
