"""One look at the queues, the workers and the circuit breaker, in one round trip and by Redis's clock."""

import json
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from redis.asyncio import Redis

from throughline.ledger import keys
from throughline.ledger.counts import NOTHING, Counts
from throughline.ledger.message import PUBLISHED_AT, Queue, time_of_publication

CIRCUIT_STATES: Final = ("closed", "open", "half_open")
PROMISE_ERRORS: Final = ("under_0.1_s", "under_1_s", "under_10_s", "over_10_s")  # as claim.lua has them


@dataclass(frozen=True)
class Sample:
    """What was seen. Ages are in seconds and zero for an empty queue."""

    depth: dict[Queue, int]
    oldest_age: dict[Queue, float]
    in_flight: int  # tasks that live workers hold, as of their last heartbeats
    workers: tuple[str, ...]
    circuit: str  # closed, open or half_open
    transitions: dict[str, int]  # how often the circuit breaker went into each state, ever
    gaps: dict[Queue, float | None]  # seconds between two starts from the queue while tasks wait in it
    promises: dict[str, float]  # how far estimated starts were off: counts by class, and seconds in sum
    dead_letters: int = 0
    memory_used: int = 0  # bytes, as Redis compares them with its maxmemory
    memory_limit: int = 0  # that maxmemory; 0 for none
    memory_full: bool = False  # new tasks are refused
    counts: Counts = NOTHING  # every end of a run and of a task
    slots: int = 0  # processes of live workers, and so tasks that may run at a time

    @property
    def waiting(self) -> int:
        return sum(self.depth.values())

    @property
    def outstanding(self) -> int:
        """What there is to do now. A task whose retry is not due is not part of it: it needs no process until then."""
        return self.waiting + self.in_flight

    def fields(self) -> dict[str, Any]:
        """As the fields of a `queue.sampled` line."""
        return {
            **{f"queue.depth.{queue}": depth for queue, depth in self.depth.items()},
            "queue.depth.total": self.waiting,
            "queue.oldest_age_seconds": max(self.oldest_age.values()),
            "tasks.in_flight": self.in_flight,
            "workers.alive": len(self.workers),
            "circuit.state": self.circuit,
            "redis.memory.used_bytes": self.memory_used,
            "redis.memory.limit_bytes": self.memory_limit,
        }


async def take(redis: "Redis") -> Sample:
    """Samples; raises `RedisError` or `OSError` when Redis does not answer."""
    async with redis.pipeline(transaction=False) as pipe:
        pipe.time()
        pipe.hgetall(keys.BREAKER)
        pipe.hgetall(keys.WORKER_TASKS)
        pipe.hgetall(keys.WORKER_SLOTS)
        pipe.zrange(keys.WORKERS, 0, -1, withscores=True)
        pipe.hgetall(keys.DRAIN)
        pipe.hgetall(keys.PROMISES)
        pipe.hgetall(keys.COUNTS)
        pipe.zcard(keys.DEAD_LETTERS)
        pipe.info("memory")
        pipe.hexists(keys.MEMORY, "since")
        for queue in Queue:
            pipe.llen(queue)
            pipe.lindex(queue, -1)  # workers take from this end: the oldest message
        (
            (seconds, microseconds),
            breaker,
            held,
            slots,
            heartbeats,
            drain,
            promises,
            counts,
            dead,
            memory,
            full,
            *queues,
        ) = await pipe.execute()
    now = seconds + microseconds / 1e6
    alive = sorted(name for name, beat in heartbeats if beat >= now - keys.WORKER_ALIVE_SECONDS)
    return Sample(
        depth=dict(zip(Queue, queues[::2], strict=True)),
        oldest_age={queue: _age(message, now) for queue, message in zip(Queue, queues[1::2], strict=True)},
        in_flight=sum(len(held.get(name, "").split()) for name in alive),
        workers=tuple(alive),
        circuit=_circuit_state(breaker, now),
        transitions={state: int(breaker.get(f"count:{state}", 0)) for state in CIRCUIT_STATES},
        gaps={queue: float(drain[queue]) if queue in drain else None for queue in Queue},
        promises={name: float(value) for name, value in promises.items()},
        dead_letters=dead,
        counts=Counts.parse(counts, now),
        memory_used=memory["used_memory"] - memory["mem_not_counted_for_evict"],
        memory_limit=memory["maxmemory"],
        memory_full=bool(full),
        slots=sum(int(slots.get(name, "0").split()[0]) for name in alive),
    )


def _age(message: str | None, now: float) -> float:
    if message is None:
        return 0.0
    with suppress(ValueError, LookupError, TypeError):  # a message that no client of ours has written
        headers = json.loads(message)["headers"]  # unlike orjson it reads the NaN that Celery may write
        published_at = time_of_publication(headers[PUBLISHED_AT], now)
        return round(max(0.0, now - published_at), 3) if published_at else 0.0
    return 0.0


def _circuit_state(breaker: dict[str, str], now: float) -> str:
    """Half open is an open circuit breaker whose wait is over: the next request is the probe."""
    state = breaker.get("state", "closed")
    return "half_open" if state == "open" and now >= float(breaker["until"]) else state
