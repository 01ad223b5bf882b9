"""For how long one command of ours holds Redis while many tasks wait, or large ones; beside what Redis itself takes."""

import asyncio
import random
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final

import orjson
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import ConnectionError as RedisConnectionError

from monitor import sweep
from tests.bench.ratio import say
from tests.conftest import free_port
from tests.integration.long_story import LongStory
from throughline.ledger import history_scripts, keys, queue_sample, scripts, stored_task
from throughline.ledger.message import Queue
from throughline.ledger.states import Reason, Status

MOST_MS: Final = 10
ROUNDS: Final = 3  # of which the best counts: the machine has other things to do
_RANDOM: Final = random.Random(13)
_SMALL: Final = {"positions": [{"symbol": "AAPL", "quantity": 100, "price": 150.0}]}
_NOISE: Final = "".join(map(chr, _RANDOM.choices(range(0x23, 0x7F), k=1_000_000)))
_POSITIONS: Final = [
    {"symbol": f"SYM{i:05d}", "quantity": _RANDOM.randint(1, 9999), "price": round(_RANDOM.uniform(1, 999), 2)}
    for i in range(18_000)
]
SCENES: Final[dict[str, tuple[int, Any]]] = {
    "500 tasks of 1 MB, not compressible": (500, {"text": _NOISE}),
    "500 tasks of 1 MB, compressed": (500, {"positions": _POSITIONS}),
    "50,000 small tasks": (50_000, _SMALL),
}


class Scene(LongStory):
    """A queue in which many tasks wait, and what may happen to some of them."""

    def __init__(self, redis: Any, data: Any) -> None:
        super().__init__(redis)
        self.data = data

    def fill(self, count: int) -> list[str]:
        """The tasks' IDs, the oldest first. The monitor has seen them."""
        waiting = [self.submit(data=self.data) for _ in range(count)]
        self.sweep()
        return waiting

    def oldest(self) -> str:
        """Taken by a worker, and not yet claimed."""
        return str(stored_task_id(self.redis.rpop("medium")))

    def started(self) -> str:
        task_id = self.oldest()
        while self.claim(task_id).outcome != "run":  # a second copy
            task_id = self.oldest()
        return task_id


def stored_task_id(message: str) -> str:
    return message.partition('"id":"')[2].partition('"')[0]


def main() -> None:
    for name, (count, data) in SCENES.items():
        with _redis() as redis:
            scene = Scene(redis, data)
            waiting = scene.fill(count)
            used = redis.info("memory")["used_memory"] / 2**20
            floor = _longest(redis, partial(redis.get, keys.message(waiting[0])))
            print(f"{name}: {used:,.0f} MB in Redis; {floor:.2f} ms to get one message")
            found = {what: _longest(redis, work) for what, work in _deeds(scene, waiting)}
            found |= _sweeps(scene, waiting)
            found |= {what: _longest(redis, work) for what, work in _ends(scene)}
        for what, ms in sorted(found.items(), key=lambda one: -one[1]):
            print(f"  {ms:6.2f} ms  {what}")
        slowest = max(found, key=lambda what: found[what])
        say(f"{name}, longest ms", found[slowest], MOST_MS, at_most=True, detail=slowest)


