"""Faults in combination, and races: `make chaos ROWS=all` adds them to faults.py's. All can use the same nine."""

from functools import partial
from typing import Final

from tests.chaos.faults import Fault
from tests.chaos.races import (
    cancelled_while_put_back,
    cancelled_within,
    older_copy_of_redis,
    one_key,
    replayed_and_cancelled,
    replayed_at_once,
)
from tests.chaos.steps import (
    REPLICAS,
    WORKERS,
    after,
    freeze,
    history_away,
    in_order,
    kill,
    kill_processes_of,
    kill_some_processes,
    restart,
    stop,
    together,
)

ENVIRONMENT: Final = {"TASK_MODULES": "risk,tests.chaos.tasks"}
_combined = partial(Fault, environment=ENVIRONMENT)
_race = partial(Fault, environment=ENVIRONMENT, long_tasks=0)

_OF_WORKERS: Final = [
    _combined("all workers are killed at once", kill(*WORKERS)),
    _combined("all workers are killed, and again as soon as they are back", in_order(kill(*WORKERS), kill(*WORKERS))),
    _combined("all workers are frozen for 18 s", freeze(18, *WORKERS)),
    _combined("all processes that run tasks are killed at once", kill_processes_of(*WORKERS)),
    # A task that has been lost with three of them is a dead letter.
    _combined("30 processes are killed at random moments", kill_some_processes(30), dead_letters=None),
    _combined(
        "worker-1 is killed while worker-2 is frozen for 18 s",
        together(freeze(18, "worker-2"), after(3, kill("worker-1"))),
    ),
    _combined(
        "a worker that has just been told to stop is killed",
        together(stop(1, "worker-2"), after(0.5, kill_processes_of("worker-2"))),
    ),
    _combined(
        "all workers are stopped for 3 s while processes are killed",
        together(stop(3, *WORKERS), kill_some_processes(2)),
    ),
]
_OF_REDIS: Final = [
    _combined("Redis and all workers are killed at once", kill("redis", *WORKERS)),
    _combined("Redis is killed, 0.3 s later worker-2", in_order(kill("redis"), kill("worker-2"), pause=0.3)),
    _combined("worker-2 is killed, 0.3 s later Redis", in_order(kill("worker-2"), kill("redis"), pause=0.3)),
    _combined("Redis is killed three times, 3 s apart", in_order(*[kill("redis")] * 3, pause=3)),
    _combined(
        "worker-2 is killed while Redis is frozen for 12 s", together(freeze(12, "redis"), after(3, kill("worker-2")))
    ),
    _combined(
        "all workers are frozen for 18 s, Redis is killed meanwhile",
        together(freeze(18, *WORKERS), after(4, kill("redis"))),
    ),
    _combined("Redis and the monitor are killed at once", kill("redis", "monitor")),
    _combined("Redis and all replicas are killed at once", kill("redis", *REPLICAS)),
    _combined(
        "Redis stops for 8 s, the monitor is killed meanwhile", together(stop(8, "redis"), after(3, kill("monitor")))
    ),
    _combined("an older copy of Redis's files takes their place", older_copy_of_redis),
]
_OF_THE_FRONT: Final = [
    _combined("all replicas are killed at once", kill(*REPLICAS)),
    _combined("two replicas are frozen for 12 s", freeze(12, "fastapi-1", "fastapi-3")),
    _combined(
        "a replica is killed while another is frozen for 12 s",
        together(freeze(12, "fastapi-1"), after(2, kill("fastapi-2"))),
    ),
    _combined("a replica and worker-2 are killed at once", kill("fastapi-2", "worker-2")),
    _combined("a replica is killed while NGINX stops for 3 s", together(stop(3, "nginx"), after(1, kill("fastapi-2")))),
    _combined("everything but NGINX is killed at once", kill("redis", "monitor", *REPLICAS, *WORKERS)),
]
_OF_THE_MONITOR: Final = [
    _combined("worker-2 and the monitor are killed at once", kill("worker-2", "monitor")),
    _combined(
        "the monitor is frozen for 12 s, worker-2 is killed meanwhile",
        together(freeze(12, "monitor"), after(2, kill("worker-2"))),
    ),
    _combined(
        "the history is away for 12 s, worker-2 is killed meanwhile",
        together(history_away(12), after(1, kill("worker-2"))),
    ),
    _combined(
        "the history is away for 12 s, the monitor is killed meanwhile",
        together(history_away(12), after(3, kill("monitor"))),
    ),
    _combined(
        "the history is away for 12 s, Redis is killed meanwhile", together(history_away(12), after(3, kill("redis")))
    ),
]
_OF_RESTARTS: Final = [
    _combined("Redis is killed during a rolling restart", together(restart(), after(8, kill("redis")))),
    _combined(
        "Redis is killed while the workers restart one by one",
        together(restart(*WORKERS), after(4, kill("redis"))),
    ),
    _combined(
        "Redis is frozen for 5 s while the replicas restart one by one",
        together(restart(*REPLICAS), after(2, freeze(5, "redis"))),
    ),
    _combined(
        "worker-2 is killed while worker-1 restarts", together(restart("worker-1"), after(0.5, kill("worker-2")))
    ),
    _combined(
        "a replica is killed while another restarts", together(restart("fastapi-1"), after(1, kill("fastapi-2")))
    ),
]
_RACES: Final = [
    _race("200 tasks are cancelled as they start", cancelled_within(0.03, 200, takes=0.5)),
    _race("400 tasks are cancelled as they end", cancelled_within(0.1, 400, takes=0.05)),
    _race("40 tasks are cancelled around their retry", cancelled_within(2.5, 40, fails=1)),
    _race("tasks are cancelled while they are put back", cancelled_while_put_back),
    _race("a dead letter is replayed by four at once", replayed_at_once),
    _race("ten dead letters are replayed and cancelled at once", replayed_and_cancelled),
    _combined("one key by 40 clients, a replica is killed", one_key(kill("fastapi-2"))),
    _combined("one key by 40 clients, Redis is killed", one_key(kill("redis"))),
    _combined("one key by 40 clients, all replicas are killed", one_key(kill(*REPLICAS))),
]
ALL: Final = [*_OF_WORKERS, *_OF_REDIS, *_OF_THE_FRONT, *_OF_THE_MONITOR, *_OF_RESTARTS, *_RACES]
