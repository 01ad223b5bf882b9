"""Every change of a `tl:` key, one function each: it names keys and arguments, a `Ledger` or `AsyncLedger` runs it.

ledger = Ledger(redis)
ledger(scripts.cancel(task_id, queue="high", ttl=604_800))
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from throughline.ledger import keys
from throughline.ledger.message import Queue
from throughline.ledger.script import AsyncLedger, Call, Ledger, T, load
from throughline.ledger.submission import Decision, Limits, Submission

__all__ = ["AsyncLedger", "Ledger"]

# What a script's header calls its keys.
_FIXED: Final = {
    "breaker": keys.BREAKER,
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
    "message": keys.message,
    "result": keys.celery_result,
}


def _call(
    name: str, read: Callable[[Any], T], args: Mapping[str, Any], *, task_id: str = "", **own_keys: str
) -> Call[T]:
    script = load(name)
    found = [
        own_keys[key] if key in own_keys else _FIXED[key] if key in _FIXED else _OF_TASK[key](task_id)
        for key in script.keys
    ]
    return Call(script, found, args, read)


def _nothing(_: Any) -> None:
    return None


def submit(task: Submission, limits: Limits) -> Call[Decision]:
    """Decides on a submission and, if it is taken, records and enqueues it."""
    args = {
        "max_depth": limits.max_depth,
        "close_depth": limits.close_depth,
        "open_seconds": limits.open_seconds,
        "ttl": limits.ttl,
        "task_id": task.task_id,
        "message": task.message,
        "payload_hash": task.payload_hash,
        "idempotency_ttl": limits.idempotency_ttl,
        "alive_seconds": keys.WORKER_ALIVE_SECONDS,
        "fields": task.record,
    }
    own = {"queue": task.queue, "index": keys.correlation(task.correlation_id), "idempotency": task.idempotency_key}
    return _call("front_door", Decision.of, args, task_id=task.task_id, **own)


def cancel(task_id: str, *, queue: str, ttl: int, celery_result: bytes) -> Call[str]:
    """Answers unknown, finished, cancelled (it will never start) or cancelling (a worker holds it)."""
    args = {"task_id": task_id, "ttl": ttl, "celery_result": celery_result}
    return _call("cancel", str, args, task_id=task_id, queue=queue)


def replay(task_id: str, *, queue: str, ttl: int) -> Call[bool]:
    """Puts a dead letter back into its queue with all its deliveries and retries; False for any other task."""
    return _call("replay", bool, {"task_id": task_id, "ttl": ttl}, task_id=task_id, queue=queue)


def dead_letters(*, most: int, ttl: int) -> Call[list[str]]:
    """The IDs of the dead letters, the latest first; those whose record has expired are forgotten."""
    return _call("dead_letters", lambda ids: [str(each) for each in ids], {"ttl": ttl, "most": most})


def close_circuit() -> Call[None]:
    """Forgets that the circuit breaker was open."""
    return _call("close_circuit", _nothing, {})


@dataclass(frozen=True)
class Starter:
    """A worker process that is about to run a task, and what there is to record of a task that nobody submitted."""

    worker: str
    process: int
    queue: str
    correlation_id: str
    record: Mapping[str, str]


def claim(
    task_id: str, starter: Starter, *, ttl: int, max_deliveries: int, celery_started: str, celery_dead: str
) -> Call[list[str]]:
    """Records that the process starts the task, or says why it must not: see claim.lua."""
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
    return _call("claim", list, args, task_id=task_id, index=keys.correlation(starter.correlation_id))


def store(
    task_id: str,
    state: str,
    *,
    celery_result: str,
    ttl: int,
    attempt: str,
    worker: str,
    cause: str,
    correlation_id: str,
    record: Mapping[str, str],
) -> Call[bool]:
    """Stores a task's new state; False when the attempt is no longer the one that counts."""
    args = {
        "state": state,
        "celery_result": celery_result,
        "ttl": ttl,
        "task_id": task_id,
        "attempt": attempt,
        "worker": worker,
        "cause": cause,
        "fields": record,
    }
    return _call("store", bool, args, task_id=task_id, index=keys.correlation(correlation_id))


def retry(
    task_id: str,
    *,
    attempt: str,
    cause: str,
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
        "cause": cause,
        "delay": delay,
        "max_retries": max_retries,
        "ttl": ttl,
        "celery_retry": celery_retry,
        "celery_failure": celery_failure,
    }
    return _call("retry", str, args, task_id=task_id)


def hand_back(task_id: str, *, worker: str, cause: str, uncounted: bool) -> Call[bool]:
    """The worker gives up a task that it holds; False when it does not hold it."""
    args = {"worker": worker, "cause": cause, "uncounted": "1" if uncounted else ""}
    return _call("hand_back", bool, args, task_id=task_id)


def progress(task_id: str, told: bytes) -> Call[bool]:
    """Stores how far a running task is; True when it shall stop."""
    return _call("progress", bool, {"progress": told}, task_id=task_id)


def beat(worker: str, *, slots: int, held: str) -> Call[None]:
    """The worker lives and holds the tasks of these IDs, divided by blanks."""
    return _call("beat", _nothing, {"worker": worker, "slots": slots, "held": held})


def leave(worker: str) -> Call[None]:
    """The worker has stopped."""
    return _call("leave", _nothing, {"worker": worker})


def sweep(*, missing_seconds: float, grace_seconds: float, stalled_seconds: float) -> Call[list[list[str]]]:
    """Puts back what is nowhere and what is due: see sweep.lua."""
    prefix = keys.task("")
    args = {
        "alive_seconds": keys.WORKER_ALIVE_SECONDS,
        "missing_seconds": missing_seconds,
        "grace_seconds": grace_seconds,
        "stalled_seconds": stalled_seconds,
        "record_prefix": prefix,
        "attempts_suffix": keys.attempts("").removeprefix(prefix),
        "message_suffix": keys.message("").removeprefix(prefix),
    }
    return _call("sweep", list, args)
