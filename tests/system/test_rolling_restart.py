"""All nine are restarted under load, one after the other: no request fails, and no task is lost."""

import threading
import time
from pathlib import Path

import httpx
import pytest

from tests.system.nine import Nine

TASK = {"task_type": "calculate_var", "data": {"positions": [{"symbol": "A", "quantity": 1, "price": 1.0}]}}


class Load:
    """Requests at a steady pace, each on a connection of its own: one of four submits, three ask."""

    def __init__(self, base_url: str, a_second: int):
        self.accepted: list[str] = []
        self.failed: list[str] = []
        self.sent = 0
        self._url, self._pause = f"{base_url}/api/v1/tasks", 8 / a_second
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._send_on) for _ in range(8)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _send_on(self) -> None:
        due = time.monotonic()
        while not self._ended.wait(max(0.0, due - time.monotonic())):
            due += self._pause
            self.sent += 1
            try:
                if self.sent % 4 and self.accepted:
                    answer = httpx.get(f"{self._url}/{self.accepted[-1]}", timeout=20, trust_env=False)
                else:
                    answer = httpx.post(self._url, json=TASK, timeout=20, trust_env=False)
                    if answer.status_code == 201:
                        self.accepted.append(answer.json()["task_id"])
                if not answer.is_success:
                    self.failed.append(f"{answer.status_code} {answer.text[:200]}")
            except httpx.HTTPError as error:
                self.failed.append(repr(error))


@pytest.mark.timeout(300)
def test_a_rolling_restart_of_all_nine_under_fifty_requests_a_second_fails_none(tmp_path: Path):
    with Nine(tmp_path / "var") as nine:
        before = nine.pids()
        with Load(nine.base_url, 50) as load:
            restarted = nine.run("restart")
        assert restarted.returncode == 0, restarted.stderr
        after = nine.pids()
        assert [name for name in before if before[name] == after[name]] == ["nginx"]  # its workers are new
        assert load.failed == []
        assert load.sent > 300
        with nine.http() as client:
            for task_id in load.accepted:
                assert client.get(f"/api/v1/tasks/{task_id}", params={"wait": 20}).json()["status"] == "SUCCESS"
