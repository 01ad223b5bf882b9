"""Whether a submission, or a run, costs more when many tasks wait, Redis holds many records, or replicas are many."""

import os
import statistics
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final, NamedTuple

from redis import Redis

from tests.bench import bench_worker, http_load
from tests.bench.api_server import empty_redis
from tests.bench.contenders import BODY, OURS, cpu_seconds, pinned
from tests.bench.many_tasks import end_many, submit_many
from tests.bench.running_worker import Drain, running
from throughline.ledger.message import Queue

REQUESTS: Final = 3_000
CONNECTIONS: Final = 12
ROUNDS: Final = 3
TASKS: Final = 600


class Scene(NamedTuple):
    name: str
    waiting: int = 0
    ended: int = 0
    replicas: int = 1


class Figures(NamedTuple):
    cpu_ms: float  # of the replicas
    redis_ms: float
    per_second: float
    p99_ms: float


SCENES: Final = [
    Scene("an empty Redis, one replica"),
    Scene("50,000 tasks waiting", waiting=50_000),
    Scene("10,000 ended tasks in Redis", ended=10_000),
    Scene("12 replicas", replicas=12),
]


def main() -> None:
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[-1]})  # Redis and the load on one, the replicas on the other
    measured: dict[str, list[Figures]] = {scene.name: [] for scene in SCENES}
    for _ in range(ROUNDS):
        for scene in SCENES:
            measured[scene.name].append(_measured(scene, cores[0]))
    figures = {name: Figures(*map(statistics.median, zip(*rounds, strict=True))) for name, rounds in measured.items()}
    _print(figures)
    _print_runs({scene.name: _run(scene) for scene in SCENES if scene.replicas == 1})


def _measured(scene: Scene, core: int) -> Figures:
    with empty_redis() as redis_url, Redis.from_url(redis_url, decode_responses=True) as redis:
        submit_many(redis, scene.waiting)
        end_many(redis, scene.ended)
        with _replicas(scene.replicas, redis_url, core) as (urls, pids):
            http_load.post(urls, BODY, 500 * scene.replicas, CONNECTIONS)  # warms up
            before, redis_before = sum(map(cpu_seconds, pids)), _used(redis)
            load = http_load.post(urls, BODY, REQUESTS, CONNECTIONS)
            cpu, redis_cpu = sum(map(cpu_seconds, pids)) - before, _used(redis) - redis_before
    return Figures(cpu / REQUESTS * 1000, redis_cpu / REQUESTS * 1000, load.per_second, load.p99_ms)


@contextmanager
def _replicas(number: int, redis_url: str, core: int) -> Iterator[tuple[list[str], list[int]]]:
    with ExitStack() as open_:
        started = [open_.enter_context(pinned(OURS, redis_url, core)) for _ in range(number)]
        yield [url for url, _ in started], [pid for _, pid in started]


def _run(scene: Scene) -> Drain:
    """What a worker makes of tasks that do nothing; the waiting ones are in a queue that it does not look into."""
    worker_of_ours, *_ = bench_worker.CONTENDERS
    with running(worker_of_ours, bench_worker.MODULES, (Queue.HIGH, Queue.MEDIUM)) as worker:
        submit_many(worker.redis, scene.waiting, Queue.LOW)
        end_many(worker.redis, scene.ended)
        drains = [worker.drain("noop", {}, TASKS) for _ in range(ROUNDS)]
    return Drain(*map(statistics.median, zip(*drains, strict=True)))


def _used(redis: "Redis") -> float:
    """Processor time of Redis so far, in seconds."""
    told = redis.info("cpu")
    return float(told["used_cpu_user"]) + float(told["used_cpu_sys"])


def _print(figures: dict[str, Figures]) -> None:
    floor = figures[SCENES[0].name]
    print(
        f"{REQUESTS} requests on {CONNECTIONS} connections, replicas on one core, medians of {ROUNDS} rounds in turns"
    )
    print("| | CPU a request | of it, the first row's = 1 | in Redis | requests a second | p99 |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, one in figures.items():
        print(
            f"| {name} | {one.cpu_ms:.2f} ms | {one.cpu_ms / floor.cpu_ms:.2f} | {one.redis_ms:.3f} ms "
            f"| {one.per_second:,.0f} | {one.p99_ms:.1f} ms |"
        )


def _print_runs(runs: dict[str, Drain]) -> None:
    print(f"\nOne worker of two processes, a task that does nothing; medians of {ROUNDS} rounds of {TASKS}")
    print("| | tasks a second | CPU a task | in Redis |")
    print("| --- | --- | --- | --- |")
    for name, one in runs.items():
        print(f"| {name} | {one.per_second:,.0f} | {one.cpu_ms:.2f} ms | {one.redis_ms:.2f} ms |")


if __name__ == "__main__":
    main()
