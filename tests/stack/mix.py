"""A counted mix of requests: all that can become of one, so that the figures of panels and pages must add up to it."""

import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import orjson
import pytest
from redis import Redis

from tests import plain_http
from tests.stack.load import TASK
from tests.stack.searching import all_done, spans_by_name
from tests.stack.stack import Stack
from throughline.journey.elasticsearch_client import Client
from throughline.ledger import keys

Wait = Callable[..., Any]
Answer = dict[str, Any]

WAITING: Final = {"high": 6, "medium": 4, "low": 3}
REFUSED: Final = 3  # by the open circuit breaker
FAILING: Final[dict[str, Any]] = {
    "task_type": "portfolio_optimization",
    "data": {
        "assets": [
            {"symbol": "A", "expected_return": 0.1, "volatility": 0.2},
            {"symbol": "B", "expected_return": 0.12, "volatility": 0.25},
        ],
        "correlations": [[1.0, 0.3], [0.3, 1.0]],
        "objective": "target_return",
        "target_return": 0.9,  # more than any asset has
    },
}
_LAST_LINES: Final = (("nginx", "request.completed"), ("worker", "task.succeeded"), ("worker", "worker.stalled"))
_ENDS: Final = {"SUCCESS", "FAILURE", "REVOKED"}
# Written by the worker's own logging: what needs a worker that does nothing for a while.
_SELDOM: Final = """
from throughline.settings import ProcessSettings
from throughline.telemetry import correlation, logging
logging.setup("worker", ProcessSettings())
with correlation.bound("{prefix}-seldom", "none"):
    logging.event("worker.stalled", "takes nothing", {{"worker": "worker-1"}})
"""


@dataclass
class Happened:
    """What was done to the stack, when (milliseconds), and what the API says has become of it."""

    prefix: str
    since: int
    until: int = 0
    answers: Counter[int] = field(default_factory=Counter)  # status → requests to submit
    accepted: dict[str, str] = field(default_factory=dict)  # correlation ID → task
    replayed: str = ""  # the correlation ID of the request that named an Idempotency-Key again
    moments: list[int] = field(default_factory=list)  # when tasks waited without workers; when a long task ran
    slowest_seconds: float = 0.0
    tasks: list[Answer] = field(default_factory=list)  # as GET tells them once all have ended
    killed: dict[str, str] = field(default_factory=dict)  # what was killed → the task that it ran

    @property
    def requests(self) -> int:
        return self.answers.total()

    @property
    def attempts(self) -> list[tuple[Answer, Answer]]:
        """Each attempt with its task."""
        return [(task, attempt) for task in self.tasks for attempt in task["attempts"]]

    @property
    def runs(self) -> Counter[tuple[str, str]]:
        """(task type, how the attempt ended) → how many."""
        return Counter((task["task_type"], attempt["outcome"]) for task, attempt in self.attempts)

    def ended(self, status: str) -> Counter[str]:
        """Task type → tasks of that last state."""
        return Counter(task["task_type"] for task in self.tasks if task["status"] == status)

    def outcomes(self, outcome: str) -> int:
        """Attempts that ended so."""
        return sum(attempt["outcome"] == outcome for _, attempt in self.attempts)

    def post(self, client: httpx.Client, body: Any, once: str = "", **more: str) -> httpx.Response:
        correlation_id, began = f"{self.prefix}-{self.requests}", time.monotonic()
        content = body if isinstance(body, bytes) else orjson.dumps(body | more)
        named = {"X-Request-ID": correlation_id, "Content-Type": "application/json"}
        named |= {"Idempotency-Key": f'"{once}"'} if once else {}
        answer = client.post("/api/v1/tasks", headers=named, content=content)
        self.slowest_seconds = max(self.slowest_seconds, time.monotonic() - began)
        self.answers[answer.status_code] += 1
        if answer.status_code == 201:
            self.accepted[correlation_id] = answer.json()["task_id"]
        return answer

    def submit(self, client: httpx.Client, body: Any, **more: str) -> str:
        """The task's ID."""
        answer = self.post(client, body, **more)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["task_id"])

    def correlation_id_of(self, task_id: str) -> str:
        (found,) = {name for name, each in self.accepted.items() if each == task_id and name != self.replayed}
        return found


