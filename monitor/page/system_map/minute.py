"""What the ledger counted within the last minute: runs and waits of each queue, runs of each worker."""

import asyncio
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from throughline.ledger import counts, keys
from throughline.ledger.counts import Counts, Durations
from throughline.ledger.states import Status
from throughline.ledger.workers import Runs, runs_by_worker

SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 5.0


@dataclass(frozen=True)
class Flow:
    """Runs that ended, and failed, between two looks; and how long those had waited."""

    seconds: float = 0.0
    runs: int = 0
    failed: int = 0
    waits: Durations = field(default_factory=Durations)

    @property
    def per_second(self) -> float:
        return self.runs / self.seconds if self.seconds else 0.0


@dataclass(frozen=True)
class Minute:
    """The flows, by queue and by worker; `seconds` is less than a minute just after the monitor's start."""

    seconds: float
    queues: Mapping[str, Flow]
    workers: Mapping[str, Flow]


@dataclass(frozen=True)
class Look:
    """What was counted at one moment."""

    counts: Counts
    workers: Mapping[str, Runs]


def between(earlier: Look, later: Look) -> Minute:
    """One that started again meanwhile is counted from 0: all of it is of then."""
    rise = later.counts.since(earlier.counts)
    waits = counts.grouped(rise.waited, lambda each: each.queue)
    failed: dict[str, int] = {}
    flows: dict[str, Flow] = {}
    for name, now in later.workers.items():
        before = earlier.workers.get(name, Runs({}))
        if now.count() < before.count():
            before = Runs({})
        bad = now.count(Status.FAILURE) - before.count(Status.FAILURE)
        flows[name] = Flow(rise.seconds, now.count() - before.count(), bad)
        for queue in waits:
            more = now.count(Status.FAILURE, queue=str(queue)) - before.count(Status.FAILURE, queue=str(queue))
            failed[str(queue)] = failed.get(str(queue), 0) + more
    queues = {
        str(queue): Flow(rise.seconds, each.count, failed.get(str(queue), 0), each) for queue, each in waits.items()
    }
    return Minute(rise.seconds, queues, flows)


class Watch:
    """Looks every few seconds, and remembers a minute."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis
        self._looks: deque[Look] = deque()

    def minute(self) -> Minute:
        """As of the latest look."""
        if len(self._looks) < 2:
            return Minute(0.0, {}, {})
        return between(self._looks[0], self._looks[-1])

    async def go_on(self) -> None:
        """For ever; while Redis does not answer, the latest look stays the latest."""
        while True:
            with suppress(RedisError, OSError):
                now = await self._look()
                self._looks.append(now)
                while len(self._looks) > 2 and now.counts.seconds - self._looks[1].counts.seconds >= SECONDS:
                    self._looks.popleft()
            await asyncio.sleep(_LOOK_SECONDS)

    async def _look(self) -> Look:
        runs: Any = await self._redis.hgetall(keys.WORKER_RUNS)
        return Look(await counts.read(self._redis), runs_by_worker(runs))
