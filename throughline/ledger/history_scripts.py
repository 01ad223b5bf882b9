"""Every call of a script that moves tasks between Redis and the history, or tells what only one of them has."""

import json
from collections.abc import Iterable, Mapping, Sequence, Sized
from typing import Final

from throughline.ledger import keys
from throughline.ledger.answers import Walked
from throughline.ledger.asked_by import ANYONE, script_args
from throughline.ledger.call import ALL_PARTS, call, own_parts, parts
from throughline.ledger.script import Call
from throughline.ledger.stored_task import StoredTask
from throughline.ledger.task_query import TaskQuery

# A call is for a batch of tasks, so that none of them holds Redis for long.
MOST_AT_ONCE: Final = 100
TOMBSTONE_SECONDS: Final = 3600  # a message that nobody acknowledged comes again after the visibility timeout of 180 s


def ended(*, most: int, most_bytes: int, without: Iterable[str] = ()) -> Call[tuple[int, list[StoredTask]]]:
    """How many ended tasks the history lacks, and the oldest of them, whole: see ended.lua."""
    places = parts("record_prefix", "attempts_suffix", "changes_suffix", "message_suffix", "result_prefix")
    args = {**places, "most": most, "bytes": most_bytes, "without": json.dumps(list(without))}
    return call("ended", lambda told: (int(told[0]), [StoredTask.of(*each) for each in told[1:]]), args)


def copied(versions: Mapping[str, int]) -> Call[list[str]]:
    """The history has these tasks, each as of this version; answers those of which it has all that there is."""
    _check(versions)
    args = {**parts("record_prefix"), **own_parts(), "tasks": versions}
    return call("copied", list, args)


def forget(task_ids: Sequence[str], *, tombstone_seconds: int = TOMBSTONE_SECONDS) -> Call[list[str]]:
    """Removes tasks that the history has as they are now; answers those of which Redis has nothing any more.

    Never sooner than five seconds after their end: see front_door.lua and revive.lua.
    """
    _check(task_ids)
    return call("forget", list, {**ALL_PARTS, "tombstone_seconds": tombstone_seconds, "tasks": task_ids})


def reindex(task_ids: Sequence[str]) -> Call[list[str]]:
    """Puts tasks into the indices where their records say that they belong; answers those that were not there."""
    _check(task_ids)
    return call("reindex", list, {**parts("record_prefix"), **own_parts(), "tasks": task_ids})


def revive(task: StoredTask, *, ttl: int, requested_by: str, caller: str = "", why: str = "") -> Call[bool]:
    """Like `scripts.replay`, for a dead letter that was just read from the history; ttl is that of its index."""
    record = task.record
    args = {
        "task_id": task.task_id,
        **script_args(requested_by, caller, why),
        **own_parts(),
        "ttl": ttl,
        "status": record.status,
        "submitted_at": f"{record.submitted_at:.6f}",
        "message": task.message,
        "attempts": json.dumps(task.attempts),
        "changes": json.dumps(task.changes),
        "fields": {name: value for name, value in task.fields.items() if name != "archived"},
    }
    own = {"queue": record.queue, "index": keys.correlation(record.correlation_id)}
    return call("revive", bool, args, task_id=task.task_id, own_keys=own, refused=lambda: False)


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
        **parts("record_prefix", "attempts_suffix", "result_prefix"),
    }
    shared = keys.correlation(query.correlation_id) if query.correlation_id else keys.UNARCHIVED
    owner = query.caller or ANYONE
    walked = shared if owner == ANYONE else keys.own(owner, query.correlation_id)
    return call("unarchived", Walked.of, args, own_keys={"walked": walked, "shared": shared})


def _check(tasks: Sized) -> None:
    if len(tasks) > MOST_AT_ONCE:
        raise ValueError(f"at most {MOST_AT_ONCE} tasks a call, not {len(tasks)}")
