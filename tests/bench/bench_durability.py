"""What an fsync before each answer costs: the front door's own script, 64 submissions at a time, on a real Redis."""

import asyncio
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import redis

from api.queue_service import QueueService
from api.services.callers import ANYONE
from api.services.task_service import TaskService
from api.submission import TaskSubmission
from tests.conftest import free_port
from throughline.settings import ApiSettings
from throughline.telemetry import correlation

_AT_ONCE, _EACH = 64, 30
_MOST_COST = 5.0  # times the seconds of `everysec`
_TASK = TaskSubmission.model_validate(
    {"task_type": "calculate_var", "data": {"positions": [{"symbol": "A", "quantity": 1, "price": 1.0}]}}
)


async def _load(url: str) -> list[float]:
    queue = QueueService(ApiSettings(redis_url=url, circuit_max_depth=10**6, redis_timeout_seconds=10))
    tasks = TaskService(queue)
    seconds = []

    async def client() -> None:
        for _ in range(_EACH):
            began = time.perf_counter()
            await tasks.submit(_TASK, ANYONE)
            seconds.append(time.perf_counter() - began)

    with correlation.bound("BENCH-1"):
        await asyncio.gather(*(client() for _ in range(_AT_ONCE)))
    await queue.close()
    return seconds


def measure(fsync: str) -> float:
    """Seconds for all; prints the rest."""
    program, port = shutil.which("redis-server"), free_port()
    assert program
    with tempfile.TemporaryDirectory() as folder:
        options = ["--port", str(port), "--save", "", "--appendonly", "yes", "--appendfsync", fsync, "--dir", folder]
        with subprocess.Popen([program, *options], stdout=subprocess.DEVNULL) as server:
            url = f"redis://127.0.0.1:{port}/0"
            while not _answers(url):
                time.sleep(0.02)
            began = time.perf_counter()
            each = asyncio.run(_load(url))
            whole = time.perf_counter() - began
            server.terminate()
    cuts = statistics.quantiles(each, n=100)
    print(
        f"appendfsync {fsync:8}  {len(each) / whole:6.0f} submissions a second"
        f"   p50 {cuts[49] * 1000:5.1f} ms   p99 {cuts[98] * 1000:5.1f} ms"
    )
    return whole


def _answers(url: str) -> bool:
    try:
        with redis.Redis.from_url(url) as client:
            return bool(client.ping())
    except redis.ConnectionError:
        return False


def main() -> int:
    everysec, always = measure("everysec"), measure("always")
    print(f"an fsync before each answer costs {always / everysec:.2f} times the time (at most {_MOST_COST})")
    return 0 if always / everysec <= _MOST_COST else 1


if __name__ == "__main__":
    sys.exit(main())
