"""Every Redis key that Throughline itself reads or writes; all but Celery's own begin with `tl:`.

A key of a task is made of its ID here and nowhere else, and only of what has the shape of one: any other text might
make the key of something else, such as the attempts of another task.
"""

import re
from typing import Final, TypeGuard

BREAKER: Final = "tl:breaker"  # hash: state, until (s), wait (s)
MEMORY: Final = "tl:memory"  # hash: since when new tasks are refused for want of memory, how fast it becomes free
DATA: Final = "tl:data"  # hash: the identity of these data, a number that grows; which others were lost, and when (s)
TOLD_LOST: Final = "tl:told-lost"  # set: tasks that were told as lost with other data, for an hour
HEALTH: Final = "tl:health"  # never exists: removing it shows whether Redis takes writes
WORKERS: Final = "tl:workers"  # sorted set: worker name, scored by its last heartbeat (s, Redis's clock)
WORKER_SLOTS: Final = "tl:worker-slots"  # hash: worker name → how many tasks it can run, and holds now: `4 2`
WORKER_TASKS: Final = "tl:worker-tasks"  # hash: worker name → IDs of the tasks that it holds, as of its last heartbeat
WORKER_STARTS: Final = "tl:worker-starts"  # hash: worker name → its latest start, and whether its death was told (JSON)
WORKER_FACTS: Final = "tl:worker-facts"  # hash: worker name → what it says of itself: version, memory (JSON)
WORKER_RUNS: Final = "tl:worker-runs"  # hash: `worker queue outcome` → runs since its start; `worker lost` → processes
DEATHS: Final = "tl:deaths"  # list: the latest hundred deaths of workers and of their processes, one JSON object each
WORKER_ALIVE_SECONDS: Final = 10  # a worker sends a heartbeat every 2 s; after five missed ones it counts as dead
CLOCKS: Final = "tl:clocks"  # hash: `service instance` → how far its clock is ahead of Redis's (ms), and since when (s)
INSTANCES: Final = "tl:instances"  # hash: `service instance` → its version, since when, when last heard of (s)
VERSIONS: Final = "tl:versions"  # hash: service → its current version, since when, which run; and what was last seen
DEPLOYMENTS: Final = "tl:deployments"  # list: the latest deployments as JSON, newest first
DRAIN: Final = "tl:drain"  # hash: how fast the queues are emptied, as claim.lua measures it
PROMISES: Final = "tl:promises"  # hash: how far estimated starts were off, counted
FINISHED: Final = "tl:finished"  # channel: the ID of each task that has ended
OPEN: Final = "tl:open"  # sorted set: tasks that have not ended, by submission (s); one put back, before the oldest
DELAYED: Final = "tl:delayed"  # sorted set: tasks that wait for their next attempt, scored by when that is due (s)
UNARCHIVED: Final = "tl:unarchived"  # sorted set: tasks that the history lacks as they are now, by submission (s)
OWNERS: Final = "tl:owners"  # hash: those of API keys' owners → whose it is, as `alice ABC-1`: see `own`
LISTED: Final = "tl:listed"  # set: those of them that this version has put there; see unarchived.lua
ENDED: Final = "tl:ended"  # sorted set: tasks that have ended and are not in the history yet, by when they ended (s)
HOT: Final = "tl:hot"  # sorted set: ended tasks that the history has and Redis still has too, by when they ended (s)
DEAD_LETTERS: Final = "tl:dead-letters"  # sorted set: tasks that used up deliveries or retries, scored by when (s)
MISSING: Final = (
    "tl:missing"  # hash: task that the last sweep found nowhere → when it was first missed (s); empty at rest
)
COUNTS: Final = "tl:counts"  # hash: how many runs and tasks have ended, and how long they took: see counts.py
KEPT_COUNTS: Final = "tl:counts:kept"  # list: those of runs as they were, every five minutes for an hour
SWEEP: Final = "tl:sweep"  # hash: when the last sweep was, since when they go on, which workers take nothing since when
CELERY_UNACKED: Final = "unacked"  # kombu's hash of messages delivered and not yet acknowledged

CELERY_UNACKED_INDEX: Final = "unacked_index"  # kombu's sorted set of the same


def queued(queue: str) -> str:
    """Sorted set, the sweep's own: tasks that it expects in this queue, in the order in which they start."""
    return f"tl:queued:{queue}"


TASK: Final = "tl:task:"  # before a task's ID, and after it what belongs to the record
ATTEMPTS: Final = ":attempts"
CHANGES: Final = ":changes"
MESSAGE: Final = ":message"
MOVED: Final = "tl:moved:"
CORRELATION: Final = "tl:correlation:"
OWN: Final = "tl:own:"
CELERY_RESULT: Final = "celery-task-meta-"

LONGEST_TASK_ID: Final = 255
# The front door's are UUIDs; a Celery client may choose its own. Blanks divide the IDs that a heartbeat names.
_TASK_ID: Final = re.compile(rf"[^\s\x00-\x1f\x7f-\x9f\ud800-\udfff]{{1,{LONGEST_TASK_ID}}}")


class NoTaskId(ValueError):
    """The text cannot be a task's ID, so there is no task of that ID."""

    def __init__(self) -> None:
        super().__init__(
            f"a task's ID has 1 to {LONGEST_TASK_ID} characters, no blanks, and none of {ATTEMPTS}, {CHANGES} and "
            f"{MESSAGE} at its end"
        )


def is_task_id(text: object) -> TypeGuard[str]:
    """Whether a task may have this ID. The record of `x:attempts` would be the list of the attempts of `x`."""
    return (
        isinstance(text, str)
        and _TASK_ID.fullmatch(text) is not None
        and not text.endswith((ATTEMPTS, CHANGES, MESSAGE))
    )


def _checked(task_id: str) -> str:
    if not is_task_id(task_id):
        raise NoTaskId
    return task_id


def task(task_id: str) -> str:
    """Hash: the task record."""
    return f"{TASK}{_checked(task_id)}"


def attempts(task_id: str) -> str:
    """List: one JSON object for each start of the task, oldest first."""
    return f"{TASK}{_checked(task_id)}{ATTEMPTS}"


def changes(task_id: str) -> str:
    """List: one JSON object for each change that is no start or end of an attempt; absent for most tasks."""
    return f"{TASK}{_checked(task_id)}{CHANGES}"


def message(task_id: str) -> str:
    """String: the message as it was enqueued, for as long as the record is here; none for a task sent past the api."""
    return f"{TASK}{_checked(task_id)}{MESSAGE}"


def moved(task_id: str) -> str:
    """String: the final status of a task that was sent past the api and is in the history alone. Lives for minutes."""
    return f"{MOVED}{_checked(task_id)}"


def correlation(correlation_id: str) -> str:
    """Sorted set: everybody's tasks of one correlation ID, scored by their submission (s, Redis's clock)."""
    return f"{CORRELATION}{correlation_id}"


def own(caller: str, correlation_id: str = "") -> str:
    """Sorted set: those tasks of an API key's owner that the history lacks, or of them those of one correlation ID.

    Scored by submission. The name of an owner has no blanks.
    """
    return f"{OWN}{caller} {correlation_id}" if correlation_id else f"{OWN}{caller}"


def idempotency(caller: str, key_hash: str) -> str:
    """String `<payload hash> <task id>`, expiring with the key."""
    return f"tl:idempotency:{caller}:{key_hash}"


def celery_result(task_id: str) -> str:
    """Celery's own result key: JSON with status, result and, after a failure, the exception."""
    return f"{CELERY_RESULT}{_checked(task_id)}"
