"""Server-sent events come through NGINX as they happen: a client sees a calculation grow precise while it runs."""

import json
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import httpx

from tests.system.nine import Nine

LONG: dict[str, Any] = {
    "positions": [{"symbol": f"S{i}", "quantity": 1, "price": 100.0} for i in range(50)],
    "distribution": "lognormal",
    "simulations": 3_000_000,
}


def events(client: httpx.Client, task_id: str) -> Iterator[tuple[str, dict[str, Any], float]]:
    """(name, data, when it arrived) of each event."""
    with client.stream("GET", f"/api/v1/tasks/{task_id}/events") as stream:
        assert stream.status_code == 200
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert stream.headers["server"] == "nginx"
        name = ""
        for line in stream.iter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                yield name, json.loads(line.removeprefix("data: ")), time.time()


def test_progress_comes_through_nginx_while_the_task_runs_and_its_end_last(nine: Nine):
    with nine.http() as client, nine.http() as other:
        submitted = client.post("/api/v1/tasks", json={"task_type": "calculate_var", "data": LONG})
        task_id = submitted.json()["task_id"]
        told = []
        running_at_first_progress = None
        for name, task, arrived in events(client, task_id):
            told.append((name, task, arrived))
            if name == "progress" and running_at_first_progress is None:
                running_at_first_progress = other.get(f"/api/v1/tasks/{task_id}").json()["status"]

    assert running_at_first_progress == "STARTED", "the event came while the task ran, not with its end"
    progress = [(task["progress"], arrived) for name, task, arrived in told if name == "progress"]
    ended = told[-1][2]
    assert len(progress) >= 4
    lags = [arrived - datetime.fromisoformat(told["updated_at"]).timestamp() for told, arrived in progress]
    assert max(lags) < 1.5, "looked for every 0.2 s, and passed on at once"
    assert ended - progress[0][1] > 0.5
    fractions = [told["fraction"] for told, _ in progress]
    assert fractions == sorted(fractions)
    widths = [told["interval_high"] - told["interval_low"] for told, _ in progress if "interval_low" in told]
    assert widths[-1] < widths[0] * 0.8

    name, last, _ = told[-1]
    assert (name, last["status"]) == ("state", "SUCCESS")
    low, high = last["result"]["confidence_interval"]
    assert high - low < widths[0]
    assert [task["status"] for name, task, _ in told if name == "state"][-2:] == ["STARTED", "SUCCESS"]
