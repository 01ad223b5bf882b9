"""What one worker adds to each task, beside plain Celery: tasks a second, CPU time, round trips, pick-up when idle."""

import statistics
from contextlib import ExitStack
from typing import Any, Final

from tests.bench.running_worker import Contender, Drain, Worker, running

MODULES: Final = "risk,tests.bench.rivals.noop_task"
ROUNDS: Final = 5
TASKS: Final = 600
PICK_UPS: Final = 60
OURS: Final = "**Throughline, everything on**"
LATE: Final = "Celery, acks_late and prefetch 1"
PLAIN: Final = "tests.bench.rivals.plain_worker"
CONTENDERS: Final = [
    Contender(OURS, "worker.app", {}, is_ours=True),
    Contender(LATE, PLAIN, {"ACKS_LATE": "1"}),
    Contender("Celery's defaults", PLAIN, {}),
]
POSITIONS: Final = [{"symbol": "AAPL", "quantity": 100, "price": 150.0}]
WORK: Final[dict[str, tuple[str, Any]]] = {
    "a task that does nothing": ("noop", {}),
    "`calculate_var`, 1,000 simulations": ("calculate_var", {"positions": POSITIONS, "simulations": 1_000}),
}


def main() -> None:
    with ExitStack() as stack:
        workers = {each.name: stack.enter_context(running(each, MODULES)) for each in CONTENDERS}
        for name, (task, data) in WORK.items():
            _print_drains(name, _drains(workers, task, data))
        _print_pick_ups(workers)


def _drains(workers: dict[str, Worker], task: str, data: Any) -> dict[str, list[Drain]]:
    """In turns: the machine's moods meet all of them."""
    found: dict[str, list[Drain]] = {name: [] for name in workers}
    for _ in range(ROUNDS):
        for name, worker in workers.items():
            found[name].append(worker.drain(task, data, TASKS))
    return found


def _print_drains(what: str, found: dict[str, list[Drain]]) -> None:
    print(f"\nOne worker of two processes, {what}; medians of {ROUNDS} rounds of {TASKS} in turns")
    print("| | tasks a second | of acks_late's, round by round | CPU a task | Redis's CPU | round trips | commands |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, drains in found.items():
        ratio = statistics.median(
            one.per_second / late.per_second for one, late in zip(drains, found[LATE], strict=True)
        )
        one = Drain(*map(statistics.median, zip(*drains, strict=True)))
        print(
            f"| {name} | {one.per_second:,.0f} | {ratio:.2f} | {one.cpu_ms:.2f} ms | {one.redis_ms:.2f} ms"
            f" | {one.trips:.1f} | {one.commands:.0f} |"
        )


def _print_pick_ups(workers: dict[str, Worker]) -> None:
    found: dict[str, list[float]] = {name: [] for name in workers}
    for _ in range(ROUNDS):
        for name, worker in workers.items():
            found[name] += worker.pick_up(PICK_UPS // ROUNDS * 2)
    print("\nAn idle worker: from before the push to the start of the task's function")
    print("| | p50 | p99 |")
    print("| --- | --- | --- |")
    for name, each in found.items():
        print(f"| {name} | {statistics.median(each):.2f} ms | {statistics.quantiles(each, n=100)[98]:.2f} ms |")


if __name__ == "__main__":
    main()