def _deeds(scene: Scene, waiting: list[str]) -> Iterator[tuple[str, Callable[[], object]]]:
    """What clients and workers do. Each is done several times, with another task each time."""
    middle, youngest = iter(waiting[len(waiting) // 2 :]), reversed(waiting)
    yield "a submission", lambda: scene.submit(data=scene.data)
    yield "position of the oldest", lambda: scene.position(waiting[0])
    yield "position of one in the middle", lambda: scene.position(waiting[len(waiting) // 2])
    yield "position of the youngest", lambda: scene.position(waiting[-1])
    yield "position of one that a worker has", lambda: scene.position(scene.oldest())
    yield "cancel of one in the middle", lambda: scene.cancel(next(middle)) == "cancelled" or 1 / 0
    yield "cancel of the youngest", lambda: scene.cancel(next(youngest)) == "cancelled" or 1 / 0
    yield "cancel of one that a worker has", lambda: scene.cancel(scene.oldest())
    yield "cancel of one that runs", lambda: scene.cancel(scene.started())
    yield "claim", scene.started
    yield "retry", lambda: scene.retry(scene.started(), 1)
    yield "end", lambda: scene.store(scene.started(), Status.SUCCESS, Reason.RETURNED, attempt="1")
    yield "replay of a dead letter", lambda: _replayed(scene)
    yield "heartbeat", lambda: scene.beat(held=" ".join(waiting[:100]))
    yield "sample of the queues", lambda: _awaited(scene, queue_sample.take)
    yield (
        "a task with its message",
        lambda: _awaited(scene, lambda redis: stored_task.read(redis, [waiting[3]], messages=True)),
    )
    yield "health", lambda: scene.ledger(scripts.health(memory_percent=80))
    yield "a look at the memory", lambda: scene.ledger(scripts.look_at_memory(memory_percent=80))


def _ends(scene: Scene) -> Iterator[tuple[str, Callable[[], object]]]:
    """What is done with tasks that have ended, a hundred of them; their results are as large as what was sent."""
    ids = [scene.submit(data=scene.data) for _ in range(ROUNDS * history_scripts.MOST_AT_ONCE)]
    result = orjson.dumps({"status": "FAILURE", "result": {"exc_type": "E", "exc_message": [scene.data]}}).decode()
    for task_id in ids:
        attempt = scene.claim(task_id).attempt
        scene.store(task_id, Status.FAILURE, Reason.FAILED, attempt=str(attempt), error_class="E")
        scene.redis.set(keys.celery_result(task_id), result)
    hundreds = [
        ids[start : start + history_scripts.MOST_AT_ONCE] for start in range(0, len(ids), history_scripts.MOST_AT_ONCE)
    ]
    copied, forgotten = iter(hundreds), iter(hundreds)
    versions = {task_id: scene.record(task_id).version for task_id in ids}
    yield "ended tasks for the history", lambda: scene.ledger(history_scripts.ended(most=200, most_bytes=2_000_000))
    yield (
        "100 failures for a list",
        lambda: _awaited(scene, lambda redis: stored_task.read_for_list(redis, hundreds[0])),
    )
    yield (
        "100 that were copied",
        lambda: scene.ledger(history_scripts.copied({one: versions[one] for one in next(copied)})),
    )
    yield "100 that are forgotten", lambda: scene.ledger(history_scripts.forget(next(forgotten)))


def _replayed(scene: Scene) -> None:
    task_id = scene.started()
    assert scene.retry(task_id, 1, max_retries=0) == "dead"
    assert scene.ledger(scripts.replay(task_id, queue="medium", requested_by="me"))


def _awaited(scene: Scene, work: Callable[["AsyncRedis"], Any]) -> None:
    async def with_client() -> None:
        options = scene.redis.connection_pool.connection_kwargs
        async with AsyncRedis(host=options["host"], port=options["port"], decode_responses=True) as redis:
            await redis.ping()
            with scene.redis.watched():
                await work(redis)

    asyncio.run(with_client())


def _sweeps(scene: Scene, waiting: list[str]) -> dict[str, float]:
    """Rounds of sweeps; of each call the best of several rounds counts, as far as rounds can be repeated."""

    def from_nothing() -> None:
        scene.redis.unlink(keys.SWEEP, *map(keys.queued, Queue))
        scene.sweep(0.001)
        scene.sweep(sweep.GRACE_SECONDS + 1)

    def lost() -> None:
        for _ in range(10):
            scene.oldest()
        for _ in range(3):
            scene.sweep()

    def due() -> None:
        for _ in range(10):
            task_id = scene.started()
            scene.retry(task_id, scene.record(task_id).attempt, delay=1)
        scene.sweep()

    def dead() -> None:
        lost = [scene.oldest() for _ in range(8)]
        scene.beat("worker-2", held=" ".join(lost))
        scene.sweep(keys.WORKER_ALIVE_SECONDS - 1)
        scene.sweep()

    rounds = {
        "sweep, the index of all made anew": from_nothing,
        "sweep, nothing lost": scene.sweep,
        "sweep, 10 put back": lost,
        "sweep, 10 retries due": due,
        "sweep, 8 of a dead worker": dead,
    }
    return {what: _longest(scene.redis, work) for what, work in rounds.items()}


def _longest(redis: "Watched", work: Callable[[], object]) -> float:
    """The longest command in milliseconds; the same command of several rounds counts by its best."""
    rounds = []
    for _ in range(ROUNDS):
        redis.taken.clear()
        work()
        rounds.append(list(redis.taken))
    return max(min(each) for each in zip_longest(*rounds, fillvalue=float("inf"))) * 1e3


class Watched(Redis):
    """A client of a server of its own: how long its thread computes for each command, from reading to answering.

    What else the machine does meanwhile is not in it.
    """

    def __init__(self, pid: int, **options: Any) -> None:
        super().__init__(**options)
        self._pid = pid
        self.taken: list[float] = []

    def execute_command(self, *args: Any, **options: Any) -> Any:
        with self.watched():
            return super().execute_command(*args, **options)

    @contextmanager
    def watched(self) -> Iterator[None]:
        before = self._computed()
        try:
            yield
        finally:
            self.taken.append(self._computed() - before)

    def _computed(self) -> float:
        return int(Path(f"/proc/{self._pid}/task/{self._pid}/schedstat").read_text().split()[0]) / 1e9


@contextmanager
def _redis() -> Iterator[Watched]:
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen(["redis-server", *options, "--dir", folder], stdout=subprocess.DEVNULL)
        with server, Watched(server.pid, host="127.0.0.1", port=port, decode_responses=True) as client:
            try:
                deadline = time.monotonic() + 10
                while not _answers(client) and time.monotonic() < deadline:
                    time.sleep(0.05)
                yield client
            finally:
                server.terminate()


def _answers(client: Any) -> bool:
    try:
        return bool(client.ping())
    except RedisConnectionError:
        return False


if __name__ == "__main__":
    main()