def send(stack: Stack, wait_until: Wait) -> Happened:
    """Tasks that wait for workers, one of each type, and every way in which a request or an attempt may end."""
    _nothing_is_under_way(stack, wait_until)
    found = Happened(f"DASH-{time.time_ns()}", now())
    with stack.http() as client:
        _tasks_wait(stack, client, found, wait_until)
        assert client.get("/health").status_code == client.get("/").status_code == 200
        for kind in client.get("/api/v1/task-types").json()["task_types"]:
            if kind.get("example"):
                found.submit(client, kind["example"])
        for _ in range(2):
            found.submit(client, FAILING)
        _odd_requests(client, found)
        _odd_ends(stack, client, found, wait_until)
        _circuit_breaker_opens(stack, client, found, wait_until)
        wait_until(lambda: _all_ended(client, found), 90, "every task has ended")
    _tell_seldom(stack, found)
    found.until = now() + 1000
    agree(lambda: _is_there(stack, found), _is_expected(found), wait_until)
    return found


def _nothing_is_under_way(stack: Stack, wait_until: Wait) -> None:
    """Of what other tests have sent; and Prometheus, which they may have stopped, has seen the counters since."""
    with stack.redis() as redis:
        wait_until(lambda: redis.zcard(keys.OPEN) == 0, 120, "every task of other tests has ended")

    began = time.time() + 5  # the collector adds up every five seconds

    def has_seen() -> bool:
        # The time of the sample: of a comparison, `timestamp` tells the time of the question.
        up = 'up{job=~"monitor|spans"}'
        seen = f"timestamp({up}) > {began} and {up} == 1"
        url = f"{stack.url('PROMETHEUS')}/api/v1/query"
        answer = plain_http.get(url, params={"query": seen}).json()
        return len(answer["data"]["result"]) == 2

    wait_until(has_seen, 90, "Prometheus has the counters as they are now")


def agree(counted: Callable[[], object], expected: object, wait_until: Wait) -> None:
    """Within a minute; what they differ in is told."""
    with suppress(pytest.fail.Exception):
        wait_until(lambda: counted() == expected, 60, "they agree")
    found = counted()
    assert found == expected, f"found {found}, expected {expected}"  # no test file: pytest explains nothing here


def now() -> int:
    return time.time_ns() // 1_000_000


def _tasks_wait(stack: Stack, client: httpx.Client, found: Happened, wait_until: Wait) -> None:
    """One of them is cancelled while it waits."""
    stack.compose("stop", "worker")
    for priority, many in WAITING.items():
        for _ in range(many):
            task = found.submit(client, TASK, priority=priority)
    seen = {"queue.depth.total": sum(WAITING.values()), "workers.alive": 0}

    def are_waiting() -> bool:
        sample = _last_sample(stack)
        return seen.items() <= sample.items() and sample["queue.oldest_age_seconds"] > 5

    wait_until(are_waiting, 40, "a sample of tasks that have waited for more than five seconds, without workers")
    found.moments.append(now())
    assert client.delete(f"/api/v1/tasks/{task}").json()["status"] == "REVOKED"
    others = [each for each in found.accepted.values() if each != task]
    stack.compose("start", "worker")
    wait_until(lambda: all_done(stack, others), 60, "the waiting tasks are done")


def _odd_requests(client: httpx.Client, found: Happened) -> None:
    """Refused ones, and one that is sent a second time with the same Idempotency-Key."""
    assert found.post(client, {"task_type": "crystal_ball"}).status_code == 422
    assert found.post(client, b'{"task_type": ').status_code == 400
    assert found.post(client, TASK, found.prefix).status_code == 201
    found.replayed = f"{found.prefix}-{found.requests}"
    assert found.post(client, TASK, found.prefix).headers["Idempotent-Replayed"] == "true"


