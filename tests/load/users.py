"""Who sends the load: users that submit a task and ask for its status until it has ended. Only Locust imports this."""

import os
import random
from typing import Any, Final

from locust import FastHttpUser, constant_throughput, task

from tests.load.run import REQUESTS_A_SECOND_OF_A_USER

TASK_TYPES: Final = {"calculate_var": 70, "monte_carlo_pricing": 15, "stress_test": 10, "portfolio_optimization": 5}
_TIMEOUT: Final = 10.0


class Caller(FastHttpUser):
    """One request a turn: a new task when the last one has ended, else its status."""

    abstract = True
    host = os.environ.get("LOAD_URL")
    wait_time = constant_throughput(REQUESTS_A_SECOND_OF_A_USER)  # a patient client: it polls every half second
    connection_timeout = network_timeout = _TIMEOUT

    def on_start(self) -> None:
        self.task_id = ""
        self.bodies = self.what_to_submit()

    def what_to_submit(self) -> list[dict[str, Any]]:
        """The body of a submission of each kind, the frequent ones more often."""
        types = {each["task_type"]: each for each in self.client.get("/api/v1/task-types").json()["task_types"]}
        return [types[name]["example"] for name, share in TASK_TYPES.items() for _ in range(share)]

    @task
    def turn(self) -> None:
        if self.task_id:
            self.ask()
        else:
            self.submit()

    def submit(self) -> None:
        body = random.choice(self.bodies)
        with self.client.post("/api/v1/tasks", json=body, name="submit", catch_response=True) as answer:
            if answer.status_code == 201:
                self.task_id = answer.json()["task_id"]
            elif not self.is_expected(answer):
                answer.failure(f"{answer.status_code} {(answer.text or '')[:200]}")

    def is_expected(self, answer: Any) -> bool:
        """Whether this profile is meant to provoke this refusal."""
        return False

    def ask(self) -> None:
        answer = self.client.get(f"/api/v1/tasks/{self.task_id}", name="status")
        if answer.status_code != 200:
            return
        told = answer.json()
        if told["finished_at"] is None:
            return
        self.task_id = ""
        failed = None if told["status"] == "SUCCESS" else RuntimeError(f"task {told['status']}: {told.get('error')}")
        self.measure("queue wait", told["queue_wait_ms"], None)
        self.measure("completion", told["queue_wait_ms"] + told["run_ms"], failed)

    def measure(self, name: str, milliseconds: float, failed: Exception | None) -> None:
        """A row of its own in the report, beside those of the requests."""
        self.environment.events.request.fire(
            request_type="TASK", name=name, response_time=milliseconds, response_length=0, exception=failed, context={}
        )
