"""Every change of a `tl:` key, one function each: it names keys and arguments, a `Ledger` or `AsyncLedger` runs it.

ledger = Ledger(redis)
ledger(scripts.cancel(task_id, queue="high", ttl=604_800))
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from throughline.ledger import keys
from throughline.ledger.answers import Claim, HandedBack, Health, Stored, Swept
from throughline.ledger.message import Queue
from throughline.ledger.script import AsyncLedger, Call, Ledger, T, load
from throughline.ledger.states import Reason, Status
from throughline.ledger.submission import Decision, Limits, Submission

__all__ = ["AsyncLedger", "Ledger"]

# What a script's header calls its keys.
_FIXED: Final = {
    "breaker": keys.BREAKER,
    "memory": keys.MEMORY,
    "health": keys.HEALTH,
    "workers": keys.WORKERS,
    "worker_slots": keys.WORKER_SLOTS,
    "worker_tasks": keys.WORKER_TASKS,
    "drain": keys.DRAIN,
    "promises": keys.PROMISES,
    "finished": keys.FINISHED,
    "open": keys.OPEN,
    "delayed": keys.DELAYED,
    "dead_letters": keys.DEAD_LETTERS,
    "missing": keys.MISSING,
    "sweep": keys.SWEEP,
    "unacked": keys.CELERY_UNACKED,
    "unacked_index": keys.CELERY_UNACKED_INDEX,
    "high": Queue.HIGH.value,
    "medium": Queue.MEDIUM.value,
    "low": Queue.LOW.value,
}
_OF_TASK: Final = {
    "record": keys.task,
    "attempts": keys.attempts,
    "changes": keys.changes,
    "message": keys.message,
    "result": keys.celery_result,
}


def _call(
    name: str,
    read: Callable[[Any], T],
    args: Mapping[str, Any],
    *,
    task_id: str = "",
    refused: Callable[[], T] | None = None,
    own_keys: Mapping[str, str] = MappingProxyType({}),
) -> Call[T]:
    script = load(name)
    found = [
        own_keys[key] if key in own_keys else _FIXED[key] if key in _FIXED else _OF_TASK[key](task_id)
        for key in script.keys
    ]
    return Call(script, found, args, read, refused, task_id)


def _nothing(_: Any) -> None:
    return None


# The front door.


def submit(task: Submission, limits: Limits) -> Call[Decision]:
    """Decides on a submission and, if it is taken, records and enqueues it."""
    args = {
        "max_depth": limits.max_depth,
        "close_depth": limits.close_depth,
        "open_seconds": limits.open_seconds,
        "memory_percent": limits.memory_percent,
        "ttl": limits.ttl,
        "task_id": task.task_id,
        "message": task.message,
        "payload_hash": task.payload_hash,
        "idempotency_ttl": limits.idempotency_ttl,
        "alive_seconds": keys.WORKER_ALIVE_SECONDS,
        "fields": task.record,
    }
    own = {"queue": task.queue, "index": keys.correlation(task.correlation_id), "idempotency": task.idempotency_key}
    return _call("front_door", Decision.of, args, task_id=task.task_id, own_keys=own)


def close_circuit() -> Call[None]:
    """Closes the circuit breaker."""
    return _call("close_circuit", _nothing, {})


def look_at_memory(*, memory_percent: float) -> Call[str | None]:
    """Answers full or freed when new tasks begin or cease to be refused for want of memory."""
    return _call("look_at_memory", lambda change: change, {"memory_percent": memory_percent})


def health(*, memory_percent: float) -> Call[Health]:
    """Whether a task could be taken now; a Redis that takes no write answers with an error."""
    args = {"memory_percent": memory_percent, "alive_seconds": keys.WORKER_ALIVE_SECONDS}
    return _call("health", Health.of, args)


# What a client asks of a task that exists.


def position(task_id: str, *, queue: str) -> Call[int | None]:
    """How many tasks of its queue start before this one, itself included; None when it does not wait there."""
    return _call("position", lambda place: place, {"task_id": task_id}, task_id=task_id, own_keys={"queue": queue})


def cancel(task_id: str, *, queue: str, ttl: int, celery_result: bytes, requested_by: str) -> Call[str]:
    """Answers unknown, finished, cancelled (it will never start) or cancelling (a worker holds it)."""
    args = {"task_id": task_id, "ttl": ttl, "celery_result": celery_result, "requested_by": requested_by or "unknown"}
    return _call("cancel", str, args, task_id=task_id, own_keys={"queue": queue}, refused=lambda: "finished")


def replay(task_id: str, *, queue: str, ttl: int, requested_by: str) -> Call[bool]:
    """Puts a dead letter back into its queue with all its deliveries and retries; False for any other task."""
    args = {"task_id": task_id, "ttl": ttl, "requested_by": requested_by or "unknown"}
    return _call("replay", bool, args, task_id=task_id, own_keys={"queue": queue}, refused=lambda: False)


# What a worker says of a task.


@dataclass(frozen=True)
class Starter:
    """A worker process that is about to run a task, and what there is to record of a task that nobody submitted."""

    worker: str
    process: int
    queue: str
    record: Mapping[str, str]


def received(task_id: str, *, ttl: int, record: Mapping[str, str]) -> Call[Status]:
    """A message that was sent past the front door: its task is PENDING from now on, or what it was already."""
    index = keys.correlation(record["correlation_id"])
    return _call(
        "received",
        Status,
        {"task_id": task_id, "ttl": ttl, "fields": record},
        task_id=task_id,
        own_keys={"index": index},
    )


def claim(
    task_id: str, starter: Starter, *, ttl: int, max_deliveries: int, celery_started: str, celery_dead: str
) -> Call[Claim]:
    """Records that the process starts the task, or says why it must not."""
    args = {
        "task_id": task_id,
        "celery_started": celery_started,
        "ttl": ttl,
        "worker": starter.worker,
        "process": starter.process,
        "queue": starter.queue,
        "max_deliveries": max_deliveries,
        "celery_dead": celery_dead,
        "alive_seconds": keys.WORKER_ALIVE_SECONDS,
        "fields": starter.record,
    }
    index = keys.correlation(starter.record["correlation_id"])
    return _call("claim", Claim.of, args, task_id=task_id, own_keys={"index": index}, refused=lambda: Claim("running"))


def store(
    task_id: str,
    state: str,
    reason: Reason,
    *,
    celery_result: str,
    ttl: int,
    worker: str,
    record: Mapping[str, str],
    attempt: str = "",
    error_class: str = "",
) -> Call[Stored]:
    """Stores a task's new state, unless it has ended or `attempt` is no longer the one that counts.

    `attempt` is empty when another process than the one that ran it speaks: its worker's main process, or whoever ends
    a task that never started.
    """
    args = {
        "state": state,
        "reason": reason,
        "celery_result": celery_result,
        "ttl": ttl,
        "task_id": task_id,
        "attempt": attempt,
        "worker": worker,
        "error_class": error_class,
        "fields": record,
    }
    index = keys.correlation(record["correlation_id"])
    return _call(
        "store", Stored.of, args, task_id=task_id, own_keys={"index": index}, refused=lambda: Stored(stored=False)
    )


def retry(
    task_id: str,
    *,
    attempt: str,
    error_class: str,
    delay: float,
    max_retries: int,
    ttl: int,
    celery_retry: str,
    celery_failure: str,
) -> Call[str]:
    """Answers retry, dead, late or unstored: see retry.lua."""
    args = {
        "task_id": task_id,
        "attempt": attempt,
        "error_class": error_class,
        "delay": delay,
        "max_retries": max_retries,
        "ttl": ttl,
        "celery_retry": celery_retry,
        "celery_failure": celery_failure,
    }
    return _call("retry", str, args, task_id=task_id, refused=lambda: "late")


def hand_back(task_id: str, *, worker: str, reason: Reason) -> Call[HandedBack]:
    """The worker gives up a task that it holds: HANDED_BACK, since it stops, or LOST_PROCESS."""
    args = {"worker": worker, "reason": reason}
    return _call("hand_back", HandedBack.of, args, task_id=task_id, refused=lambda: HandedBack("not_held"))


def progress(task_id: str, told: bytes) -> Call[str | None]:
    """Stores how far a running task is; answers which request (its correlation ID) asked it to stop, if one did."""
    return _call("progress", lambda asked: asked, {"progress": told}, task_id=task_id)


def beat(worker: str, *, slots: int, held: str) -> Call[None]:
    """The worker lives and holds the tasks of these IDs, divided by blanks."""
    return _call("beat", _nothing, {"worker": worker, "slots": slots, "held": held})


def leave(worker: str) -> Call[None]:
    """The worker has stopped."""
    return _call("leave", _nothing, {"worker": worker})


# The monitor.


def sweep(
    *, missing_seconds: float, grace_seconds: float, stalled_seconds: float, forget_seconds: float
) -> Call[list[Swept]]:
    """Puts back what is nowhere and what is due: see sweep.lua."""
    prefix = keys.task("")
    args = {
        "alive_seconds": keys.WORKER_ALIVE_SECONDS,
        "missing_seconds": missing_seconds,
        "grace_seconds": grace_seconds,
        "stalled_seconds": stalled_seconds,
        "forget_seconds": forget_seconds,
        "record_prefix": prefix,
        "attempts_suffix": keys.attempts("").removeprefix(prefix),
        "message_suffix": keys.message("").removeprefix(prefix),
        "changes_suffix": keys.changes("").removeprefix(prefix),
    }
    return _call("sweep", lambda lines: [Swept.of(line) for line in lines], args)
