"""Every worker that has sent a heartbeat lately: what it is, what it runs, what it ran, and the latest deaths."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import orjson
from redis.asyncio import Redis

from throughline.ledger import clocks, keys
from throughline.ledger.clocks import HostClock
from throughline.ledger.deaths import Death
from throughline.ledger.message import Queue
from throughline.ledger.states import Status

OUTCOMES: Final = (Status.SUCCESS, Status.FAILURE, Status.RETRY, Status.REVOKED)
QUEUES: Final = tuple(map(str, Queue))
_OTHER_QUEUE: Final = "other"


@dataclass(frozen=True)
class Facts:
    """What a worker says of itself. Memory is resident, in bytes, and None where the system has no /proc."""

    version: str = ""
    memory: int | None = None  # its main process
    processes: tuple[tuple[int, int | None], ...] = ()  # the process that runs tasks, and its memory

    @classmethod
    def parse(cls, told: str | None) -> Self:
        """A worker of an earlier version says nothing."""
        facts: Mapping[str, Any] = orjson.loads(told) if told else {}
        return cls(
            version=str(facts.get("version", "")),
            memory=facts.get("memory"),
            processes=tuple((int(process), memory) for process, memory in facts.get("processes", ())),
        )

    def encode(self) -> str:
        return orjson.dumps({"version": self.version, "memory": self.memory, "processes": self.processes}).decode()

    @property
    def total_memory(self) -> int | None:
        """Pages that its processes share count once in each of them."""
        parts = (self.memory, *(memory for _, memory in self.processes))
        return sum(part for part in parts if part is not None) if self.memory is not None else None


@dataclass(frozen=True)
class HeldTask:
    """A task that a worker holds; `since` is None for one that it has taken and not started yet."""

    task_id: str
    task_type: str
    correlation_id: str
    caller: str
    since: float | None
    attempt: int | None


@dataclass(frozen=True)
class Runs:
    """How many runs of a worker ended, by queue and outcome, and how many of its processes were lost."""

    by_queue: Mapping[tuple[str, Status], int]
    lost: int = 0

    def count(self, *outcomes: Status, queue: str = "") -> int:
        """Of these outcomes, of all for none."""
        return sum(
            number
            for (of, outcome), number in self.by_queue.items()
            if (not outcomes or outcome in outcomes) and (not queue or of == queue)
        )


@dataclass(frozen=True)
class WorkerState:
    """One worker. Times are seconds since 1970 by Redis's clock."""

    name: str
    last_seen_at: float
    is_alive: bool
    started_at: float | None  # None for a worker of an earlier version
    stalled_since: float | None  # it lives and takes nothing, although tasks wait
    slots: int
    facts: Facts
    tasks: tuple[HeldTask, ...]
    runs: Runs

    @property
    def running(self) -> tuple[HeldTask, ...]:
        return tuple(task for task in self.tasks if task.since is not None)


@dataclass(frozen=True)
class Workers:
    """All of them by name, the latest deaths, newest first, and the time by Redis's clock; how far others' are off."""

    now: float
    workers: tuple[WorkerState, ...]
    deaths: tuple[Death, ...]
    clocks: tuple[HostClock, ...] = ()  # of NGINX, replicas and monitors too


async def take(redis: "Redis") -> Workers:
    """Two round trips; raises `RedisError` or `OSError` when Redis does not answer."""
    async with redis.pipeline(transaction=False) as pipe:
        pipe.time()
        pipe.zrange(keys.WORKERS, 0, -1, withscores=True)
        for key in (keys.WORKER_SLOTS, keys.WORKER_TASKS, keys.WORKER_STARTS, keys.WORKER_FACTS, keys.WORKER_RUNS):
            pipe.hgetall(key)
        pipe.hgetall(keys.SWEEP)
        pipe.lrange(keys.DEATHS, 0, -1)
        pipe.hgetall(keys.CLOCKS)
        (seconds, microseconds), beats, slots, held, starts, facts, runs, sweep, deaths, told = await pipe.execute()
    now, counted = seconds + microseconds / 1e6, runs_by_worker(runs)
    tasks = await _tasks(redis, {name: held.get(name, "").split() for name, _ in beats})
    workers = (
        WorkerState(
            name=name,
            last_seen_at=beat,
            is_alive=beat >= now - keys.WORKER_ALIVE_SECONDS,
            started_at=_seconds(orjson.loads(starts[name]).get("started_at")) if name in starts else None,
            stalled_since=_seconds(sweep.get(f"stalled:{name}")),
            slots=int(slots.get(name, "0").split()[0]),
            facts=Facts.parse(facts.get(name)),
            tasks=tasks[name],
            runs=counted.get(name, Runs({})),
        )
        for name, beat in sorted(beats)
    )
    return Workers(now, tuple(workers), tuple(map(Death.parse, deaths)), clocks.parsed(told, now))


def runs_by_worker(told: Mapping[str, str]) -> dict[str, Runs]:
    """From the hash of all workers' counts: a worker's name may hold blanks, a queue's does not."""
    counts: dict[str, dict[tuple[str, Status], int]] = {}
    lost: dict[str, int] = {}
    for field, value in told.items():
        name, _, outcome = field.rpartition(" ")
        if outcome == "lost":
            lost[name] = int(value)
            continue
        worker, _, queue = name.rpartition(" ")
        if outcome in OUTCOMES:
            counts.setdefault(worker, {})[queue if queue in QUEUES else _OTHER_QUEUE, Status(outcome)] = int(value)
    return {name: Runs(counts.get(name, {}), lost.get(name, 0)) for name in {*counts, *lost}}


async def _tasks(redis: "Redis", held: Mapping[str, list[str]]) -> dict[str, tuple[HeldTask, ...]]:
    wanted = [(worker, task_id) for worker, ids in held.items() for task_id in ids if keys.is_task_id(task_id)]
    found: dict[str, tuple[HeldTask, ...]] = dict.fromkeys(held, ())
    if not wanted:
        return found
    names = ("task_type", "correlation_id", "caller", "status", "worker", "started_at", "attempt")
    async with redis.pipeline(transaction=False) as pipe:
        for _, task_id in wanted:
            pipe.hmget(keys.task(task_id), *names)
        records = await pipe.execute()
    for (worker, task_id), record in zip(wanted, records, strict=True):
        task_type, correlation_id, caller, status, holder, started_at, attempt = record
        runs = status == Status.STARTED and holder == worker
        if status is None or (status == Status.STARTED and not runs) or Status(status).is_final:
            continue  # it has ended, or another worker runs it: the heartbeat is a moment old
        since, number = (float(started_at), int(attempt)) if runs else (None, None)
        task = HeldTask(task_id, task_type or "", correlation_id or "", caller or "", since, number)
        found[worker] = (*found[worker], task)
    return found


def _seconds(value: Any) -> float | None:
    return float(value) if value else None
