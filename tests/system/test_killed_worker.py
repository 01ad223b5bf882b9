"""A worker killed whole: the tasks it ran are back in their queue within 15 seconds, and run elsewhere."""

import re
import time
from datetime import datetime
from pathlib import Path

from tests.chaos.faults import kill_worker_2
from tests.chaos.traffic import LONG
from tests.system.nine import Nine
from throughline.ledger import keys


def test_tasks_of_a_killed_worker_are_back_in_their_queue_within_fifteen_seconds(tmp_path: Path, wait_until):
    with Nine(tmp_path / "var", WORKER_REPLICAS="2") as nine, nine.http() as client, nine.redis() as redis:
        tasks = [client.post("/api/v1/tasks", json=LONG).json()["task_id"] for _ in range(8)]

        def run_by_worker_2() -> set[str]:
            told = {task: redis.hmget(keys.task(task), "status", "worker") for task in tasks}
            return {task for task, state in told.items() if state == ["STARTED", "worker-2"]}

        wait_until(run_by_worker_2, 20, "worker-2 runs some")
        kill_worker_2(nine)
        killed, interrupted = time.time(), run_by_worker_2()

        def back() -> dict[str, float]:
            lines = [line for line in nine.log_lines("monitor") if line.get("event.action") == "task.put_back"]
            return {line["task_id"]: datetime.fromisoformat(line["@timestamp"]).timestamp() for line in lines}

        wait_until(lambda: interrupted <= back().keys(), 30, "the monitor has put them back")
        assert interrupted
        assert max(back()[task] - killed for task in interrupted) < 15
        for task in tasks:
            ended = client.get(f"/api/v1/tasks/{task}", params={"wait": 30}).json()
            assert ended["status"] == "SUCCESS"
            assert len(ended["attempts"]) == 1 + (task in interrupted)

        def told(task: str) -> list[str]:
            correlation_id = client.get(f"/api/v1/tasks/{task}").json()["correlation_id"]
            journey = client.get(f"/journeys/{correlation_id}", headers={"Accept": "application/json"}).json()
            return [step["what"] for request in journey["requests"] for step in request["steps"]]

        for task in interrupted:
            wait_until(
                lambda task=task: any("→ SUCCESS" in what for what in told(task)), 20, "its last span is written"
            )
            # It no longer has it when supervisor has it running again by then.
            lost = "ran calculate_var: (lost with worker-2|worker-2 no longer had it)"
            assert any(re.fullmatch(lost, what) for what in told(task))
