"""A replica, a worker and a monitor that know the tasks of own_tasks.py alone, and what they wrote of a task."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import plain_http
from tests.conftest import free_port
from tests.integration.span_files import attributes, spans_in

MODULE = "tests.integration.own_tasks"
FINAL = {"SUCCESS", "FAILURE", "REVOKED"}
_LAST_LINES = 40


class OwnProcesses:
    """Running programs; their log lines and spans are in `folder`."""

    def __init__(
        self, folder: Path, redis_url: str, client: httpx.Client, processes: "dict[str, subprocess.Popen[bytes]]"
    ) -> None:
        self.folder = folder
        self.redis_url = redis_url
        self.api = client
        self._processes = processes

    def last_words(self) -> list[tuple[str, str]]:
        """Of each, by its name and how it is."""
        return [
            (
                f"{name}: {'runs' if process.poll() is None else f'ended with {process.returncode}'}",
                "\n".join((self.folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()[-_LAST_LINES:]),
            )
            for name, process in self._processes.items()
        ]

    def submitted(self, task_type: str, data: Any, correlation_id: str = "", **envelope: Any) -> str:
        """The ID of a new task, submitted under an ID of its own."""
        body = {"task_type": task_type, "data": data} | envelope
        headers = {"X-Request-ID": correlation_id or f"OWN-{task_type}"}
        answer = self.api.post("/api/v1/tasks", json=body, headers=headers)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["task_id"])

    def ended(self, task_id: str) -> dict[str, Any]:
        """The task at its end."""
        task: dict[str, Any] = {}
        for _ in range(4):
            task = self.api.get(f"/api/v1/tasks/{task_id}", params={"wait": 20}).json()
            if task["status"] in FINAL:
                return task
        pytest.fail(f"not at its end: {task}")

    def finished(self, task_type: str, data: Any, **envelope: Any) -> dict[str, Any]:
        return self.ended(self.submitted(task_type, data, **envelope))

    def of(self, correlation_id: str) -> list[dict[str, Any]]:
        """The tasks of a correlation ID, oldest first."""
        asked = {"correlation_id": correlation_id, "order": "oldest"}
        answer = self.api.get("/api/v1/tasks", params=asked)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["tasks"]
        return found

    def lines(self, task_id: str, action: str = "") -> list[dict[str, Any]]:
        text = (self.folder / "worker.jsonl").read_text(encoding="utf-8")
        found = [json.loads(line) for line in text.splitlines() if task_id in line]
        return [each for each in found if each.get("task_id") == task_id and action in each.get("event.action", "")]

    def spans(self, task_id: str = "") -> list[dict[str, Any]]:
        """Those of one task, or all."""
        found = spans_in(self.folder / "spans")
        return [span for span in found if not task_id or attributes(span).get("task_id") == task_id]


@contextmanager
def own_processes(folder: Path, redis_url: str, **settings: str) -> Iterator[OwnProcesses]:
    port = free_port()
    environment = os.environ | {
        "REDIS_URL": redis_url,
        "TASK_MODULES": f" {MODULE}, ",
        "WORKER_CONCURRENCY": "2",
        "SPANS_DIR": str(folder / "spans"),
        "SWEEP_INTERVAL_SECONDS": "0.5",
        "MONITOR_PORT": str(free_port()),
        "VAR_DIR": str(folder),
        "HISTORY_URL": f"sqlite:///{folder}/history.sqlite",
        **settings,
    }
    commands = {
        "api": ["uvicorn", "api.main:app", "--port", str(port)],
        "worker": ["celery", "-A", "worker.app", "worker", "--without-gossip", "--without-mingle"],
        "monitor": ["monitor"],
    }
    processes: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, command in commands.items():
            with (folder / f"{name}.jsonl").open("w") as output:
                program = [sys.executable, "-m", *command]
                processes[name] = subprocess.Popen(program, env=environment, stdout=output, stderr=output)
        with plain_http.client(f"http://127.0.0.1:{port}") as client:
            yield OwnProcesses(folder, redis_url, client, processes)
    finally:
        for process in processes.values():
            process.terminate()
        for process in processes.values():
            process.wait(timeout=30)
