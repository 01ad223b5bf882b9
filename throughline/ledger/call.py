"""Makes the call of a script: finds its keys by the names that its header gives them."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from throughline.ledger import keys
from throughline.ledger.asked_by import ANYONE
from throughline.ledger.message import Queue
from throughline.ledger.script import Call, T, load

# What a script's header calls its keys.
_FIXED: Final = {
    "breaker": keys.BREAKER,
    "memory": keys.MEMORY,
    "data": keys.DATA,
    "told_lost": keys.TOLD_LOST,
    "health": keys.HEALTH,
    "workers": keys.WORKERS,
    "worker_slots": keys.WORKER_SLOTS,
    "worker_tasks": keys.WORKER_TASKS,
    "instances": keys.INSTANCES,
    "clocks": keys.CLOCKS,
    "versions": keys.VERSIONS,
    "deployments": keys.DEPLOYMENTS,
    "worker_starts": keys.WORKER_STARTS,
    "worker_facts": keys.WORKER_FACTS,
    "worker_runs": keys.WORKER_RUNS,
    "deaths": keys.DEATHS,
    "drain": keys.DRAIN,
    "promises": keys.PROMISES,
    "finished": keys.FINISHED,
    "open": keys.OPEN,
    "delayed": keys.DELAYED,
    "unarchived": keys.UNARCHIVED,
    "owners": keys.OWNERS,
    "listed": keys.LISTED,
    "ended": keys.ENDED,
    "hot": keys.HOT,
    "dead_letters": keys.DEAD_LETTERS,
    "missing": keys.MISSING,
    "sweep": keys.SWEEP,
    "counts": keys.COUNTS,
    "kept_counts": keys.KEPT_COUNTS,
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
ALL_PARTS: Final = {
    "record_prefix": keys.TASK,
    "attempts_suffix": keys.ATTEMPTS,
    "message_suffix": keys.MESSAGE,
    "changes_suffix": keys.CHANGES,
    "result_prefix": keys.CELERY_RESULT,
    "moved_prefix": keys.MOVED,
    "correlation_prefix": keys.CORRELATION,
    "own_prefix": keys.OWN,
    "anyone": ANYONE,
}


def call(
    name: str,
    read: Callable[[Any], T],
    args: Mapping[str, Any],
    *,
    task_id: str = "",
    refused: Callable[[], T] | None = None,
    own_keys: Mapping[str, str] = MappingProxyType({}),
) -> Call[T]:
    """`own_keys` are those that neither every call shares nor the task's ID names."""
    script = load(name)
    found = [
        own_keys[key] if key in own_keys else _FIXED[key] if key in _FIXED else _OF_TASK[key](task_id)
        for key in script.keys
    ]
    return Call(script, found, args, read, refused, task_id)


def parts(*names: str) -> dict[str, str]:
    """Those arguments of a script that is called for several tasks."""
    return {name: ALL_PARTS[name] for name in names}


def own_parts() -> dict[str, str]:
    """Those of a script that lists tasks for their callers: see lacked.lua."""
    return parts("own_prefix", "anyone")
