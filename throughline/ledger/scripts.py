"""Every change of a `tl:` key, one function each: it names keys and arguments, a `Ledger` or `AsyncLedger` runs it.

What moves tasks between Redis and the history is in history_scripts.py.

ledger = Ledger(redis)
ledger(scripts.cancel(task_id, queue="high", ttl=604_800))
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from throughline.ledger import counts, keys
from throughline.ledger.answers import Claim, HandedBack, Health, Retried, Stored, Swept
from throughline.ledger.asked_by import script_args
from throughline.ledger.call import call, own_parts, parts
from throughline.ledger.data_mark import DataMark, DataSeen
from throughline.ledger.message import Queue
from throughline.ledger.script import AsyncLedger, Call, Ledger
from throughline.ledger.states import Reason, Status
from throughline.ledger.submission import Decision, Limits, Submission

__all__ = ["AsyncLedger", "Ledger"]


def _nothing(_: Any) -> None:
    return None


def _seconds(length: float | None) -> str:
    return "" if length is None else f"{length:.6f}"


def _flag(is_so: bool) -> str:
    return "1" if is_so else ""


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
        "gone": task.gone,
        "idempotency_ttl": limits.idempotency_ttl,
        "alive_seconds": keys.WORKER_ALIVE_SECONDS,
        "fields": task.record,
        **own_parts(),
    }
    own = {"queue": task.queue, "index": keys.correlation(task.correlation_id), "idempotency": task.idempotency_key}
    return call("front_door", Decision.of, args, task_id=task.task_id, own_keys=own)


def close_circuit() -> Call[bool]:
    """Closes the circuit breaker; whether it was not closed before."""
    return call("close_circuit", bool, {})


def look_at_memory(*, memory_percent: float) -> Call[str | None]:
    """Answers full or freed when new tasks begin or cease to be refused for want of memory."""
    return call("look_at_memory", lambda change: change, {"memory_percent": memory_percent})


def look_at_data(known: DataMark, new_id: str) -> Call[DataSeen]:
    """Whether these are still the data that a monitor has seen; `new_id` is for data without an identity."""
    args = {
        "known_id": known.identity,
        "known_number": known.number,
        "known_before": known.before,
        "new_id": new_id,
    }
    return call("look_at_data", DataSeen.of, args)


def tell_lost(task_ids: Sequence[str], *, ttl: int) -> Call[list[str]]:
    """Those of the tasks that nobody has told as lost yet: who asks tells them."""
    return call("tell_lost", lambda told: told, {"ttl": ttl, "task_ids": task_ids})


def health(*, memory_percent: float) -> Call[Health]:
    """Whether a task could be taken now; a Redis that takes no write answers with an error."""
    args = {"memory_percent": memory_percent, "alive_seconds": keys.WORKER_ALIVE_SECONDS}
    return call("health", Health.of, args)


def _of_queue(queue: str) -> dict[str, str]:
    return {"queue": queue, "queued": keys.queued(queue)}


# What a client asks of a task that exists.


def position(task_id: str, *, queue: str) -> Call[int | None]:
    """How many tasks of its queue start before this one, itself included; None when it does not wait there."""
    return call("position", lambda place: place, {"task_id": task_id}, task_id=task_id, own_keys=_of_queue(queue))


def cancel(
    task_id: str, *, queue: str, ttl: int, celery_result: bytes, requested_by: str, caller: str = "", why: str = ""
) -> Call[str]:
    """Answers unknown, finished, cancelled (it will never start), cancelling (a worker holds it) or asked_before."""
    args = {"task_id": task_id, "ttl": ttl, "celery_result": celery_result}
    args |= script_args(requested_by, caller, why)
    return call("cancel", str, args, task_id=task_id, own_keys=_of_queue(queue), refused=lambda: "finished")


def replay(task_id: str, *, queue: str, requested_by: str, caller: str = "", why: str = "") -> Call[bool]:
    """Puts a dead letter back into its queue with all its deliveries and retries; False for any other task."""
    args = {"task_id": task_id} | script_args(requested_by, caller, why) | own_parts()
    return call("replay", bool, args, task_id=task_id, own_keys={"queue": queue}, refused=lambda: False)


# What a worker says of a task.


@dataclass(frozen=True)
class Starter:
    """A worker process that is about to run a task, and what there is to record of a task that nobody submitted."""

    worker: str
    process: int
    queue: str
    record: Mapping[str, str]
    is_recorded: bool = False  # the message says that it came through the front door: without a record it has moved
    version: str = ""  # of the program


def received(task_id: str, *, ttl: int, record: Mapping[str, str]) -> Call[Status]:
    """A message that was sent past the front door: its task is PENDING from now on, or what it was already."""
    index = keys.correlation(record["correlation_id"])
    return call(
        "received",
        Status,
        {"task_id": task_id, "ttl": ttl, "fields": record, **own_parts()},
        task_id=task_id,
        own_keys={"index": index},
    )


def take(
    most: int, *, queues: Iterable[str], acknowledged: Sequence[str], taken_at: float
) -> Call[list[tuple[str, str]]]:
    """Acknowledges by delivery tags and takes at most so many messages, in strict order: each with its queue."""
    args = {
        "most": most,
        "queues": f" {' '.join(queues)} ",
        "taken_at": f"{taken_at:.6f}",
        "acknowledged": acknowledged,
    }
    return call("take", lambda told: list(zip(told[::2], told[1::2], strict=True)), args)


def claim(
    task_id: str,
    starter: Starter,
    *,
    ttl: int,
    max_deliveries: int,
    celery_started: str | bytes,
    celery_dead: str | bytes,
    take: float | None = None,
    published: float | None = None,
) -> Call[Claim]:
    """Records that the process starts the task, or says why not. `take`: seconds since its message was taken.

    `published`: seconds since it was sent, as its sender says; for a task that did not come through the front door.
    """
    args = {
        "task_id": task_id,
        "recorded": _flag(starter.is_recorded),
        "celery_started": celery_started,
        "ttl": ttl,
        "worker": starter.worker,
        "process": starter.process,
        "version": starter.version,
        "queue": starter.queue,
        "max_deliveries": max_deliveries,
        "celery_dead": celery_dead,
        "alive_seconds": keys.WORKER_ALIVE_SECONDS,
        "take": _seconds(take),
        "published": _seconds(published),
        "fields": {} if starter.is_recorded else starter.record,
        **own_parts(),
    }
    index = keys.correlation(starter.record["correlation_id"])
    return call("claim", Claim.of, args, task_id=task_id, own_keys={"index": index}, refused=lambda: Claim("running"))


def store(
    task_id: str,
    state: str,
    reason: Reason,
    *,
    celery_result: str,
    ttl: int,
    worker: str,
    record: Mapping[str, str],
    is_recorded: bool = False,
    attempt: str = "",
    unseen_seconds: float | None = None,
    error_class: str = "",
) -> Call[Stored]:
    """Stores a task's new state, unless it has ended or `attempt` is no longer the one that counts.

    `attempt` is empty when another process than the one that ran it speaks: its worker's main process, or whoever ends
    a task that never started. `unseen_seconds`: how long ago the process that ran it was last seen, if it is gone. A
    task that `is_recorded` and has no record has ended, and was forgotten since.
    """
    args = {
        "state": state,
        "reason": reason,
        "celery_result": celery_result,
        "ttl": ttl,
        "task_id": task_id,
        "recorded": _flag(is_recorded),
        "attempt": attempt,
        "worker": worker,
        "unseen_seconds": _seconds(unseen_seconds),
        "error_class": error_class,
        "fields": {} if is_recorded else record,
        **own_parts(),
    }
    index = keys.correlation(record["correlation_id"])
    return call(
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
) -> Call[Retried]:
    """It waits for its next attempt, or is a dead letter: see retry.lua."""
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
    return call("retry", Retried.of, args, task_id=task_id, refused=lambda: Retried("late"))


def hand_back(task_id: str, *, worker: str, reason: Reason, unseen_seconds: float | None = None) -> Call[HandedBack]:
    """The worker gives up a task that it holds: HANDED_BACK, since it stops, or LOST_PROCESS, last seen so long ago."""
    args = {"worker": worker, "reason": reason, "unseen_seconds": _seconds(unseen_seconds)}
    return call("hand_back", HandedBack.of, args, task_id=task_id, refused=lambda: HandedBack("not_held"))


def progress(task_id: str, told: bytes) -> Call[str | None]:
    """Stores how far a running task is; answers which request (its correlation ID) asked it to stop, if one did."""
    return call("progress", lambda asked: asked, {"progress": told}, task_id=task_id)


def beat(
    worker: str, *, slots: int, held: str, instance: str = "", facts: str = "", lost: Sequence[str] = ()
) -> Call[float | None]:
    """The worker lives and holds the tasks of these IDs, divided by blanks.

    `instance` is another one for each start of the worker, `facts` what it says of itself (workers.py), `lost` its
    processes that died since the last heartbeat. Answers the last sign of life of the one of its name that was killed
    just before it started.
    """
    args = {
        "worker": worker,
        "slots": slots,
        "held": held,
        "instance": instance,
        "facts": facts,
        "lost": lost,
        **parts("record_prefix"),
    }
    return call("beat", lambda killed: float(killed) if killed else None, args)


def leave(worker: str) -> Call[None]:
    """The worker has stopped in order."""
    return call("leave", _nothing, {"worker": worker, **parts("record_prefix")})


# The monitor.


def sweep(
    first: str = Queue.HIGH,
    /,
    *,
    missing_seconds: float,
    grace_seconds: float,
    stalled_seconds: float,
    forget_seconds: float,
) -> Call[list[Swept]]:
    """Puts back what is nowhere and what is due: see sweep.lua. `first` is the queue that it looks at first."""
    args = {
        "alive_seconds": keys.WORKER_ALIVE_SECONDS,
        "missing_seconds": missing_seconds,
        "grace_seconds": grace_seconds,
        "stalled_seconds": stalled_seconds,
        "forget_seconds": forget_seconds,
        "first": first,
        **parts("record_prefix", "attempts_suffix", "message_suffix", "changes_suffix"),
    }
    return call("sweep", lambda lines: [Swept.of(line) for line in lines], args)


def fold_counts(versions: Sequence[str]) -> Call[None]:
    """What was counted of these versions of workers is added up as that of `counts.OLDER`."""
    return call("fold_counts", _nothing, {"older": counts.OLDER, "versions": versions})
