"""What surrounds the ledger: a clock, workers with their processes, and what kombu does with messages in Redis."""

import json
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import redis

from throughline.ledger import keys, scripts
from throughline.ledger.message import Queue
from throughline.ledger.scripts import Ledger

LIFETIME = 7 * 24 * 3600  # of a record, on the test's clock
KEY_LIFETIME = 300  # of an idempotency key
VISIBILITY_SECONDS = 180  # after which kombu gives back what nobody acknowledged


class Named:
    """Is told by its `repr` in the steps that Hypothesis prints."""

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        printer.text(repr(self))


class Clock:
    """The time that the scripts are told: a little later at each look, so that no two changes have the same."""

    BEGIN = 1_700_000_000.0

    def __init__(self) -> None:
        self.now = self.BEGIN

    def __call__(self) -> float:
        self.now += 0.001
        return self.now

    @property
    def elapsed(self) -> int:
        """Rounded to ten seconds: lifetimes are told apart by no less, since Redis's own clock goes on as well."""
        return round((self.now - self.BEGIN) / 10) * 10

    def lifetime(self, seconds: int) -> int:
        """Redis lets keys expire by its own clock. A longer lifetime the later a key is set makes them comparable."""
        return seconds + self.elapsed


@dataclass(eq=False)
class Delivery(Named):
    """A message in the hands of a worker: `process` and `attempt` once a process of the worker has claimed its task."""

    task_id: str
    tag: str
    worker: "Worker"
    envelope: bool = True  # it has the front door's headers
    process: int = 0
    attempt: int = 0
    stored: bool = False  # its end is told, its message not acknowledged yet

    def __repr__(self) -> str:
        process = f" (process {self.process}, attempt {self.attempt})" if self.attempt else ""
        return f"<{self.task_id} on {self.worker.name}{process}>"


@dataclass(eq=False)
class Worker(Named):
    """One worker: up or killed, awake or frozen, and what it held at its last heartbeat."""

    name: str
    slots: int = 2
    up: bool = False
    frozen: bool = False
    deliveries: list[Delivery] = field(default_factory=list)
    said: frozenset[str] = frozenset()
    beat_at: float | None = None
    processes: "count[int]" = field(default_factory=lambda: count(1))

    def __repr__(self) -> str:
        return self.name

    @property
    def acts(self) -> bool:
        return self.up and not self.frozen

    @property
    def held(self) -> frozenset[str]:
        return frozenset(delivery.task_id for delivery in self.deliveries)

    def beats(self, now: float) -> bool:
        """Whether its last heartbeat counts."""
        return self.beat_at is not None and self.beat_at > now - keys.WORKER_ALIVE_SECONDS


class Kombu:
    """Takes messages by our script; acknowledges them and gives them back as kombu does: kombu/transport/redis.py."""

    def __init__(self, client: "redis.Redis", clock: Clock) -> None:
        self._redis, self._clock, self._ledger = client, clock, Ledger(client)

    def take(self, worker: Worker) -> Delivery | None:
        """The next message in strict order."""
        taken = self._ledger(scripts.take(1, queues=Queue, acknowledged=[], taken_at=self._clock.now))
        if not taken:
            return None
        payload = json.loads(taken[0][1])
        tag = payload["properties"]["delivery_tag"]
        delivery = Delivery(payload["headers"]["id"], tag, worker, "envelope" in payload["headers"])
        worker.deliveries.append(delivery)
        return delivery

    def lose(self) -> None:
        """A worker is killed after it took a message, and before it noted that."""
        next(filter(None, map(self._redis.rpop, Queue)), None)

    def acknowledge(self, delivery: Delivery) -> None:
        delivery.worker.deliveries.remove(delivery)
        self._forget(delivery.tag)

    def give_back(self, delivery: Delivery, *, at_its_end: bool) -> None:
        """`at_its_end`: behind all others in its queue."""
        delivery.worker.deliveries.remove(delivery)
        self._restore(delivery.tag, at_its_end)

    def give_back_what_nobody_acknowledged(self) -> None:
        """For long, whoever has it; any worker does so now and then."""
        for tag in self._redis.zrange(keys.CELERY_UNACKED_INDEX, 0, self._clock.now - VISIBILITY_SECONDS, byscore=True):
            self._restore(str(tag), at_its_end=False)

    def _forget(self, tag: str) -> None:
        self._redis.zrem(keys.CELERY_UNACKED_INDEX, tag)
        self._redis.hdel(keys.CELERY_UNACKED, tag)

    def _restore(self, tag: str, at_its_end: bool) -> None:
        noted = self._redis.hget(keys.CELERY_UNACKED, tag)
        self._forget(tag)
        if noted:
            payload, _, queue = json.loads(str(noted))
            payload["headers"]["redelivered"] = payload["properties"]["delivery_info"]["redelivered"] = True
            (self._redis.lpush if at_its_end else self._redis.rpush)(queue, json.dumps(payload))
