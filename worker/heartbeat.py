"""Tells Redis that this worker lives, what it is and which tasks it holds: what /health, the sweep and the pages go by.

Every two seconds, and within a fifth of one when the tasks are others, since what counts as free is promised to
clients, or when it has lost a process.

In a thread of its own: the main loop stands still while it waits for Redis, or for its tasks when it is told to stop,
and a worker that is about to finish its tasks must not be taken for dead.
"""

import os
import threading
import time
import uuid
from contextlib import suppress
from typing import Any, Final

from celery import Celery
from celery.signals import worker_ready, worker_shutdown
from celery.worker import state
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from throughline.ledger import redis_clock, scripts
from throughline.ledger.clock_watch import ClockWatch
from throughline.ledger.deaths import DeathCause, death_cause
from throughline.ledger.scripts import Ledger
from throughline.ledger.workers import Facts
from throughline.settings import WorkerSettings
from throughline.telemetry.descriptors import Descriptors
from throughline.telemetry.logging import event, node_name
from worker import lost_processes, memory
from worker.presence import Presence

_EVERY_SECONDS: Final = 2.0
_LOOK_SECONDS: Final = 0.2

_threads: Final[list[threading.Thread]] = []


def install(_: Celery, settings: WorkerSettings) -> None:
    name = node_name("worker", settings)
    client = Redis.from_url(settings.redis_url, socket_timeout=2, socket_connect_timeout=2, retry=Retry(NoBackoff(), 0))
    ledger, ended, own = Ledger(client), threading.Event(), _Own(settings)
    presence, watch = Presence(ledger, name, settings.service_version), ClockWatch("worker", name)
    free = Descriptors()

    def beat(said: str = "") -> str:
        """Answers which tasks it said."""
        free.look()
        # RuntimeError: the main loop took a task in this very moment; the next beat includes it.
        with suppress(RedisError, OSError, RuntimeError):  # the broker connection notices too, and logs it
            redis_clock.own.look(client)
            watch.look_at(redis_clock.own)
            held, lost = _held(), tuple(lost_processes.untold)
            killed = ledger(
                scripts.beat(
                    name,
                    slots=settings.worker_concurrency,
                    held=held,
                    instance=own.instance,
                    facts=own.facts(),
                    lost=[each.encode() for each in lost],
                )
            )
            for _ in lost:
                lost_processes.untold.popleft()
            if killed:
                _tell_killed(name)
            presence.tell()
            return held
        return said

    def beat_on() -> None:
        said, due = "", 0.0
        while not ended.wait(_LOOK_SECONDS):
            with suppress(RuntimeError):
                if time.monotonic() >= due or _held() != said or lost_processes.untold:
                    said, due = beat(said), time.monotonic() + _EVERY_SECONDS

    def begin(sender: Any, **_: Any) -> None:
        own.pool = getattr(sender.pool, "_pool", None)
        beat()
        thread = threading.Thread(target=beat_on, name="heartbeat", daemon=True)
        thread.start()
        _threads.append(thread)

    def leave(**_: Any) -> None:
        ended.set()
        with suppress(RedisError, OSError):  # without it, the sweep removes the worker later
            ledger(scripts.leave(name))

    worker_ready.connect(begin, weak=False)
    worker_shutdown.connect(leave, weak=False)


def has_ended() -> bool:
    """Whether this worker began to send heartbeats and sends none any more: its tasks are then run by others too."""
    return any(not thread.is_alive() for thread in _threads)


class _Own:
    """What a worker says of itself."""

    def __init__(self, settings: WorkerSettings) -> None:
        self.instance = uuid.uuid4().hex
        self.pool: Any = None  # none of processes: it runs its tasks itself
        self._version = settings.service_version

    def facts(self) -> str:
        processes = tuple(process.pid for process in tuple(getattr(self.pool, "_pool", ())))
        memories = tuple((process, memory.resident(process)) for process in processes if process)
        return Facts(self._version, memory.resident(os.getpid()), memories).encode()


def _tell_killed(name: str) -> None:
    """The one of this name before."""
    why = death_cause(DeathCause.RESTARTED, None)
    event("worker.lost", f"{name} {why}", {"worker": name, "cause": why})


def _held() -> str:
    return " ".join(sorted(request.id for request in tuple(state.reserved_requests)))
