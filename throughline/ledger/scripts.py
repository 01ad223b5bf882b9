"""Every change of a `tl:` key, one function each: it names keys and arguments, a `Ledger` or `AsyncLedger` runs it.

ledger = Ledger(redis)
ledger(scripts.cancel(task_id, queue="high", ttl=604_800))
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from throughline.ledger import keys
from throughline.ledger.answers import Claim, HandedBack, Health, Stored, Swept, Walked
from throughline.ledger.message import Queue
from throughline.ledger.script import AsyncLedger, Call, Ledger, T, load
from throughline.ledger.states import Reason, Status
from throughline.ledger.stored_task import StoredTask
from throughline.ledger.submission import Decision, Limits, Submission
from throughline.ledger.task_query import TaskQuery

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
    "unarchived": keys.UNARCHIVED,
    "ended": keys.ENDED,
    "hot": keys.HOT,
    "dead_letters": keys.DEAD_LETTERS,
    "missing": keys.MISSING,
    "sweep": keys.SWEEP,
    "unacked": keys.CELERY_UNACKED,
    "unacked_index": keys.CELERY_UNACKED_INDEX,
    "high": Queue.HIGH.value,
    "medium": Queue.MEDIUM.value,
    "low": Queue.LOW.value,
    **{f"queued_{queue}": keys.queued(queue) for queue in Queue},
}
_OF_TASK: Final = {
    "record": keys.task,
    "attempts": keys.attempts,
    "changes": keys.changes,
    "message": keys.message,
    "result": keys.celery_result,
    "moved": keys.moved,
}
# How a script that is called for several tasks makes their keys from an ID.
_PREFIX: Final = keys.task("")
_PARTS: Final = {
    "record_prefix": _PREFIX,
    "attempts_suffix": keys.attempts("").removeprefix(_PREFIX),
    "message_suffix": keys.message("").removeprefix(_PREFIX),
    "changes_suffix": keys.changes("").removeprefix(_PREFIX),
    "result_prefix": keys.celery_result(""),
    "moved_prefix": keys.moved(""),
    "correlation_prefix": keys.correlation(""),
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


def _of_queue(queue: str) -> dict[str, str]:
    return {"queue": queue, "queued": keys.queued(queue)}


# What a client asks of a task that exists.


def position(task_id: str, *, queue: str) -> Call[int | None]:
    """How many tasks of its queue start before this one, itself included; None when it does not wait there."""
    return _call("position", lambda place: place, {"task_id": task_id}, task_id=task_id, own_keys=_of_queue(queue))


def cancel(task_id: str, *, queue: str, ttl: int, celery_result: bytes, requested_by: str) -> Call[str]:
    """Answers unknown, finished, cancelled (it will never start) or cancelling (a worker holds it)."""
    args = {"task_id": task_id, "ttl": ttl, "celery_result": celery_result, "requested_by": requested_by or "unknown"}
    return _call("cancel", str, args, task_id=task_id, own_keys=_of_queue(queue), refused=lambda: "finished")


def replay(task_id: str, *, queue: str, requested_by: str) -> Call[bool]:
    """Puts a dead letter back into its queue with all its deliveries and retries; False for any other task."""
    args = {"task_id": task_id, "requested_by": requested_by or "unknown"}
    return _call("replay", bool, args, task_id=task_id, own_keys={"queue": queue}, refused=lambda: False)


def revive(task: StoredTask, *, ttl: int, requested_by: str) -> Call[bool]:
    """The same for a dead letter that was just read from the history, with its message; ttl is that of its index."""
    record = task.record
    args = {
        "task_id": task.task_id,
        "requested_by": requested_by or "unknown",
        "ttl": ttl,
        "status": record.status,
        "submitted_at": f"{record.submitted_at:.6f}",
        "message": task.message,
        "attempts": json.dumps(task.attempts),
        "changes": json.dumps(task.changes),
        "fields": {name: value for name, value in task.fields.items() if name != "archived"},
    }
    own = {"queue": record.queue, "index": keys.correlation(record.correlation_id)}
    return _call("revive", bool, args, task_id=task.task_id, own_keys=own, refused=lambda: False)


def unarchived(query: TaskQuery, count: int) -> Call[Walked]:
    """The next so many tasks that the history does not have, and those of them that the list may show."""
    start, end = query.range_of_scores()
    args = {
        "newest_first": int(query.newest_first),
        "from": start,
        "until": end,
        "count": count,
        "statuses": f" {' '.join(query.statuses)} " if query.statuses else "",
        "task_type": query.task_type,
        "queue": query.queue,
        "worker": query.worker,
        "caller": "" if query.caller is None else f"={query.caller}",
        "correlation_id": query.correlation_id,
        "error": query.error_type,
        "slower_than_ms": "" if query.slower_than_ms is None else query.slower_than_ms,
        **_parts("record_prefix", "attempts_suffix", "result_prefix"),
    }
    walked = keys.correlation(query.correlation_id) if query.correlation_id else keys.UNARCHIVED
    return _call("unarchived", Walked.of, args, own_keys={"walked": walked})


# What a worker says of a task.


@dataclass(frozen=True)
class Starter:
    """A worker process that is about to run a task, and what there is to record of a task that nobody submitted."""

    worker: str
    process: int
    queue: str
    record: Mapping[str, str]
    is_recorded: bool = False  # the message says that it came through the front door: without a record it has moved


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
        "recorded": _flag(starter.is_recorded),
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
    is_recorded: bool = False,
    attempt: str = "",
    error_class: str = "",
) -> Call[Stored]:
    """Stores a task's new state, unless it has ended or `attempt` is no longer the one that counts.

    `attempt` is empty when another process than the one that ran it speaks: its worker's main process, or whoever ends
    a task that never started. A task that `is_recorded` and has no record has ended, and was forgotten since.
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
        **_parts("record_prefix", "attempts_suffix", "message_suffix", "changes_suffix"),
    }
    return _call("sweep", lambda lines: [Swept.of(line) for line in lines], args)


