"""Both clients on the nine: 500 submissions are 500 tasks, though a replica and Redis are killed meanwhile."""

import asyncio
import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.system.nine import Nine
from throughline import AsyncClient, Client

DATA = {"positions": [{"symbol": "A", "quantity": 1, "price": 1.0}], "simulations": 1_000}
RECORDS = "tl:task:" + "-".join("?" * length for length in (8, 4, 4, 4, 12))
FROM_THREADS, AWAITED = 250, 250


@pytest.fixture(scope="module")
def roomy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nine]:
    """Nine of which two are killed, with room for all tasks at once."""
    with Nine(tmp_path_factory.mktemp("roomy") / "var", CIRCUIT_MAX_DEPTH="5000") as running:
        yield running


@pytest.mark.timeout(300)
def test_five_hundred_submissions_are_five_hundred_tasks_though_a_replica_and_redis_are_killed(roomy: Nine):
    submitted = threading.Semaphore(0)  # released for each accepted task

    def from_threads() -> list[tuple[str, object]]:
        with Client(roomy.base_url) as client, ThreadPoolExecutor(8) as threads:

            def one(number: int) -> tuple[str, object]:
                task = client.submit("calculate_var", DATA | {"seed": number}, priority="high")
                submitted.release()
                return task.task_id, task.result(200)["seed"]

            return list(threads.map(one, range(FROM_THREADS)))

    async def awaited() -> list[tuple[str, object]]:
        async with AsyncClient(roomy.base_url) as client:
            at_once = asyncio.Semaphore(8)

            async def one(number: int) -> tuple[str, object]:
                async with at_once:
                    task = await client.submit("calculate_var", DATA | {"seed": number}, priority="low")
                    submitted.release()
                    return task.task_id, (await task.result(200))["seed"]

            return await asyncio.gather(*(one(FROM_THREADS + number) for number in range(AWAITED)))

    def break_things() -> None:
        for name in ("fastapi-2", "redis"):
            for _ in range(100):
                submitted.acquire()
            pid = roomy.pids()[name]
            assert pid is not None
            os.kill(pid, signal.SIGKILL)

    with ThreadPoolExecutor(3) as parts:
        broken = parts.submit(break_things)
        running = [parts.submit(from_threads), parts.submit(lambda: asyncio.run(awaited()))]
        results = [each for part in running for each in part.result()]
        broken.result()

    assert [seed for _, seed in results] == list(range(500)), "each task gave its own result"
    with roomy.redis() as client:
        records = {key.removeprefix("tl:task:"): client.hget(key, "status") for key in client.scan_iter(RECORDS, 1000)}
    assert records.keys() == {task_id for task_id, _ in results}
    assert Counter(records.values()) == {"SUCCESS": 500}