def _odd_ends(stack: Stack, client: httpx.Client, found: Happened, wait_until: Wait) -> None:
    """Retries, a dead letter, a time limit, a cancelled run, a killed process and a killed worker, at the same time."""
    found.submit(client, {"task_type": "stumble", "data": {"seconds": 0}})
    found.submit(client, {"task_type": "fall", "data": {"seconds": 0}})
    cancelled = found.submit(client, {"task_type": "nap", "data": {"seconds": 60}})
    _runs_by(client, cancelled, wait_until)
    wait_until(lambda: _last_sample(stack)["tasks.in_flight"] == 1, 20, "a sample of the task that runs")
    found.moments.append(now())
    assert client.delete(f"/api/v1/tasks/{cancelled}").status_code < 300

    process = found.submit(client, {"task_type": "nap", "data": {"seconds": 61}})
    attempt = _runs_by(client, process, wait_until)
    kill = f"import os; os.kill({attempt['process']}, 9)"
    stack.docker("exec", stack.container(attempt["worker"]), "python", "-c", kill)
    found.killed["process"] = process

    worker = found.submit(client, {"task_type": "nap", "data": {"seconds": 62}}, priority="low")
    name = stack.container(_runs_by(client, worker, wait_until)["worker"])
    stack.docker("kill", name)
    found.submit(client, {"task_type": "nap", "data": {"seconds": 60}}, priority="high")  # until its soft time limit
    stack.docker("start", name)
    found.killed["worker"] = worker


def _runs_by(client: httpx.Client, task_id: str, wait_until: Wait) -> Answer:
    """The attempt that runs."""

    def attempt() -> Answer | None:
        task = client.get(f"/api/v1/tasks/{task_id}").json()
        found: Answer | None = task["attempts"][-1] if task["status"] == "STARTED" else None
        return found

    running: Answer = wait_until(attempt, 30, f"task {task_id} runs")
    return running


def _circuit_breaker_opens(stack: Stack, client: httpx.Client, found: Happened, wait_until: Wait) -> None:
    """By its state in Redis, not by its depth: the stack's other tests need a depth that they never reach."""
    with Redis(port=stack.ports["REDIS"], password=stack.secret("REDIS_PASSWORD"), socket_timeout=5) as redis:
        seconds, microseconds = redis.time()
        redis.hset("tl:breaker", mapping={"state": "open", "wait": 7, "until": f"{seconds + 7}.{microseconds:06}"})
    assert [found.post(client, TASK).status_code for _ in range(REFUSED)] == [503] * REFUSED
    wait_until(lambda: _last_sample(stack)["circuit.state"] == "open", 20, "a sample of the open circuit breaker")
    wait_until(lambda: _last_sample(stack)["circuit.state"] == "half_open", 20, "its wait is over")
    found.submit(client, TASK)
    wait_until(lambda: _last_sample(stack)["circuit.state"] == "closed", 20, "a sample of the closed circuit breaker")


def _all_ended(client: httpx.Client, found: Happened) -> bool:
    found.tasks = [client.get(f"/api/v1/tasks/{task}").json() for task in sorted(set(found.accepted.values()))]
    return all(task["status"] in _ENDS for task in found.tasks)


def _tell_seldom(stack: Stack, found: Happened) -> None:
    program = f"python /app/node_name.py python -c '{_SELDOM.format(prefix=found.prefix)}' > /proc/1/fd/1"
    stack.docker("exec", stack.container("worker-1"), "sh", "-c", program)


def _last_sample(stack: Stack) -> dict[str, Any]:
    samples = [line for line in stack.printed("monitor") if line.get("event.action") == "queue.sampled"]
    return samples[-1] if samples else {}


def _is_there(stack: Stack, found: Happened) -> dict[str, int]:
    """Asked without the panels, which are what is tested."""
    with stack.reader() as client:
        lines = {action: _count(client, found, service, action) for service, action in _LAST_LINES}
    spans = spans_by_name(stack, found.prefix)
    runs = sum(many for name, many in spans.items() if name.startswith("run "))
    return lines | {"nginx": spans["nginx"], "run": runs}


def _is_expected(found: Happened) -> dict[str, int]:
    lines = {"request.completed": found.requests, "task.succeeded": found.ended("SUCCESS").total(), "worker.stalled": 1}
    return lines | {"nginx": found.requests, "run": len(found.attempts)}


def _count(client: Client, found: Happened, service: str, action: str) -> int:
    wanted: list[dict[str, Any]] = [{"prefix": {"correlation_id": f"{found.prefix}-"}}]
    wanted += [{"term": {name: value}} for name, value in {"service.name": service, "event.action": action}.items()]
    answer = client.ask("POST", "/logs-throughline-*/_count", {"query": {"bool": {"filter": wanted}}})
    return int(answer["count"])
