"""Both clients on the nine: 200 submissions are 200 tasks, though a replica and Redis are killed meanwhile."""

import asyncio
import os
import signal
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from tests.both_clients import awaited, blocking
from tests.system.nine import Nine
from throughline import AsyncClient, Client
from throughline.client import AsyncHandle, Handle, errors
from throughline.telemetry import correlation

DATA = {"positions": [{"symbol": "A", "quantity": 1, "price": 1.0}], "simulations": 1_000}
MANY = {
    "positions": [{"symbol": f"S{n}", "quantity": 1, "price": 100.0} for n in range(50)],
    "distribution": "lognormal",
}
RECORDS = "tl:task:" + "-".join("?" * length for length in (8, 4, 4, 4, 12))
EACH = 100  # from each client


@pytest.fixture(scope="module")
def roomy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nine]:
    """Three replicas and Redis, to be killed, and a worker; with room for all tasks at once."""
    with Nine(tmp_path_factory.mktemp("roomy") / "var", CIRCUIT_MAX_DEPTH="5000", WORKER_REPLICAS="1") as running:
        yield running


@pytest.mark.timeout(300)
def test_two_hundred_submissions_are_two_hundred_tasks_though_replicas_and_redis_are_killed(roomy: Nine):
    accepted = threading.Semaphore(0)  # released for each accepted task

    def from_threads() -> list[tuple[str, int]]:
        with Client(roomy.base_url) as client, ThreadPoolExecutor(8) as threads:

            def submitted(seed: int) -> Handle:
                task = client.submit("calculate_var", DATA | {"seed": seed}, priority="high")
                accepted.release()
                return task

            tasks = list(threads.map(submitted, range(EACH)))
            results = threads.map(lambda task: task.result(200), tasks)
            return [(task.task_id, result["seed"]) for task, result in zip(tasks, results, strict=True)]

    async def from_a_loop() -> list[tuple[str, int]]:
        async with AsyncClient(roomy.base_url) as client:
            eight = asyncio.Semaphore(8)

            async def submitted(seed: int) -> AsyncHandle:
                async with eight:
                    task = await client.submit("calculate_var", DATA | {"seed": seed}, priority="low")
                accepted.release()
                return task

            tasks = await asyncio.gather(*(submitted(EACH + number) for number in range(EACH)))
            results = await asyncio.gather(*(task.result(200) for task in tasks))
            return [(task.task_id, result["seed"]) for task, result in zip(tasks, results, strict=True)]

    def break_things() -> None:
        for name in ("fastapi-1", "redis", "fastapi-2", "redis", "fastapi-3"):
            pid = roomy.pids()[name]
            assert pid is not None
            for _ in range(20):
                assert accepted.acquire(timeout=60)
            os.kill(pid, signal.SIGSTOP)
            for _ in range(10):  # Redis: until everyone waits for it; a replica: the others go on without it
                if not accepted.acquire(timeout=0.3):
                    break
            os.kill(pid, signal.SIGKILL)

    with ThreadPoolExecutor(3) as parts:
        broken = parts.submit(break_things)
        running = [parts.submit(from_threads), parts.submit(lambda: asyncio.run(from_a_loop()))]
        results = [each for part in running for each in part.result()]
        broken.result()

    assert [seed for _, seed in results] == list(range(2 * EACH)), "each task gave its own result"
    with roomy.redis() as client:
        records = {key.removeprefix("tl:task:"): client.hget(key, "status") for key in client.scan_iter(RECORDS, 1000)}
    assert records.keys() == {task_id for task_id, _ in results}
    assert Counter(records.values()) == {"SUCCESS": 2 * EACH}
    # By its path: NGINX writes GET for the method of what it answers with an error page of its own.
    submissions = [line for line in roomy.log_lines("nginx") if line.get("url.path") == "/api/v1/tasks"]
    statuses = Counter(line["http.response.status_code"] for line in submissions)
    assert statuses[502] > 0, "answers were lost, and asked for again"


@pytest.fixture(params=[blocking, awaited])
def client(request: pytest.FixtureRequest, roomy: Nine) -> Iterator[Any]:
    """The one client, then the other."""
    with request.param(roomy.base_url) as opened:
        yield opened


def test_a_task_is_followed_by_its_events_and_its_timeline(client: Any):
    task = client.submit("calculate_var", MANY | {"simulations": 1_500_000}, priority="high")

    events = list(task.events(timeout=100))

    assert task.submission["queue_position"] >= 1
    assert [event.status for event in events if event.kind == "state"][-2:] == ["STARTED", "SUCCESS"]
    assert any(event.progress for event in events if event.kind == "progress")
    assert [change["status"] for change in task.timeline()["changes"]] == ["PENDING", "STARTED", "SUCCESS"]
    assert task.input() == MANY | {"simulations": 1_500_000}
    assert [found.task_id for found in client.tasks_of(task.correlation_id)] == [task.task_id]


def test_a_running_task_is_cancelled(client: Any, wait_until: Callable[..., object]):
    task = client.submit("calculate_var", MANY | {"simulations": 10_000_000})
    wait_until(lambda: task.status() == "STARTED", 60, "it runs")
    task.cancel()

    with pytest.raises(errors.TaskRevoked):
        task.result(60)
    assert task.cancel() == "REVOKED", "cancelled again: it is"


def test_refusals_of_the_real_service_have_their_errors(client: Any):
    done = client.submit("calculate_var", DATA, idempotency_key=str(uuid.uuid4()))
    done.result(60)

    with pytest.raises(errors.TaskFinished):
        done.cancel()
    with pytest.raises(errors.ValidationFailed) as invalid:
        client.submit("calculate_var", {"portfolio_data": {"positions": []}})
    with pytest.raises(errors.ValidationFailed):
        client.submit("no_such_type", {})
    with pytest.raises(errors.PayloadTooLarge):
        client.submit("calculate_var", DATA | {"note": "x" * 5_000_000})
    with pytest.raises(errors.TaskNotFound):
        client.handle("no such task").details()
    assert invalid.value.errors[0].field == "data.portfolio_data.positions"
    assert invalid.value.correlation_id


def test_a_key_of_ones_own_is_the_same_task_in_another_program_and_no_other_payload(client: Any, roomy: Nine):
    key = f"order {uuid.uuid4()}"
    first = client.submit("calculate_var", DATA, idempotency_key=key)

    with Client(roomy.base_url) as another:
        again = another.submit("calculate_var", DATA, idempotency_key=key)
        with pytest.raises(errors.IdempotencyKeyReused):
            another.submit("calculate_var", DATA | {"simulations": 2_000}, idempotency_key=key)

    assert again.task_id == first.task_id
    assert again.submission["from_cache"] is True


def test_the_callers_span_is_the_parent_of_the_journey(client: Any, roomy: Nine, wait_until: Callable[..., object]):
    trace_id = uuid.uuid4().int
    span = NonRecordingSpan(SpanContext(trace_id, 0xCAFE, is_remote=False, trace_flags=TraceFlags(1)))
    with trace.use_span(span), correlation.bound(f"caller-{trace_id:x}"):
        task = client.submit("calculate_var", DATA)
    task.result(60)

    assert task.details()["trace_id"] == f"{trace_id:032x}"
    nginx = [line for line in roomy.log_lines("nginx") if line.get("correlation_id") == f"caller-{trace_id:x}"]
    assert [line["trace.id"] for line in nginx] == [f"{trace_id:032x}"], "looks at the task are no part of it"
