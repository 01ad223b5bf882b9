"""What survives a restart: every accepted task, every result, every line and span."""

import time
from collections.abc import Callable

import pytest

from tests.chaos.traffic import LONG
from tests.stack.load import send, sending
from tests.stack.searching import all_done
from tests.stack.stack import NINE, PLANE, Stack
from throughline.journey import Found, assemble, elasticsearch
from throughline.journey.elasticsearch_client import Unanswered

Wait = Callable[..., object]
SPANS = 13  # of one request: six on its way, seven phases of its calculation


def test_each_container_restarted_in_turn_under_load_loses_no_accepted_task(stack: Stack, wait_until: Wait):
    with sending(stack, f"RESTARTED-{time.time_ns()}", 700, 10) as done:
        for name in (*NINE, *PLANE):
            stack.docker("restart", "--time", "35", stack.container(name))
    load = done[0]
    assert len(load.accepted) > 400
    wait_until(lambda: all_done(stack, load.accepted.values()), 120, "every accepted task is done")
    stack.up()  # for the next test: on a loaded machine Elasticsearch needs minutes, and Jaeger waits for it


def test_down_and_up_keep_queued_tasks_results_lines_and_traces(stack: Stack, wait_until: Wait):
    old = send(stack, f"OLD-{time.time_ns()}", 5, 10)
    wait_until(lambda: all_done(stack, old.accepted.values()), 30, "the first tasks are done")
    wait_until(lambda: _spans(stack, f"{old.prefix}-0") == SPANS, 60, "their spans are stored")
    stack.compose("stop", "worker")
    queued = send(stack, f"WAITING-{time.time_ns()}", 20, 20)
    assert queued.refused == []

    stack.compose("down")
    stack.up()

    wait_until(lambda: all_done(stack, queued.accepted.values()), 90, "the queued tasks are done")
    assert all_done(stack, old.accepted.values())
    assert _spans(stack, f"{old.prefix}-0") == SPANS
    # The last lines before `down` are there too.
    wait_until(lambda: _lines(stack, f"{queued.prefix}-19") >= 5, 30, "lines from before and after")


@pytest.mark.parametrize("name", ["worker-3", "fastapi-3", "monitor"])
def test_a_container_that_is_told_to_stop_while_it_starts_ends_at_once(stack: Stack, name: str):
    """It went on, and was killed at the end of its grace."""
    container = stack.container(name)
    stack.docker("stop", container)
    stack.docker("start", container)
    stack.docker("stop", container)
    exit_code = stack.docker("inspect", "-f", "{{.State.ExitCode}}", container).strip()
    stack.docker("start", container)
    stack.up()
    assert exit_code != "137"  # killed


def test_the_journey_from_elasticsearch_shows_what_a_killed_worker_container_ran(stack: Stack, wait_until: Wait):
    correlation_id = f"KILLED-{time.time_ns()}"
    with stack.http() as client:

        def submit() -> str:
            headers = {"X-Request-ID": correlation_id}
            return str(client.post("/api/v1/tasks", json=LONG, headers=headers).json()["task_id"])

        def run_by_worker_2() -> set[str]:
            answer = client.get("/api/v1/tasks", params={"correlation_id": correlation_id})
            assert answer.status_code == 200, answer.text
            tasks = answer.json()["tasks"]
            started = [task for task in tasks if task["status"] == "STARTED"]
            return {task["task_id"] for task in started if task["attempts"][-1]["worker"] == "worker-2"}

        submitted = [submit() for _ in range(24)]
        wait_until(run_by_worker_2, 20, "worker-2 runs some")
        stack.docker("kill", stack.container("worker-2"))
        interrupted = run_by_worker_2()
        stack.docker("start", stack.container("worker-2"))

    def lost() -> set[str]:
        requests = assemble(correlation_id, _found(stack, correlation_id)).submissions
        return {
            request.task_id
            for request in requests
            for step in request.steps
            # It no longer has them when its container is up again before the sweep looks.
            if step.node == "worker-2" and step.what.endswith((": lost with worker-2", ": worker-2 no longer had it"))
        }

    assert interrupted
    wait_until(lambda: all_done(stack, submitted), 120, "every task is done")
    wait_until(lambda: interrupted <= lost(), 60, "their lost attempts are in Elasticsearch")


def _spans(stack: Stack, correlation_id: str) -> int:
    return len(_found(stack, correlation_id).spans)


def _lines(stack: Stack, correlation_id: str) -> int:
    return len(_found(stack, correlation_id).log_lines)


def _found(stack: Stack, correlation_id: str) -> Found:
    """Nothing while Elasticsearch, restarted a moment ago, does not answer."""
    with stack.reader() as client:
        try:
            return elasticsearch.find(client, correlation_id)
        except Unanswered:
            return Found([], [])