# The history. Each call is for a batch of tasks, so that none of them holds Redis for long.

MOST_AT_ONCE: Final = 100
TOMBSTONE_SECONDS: Final = 3600  # a message that nobody acknowledged comes again after the visibility timeout of 180 s


def ended(*, most: int, most_bytes: int, without: Iterable[str] = ()) -> Call[tuple[int, list[StoredTask]]]:
    """How many ended tasks the history lacks, and the oldest of them, whole: see ended.lua."""
    parts = _parts("record_prefix", "attempts_suffix", "changes_suffix", "message_suffix", "result_prefix")
    args = {**parts, "most": most, "bytes": most_bytes, "without": json.dumps(list(without))}
    return _call("ended", lambda told: (int(told[0]), [StoredTask.of(*each) for each in told[1:]]), args)


def copied(versions: Mapping[str, int]) -> Call[list[str]]:
    """The history has these tasks, each as of this version; answers those of which it has all that there is."""
    _check(versions)
    args = {**_parts("record_prefix"), "tasks": versions}
    return _call("copied", list, args)


def forget(task_ids: Sequence[str], *, tombstone_seconds: int = TOMBSTONE_SECONDS) -> Call[list[str]]:
    """Removes tasks that the history has as they are now; answers those of which Redis has nothing any more.

    Never sooner than five seconds after their end: see front_door.lua and revive.lua.
    """
    _check(task_ids)
    return _call("forget", list, {**_PARTS, "tombstone_seconds": tombstone_seconds, "tasks": task_ids})


def reindex(task_ids: Sequence[str]) -> Call[list[str]]:
    """Puts tasks into the indices where their records say that they belong; answers those that were not there."""
    _check(task_ids)
    return _call("reindex", list, {**_parts("record_prefix"), "tasks": task_ids})


def _check(tasks: Sized) -> None:
    if len(tasks) > MOST_AT_ONCE:
        raise ValueError(f"at most {MOST_AT_ONCE} tasks a call, not {len(tasks)}")


def _parts(*names: str) -> dict[str, str]:
    return {name: _PARTS[name] for name in names}
