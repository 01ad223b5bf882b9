"""What taking one task in costs: Throughline with everything on, beside the floor and the ways it is usually done."""

import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from redis import Redis

from tests.bench import http_load
from tests.bench.api_server import empty_redis
from tests.bench.contenders import BODY, CONNECTIONS, OURS, Contender, cpu_seconds, make_environments, pinned
from tests.system.nine import Nine

REQUESTS: Final = 4_000
ROUNDS: Final = 3
RATE: Final = 100
ALL_CORES: Final = os.sched_getaffinity(0)
FLOOR: Final = Contender("floor: FastAPI + one Redis round trip", "tests.bench.rivals.floor:app", ".venv-bench")
OURS_BARE: Final = Contender(
    "**Throughline, OTEL_SDK_DISABLED=true**", "api.main:app", ".venv", {"OTEL_SDK_DISABLED": "true"}
)
BARE: Final = [
    Contender("FastAPI + Taskiq, bare", "tests.bench.rivals.bare_taskiq:app", ".venv-bench"),
    Contender("FastAPI + arq, bare", "tests.bench.rivals.bare_arq:app", ".venv-bench-arq"),
    Contender("FastAPI + Dramatiq, bare", "tests.bench.rivals.bare_dramatiq:app", ".venv-bench"),
    Contender("FastAPI + send_task, bare", "tests.bench.rivals.bare_celery:app", ".venv-bench"),
]
SAME_WORK: Final = [
    Contender("FastAPI + Taskiq, the same work on", "tests.bench.rivals.observed_taskiq:app", ".venv-bench"),
    Contender("FastAPI + arq, the same work on", "tests.bench.rivals.observed_arq:app", ".venv-bench-arq"),
    Contender("FastAPI + Dramatiq, the same work on", "tests.bench.rivals.observed_dramatiq:app", ".venv-bench"),
]
CELERY: Final = Contender(
    "FastAPI + send_task, both instrumentations, depth check, lines",
    "tests.bench.rivals.instrumented_celery:app",
    ".venv-bench",
)
CONTENDERS: Final = [FLOOR, OURS, OURS_BARE, *BARE, *SAME_WORK, CELERY]
# Throughput of ours at least so many times the other's.
MARKS: Final = [
    (OURS, CELERY, 3.5),
    *((OURS, each, 1.0) for each in SAME_WORK),
    *((OURS_BARE, each, 1.0) for each in BARE[:2]),
]
MOST_P99_MS: Final = 10.0  # at RATE, through NGINX


class Figures(NamedTuple):
    cpu_ms: float
    per_second: float
    p99_ms: float


def main() -> None:
    make_environments()
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[-1]})  # Redis and the load on one, the server on the other
    measured: dict[str, list[Figures]] = {contender.name: [] for contender in CONTENDERS}
    with empty_redis() as redis_url:
        for _ in range(ROUNDS):  # in turns: the machine's moods meet all of them
            for contender in CONTENDERS:
                measured[contender.name].append(_measure(contender, redis_url, cores[0]))
        direct = _paced(lambda: pinned(FLOOR, redis_url, cores[0]))
    figures = {name: Figures(*map(statistics.median, zip(*rounds, strict=True))) for name, rounds in measured.items()}
    _print(figures)

    with tempfile.TemporaryDirectory() as folder:
        through_nginx = _paced(lambda: _nine(Path(folder, "with")))
        without_spans = _paced(lambda: _nine(Path(folder, "without"), OTEL_SDK_DISABLED="true"))
    print(
        f"\nAt {RATE} requests a second: p99 {through_nginx.p99_ms:.1f} ms through NGINX and three replicas, "
        f"{without_spans.p99_ms:.1f} ms of these without spans, {direct.p99_ms:.1f} ms for the floor"
    )
    _judge(figures, through_nginx.p99_ms)


def _paced(served: Callable[[], AbstractContextManager[tuple[str, int]]]) -> http_load.Load:
    with served() as (url, _):
        http_load.post(url, BODY, 300, CONNECTIONS)  # warms up
        return http_load.post(url, BODY, 1_000, CONNECTIONS, RATE)


@contextmanager
def _nine(folder: Path, **variables: str) -> Iterator[tuple[str, int]]:
    """All of a local run but the workers, which would share the core with the load."""
    os.sched_setaffinity(0, ALL_CORES)
    with Nine(folder / "var", WORKER_REPLICAS="0", CIRCUIT_MAX_DEPTH="100000000", **variables) as nine:
        yield f"{nine.base_url}/api/v1/tasks", 0


def _measure(contender: Contender, redis_url: str, core: int) -> Figures:
    with Redis.from_url(redis_url) as client:
        client.flushall()
    with pinned(contender, redis_url, core) as (url, pid):
        http_load.post(url, BODY, 500, CONNECTIONS)  # warms up
        before = cpu_seconds(pid)
        load = http_load.post(url, BODY, REQUESTS, CONNECTIONS)
        cpu = cpu_seconds(pid) - before
    return Figures(cpu / REQUESTS * 1000, load.per_second, load.p99_ms)


def _print(figures: dict[str, Figures]) -> None:
    ours = figures[OURS.name]
    print(f"{REQUESTS} requests on {CONNECTIONS} connections, one uvicorn process, medians of {ROUNDS} rounds in turns")
    print("| | CPU a request | requests a second | p99 | throughput, Throughline = 1 |")
    print("| --- | --- | --- | --- | --- |")
    for name, one in figures.items():
        share = one.per_second / ours.per_second
        print(f"| {name} | {one.cpu_ms:.2f} ms | {one.per_second:,.0f} | {one.p99_ms:.1f} ms | {share:.2f} |")


def _judge(figures: dict[str, Figures], p99_ms: float) -> None:
    """All marks are told before the first that is missed ends the bench with an error."""
    missed = False
    for ours, other, least in MARKS:
        ratio = figures[ours.name].per_second / figures[other.name].per_second
        missed |= ratio < least
        print(f"{'ok  ' if ratio >= least else 'MISS'} {ours.name} / {other.name}: {ratio:.2f} (mark ≥ {least:g})")
    missed |= p99_ms > MOST_P99_MS
    print(f"{'MISS' if p99_ms > MOST_P99_MS else 'ok  '} p99 through NGINX: {p99_ms:.1f} ms (mark ≤ {MOST_P99_MS:g})")
    if missed:
        sys.exit(1)


if __name__ == "__main__":
    main()
