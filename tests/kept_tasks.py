"""What is kept of tasks, wherever that is: in the Redis or in the history of a test's run."""

from collections.abc import Sequence
from functools import cache

from tests.system.nine import Nine
from throughline.ledger import keys
from throughline.ledger.history import History
from throughline.ledger.stored_task import StoredTask


def kept(nine: Nine, task_ids: Sequence[str]) -> dict[str, StoredTask]:
    """By ID, those that there are; raises what Redis's client or the history raises while the one or other is away."""
    found = _in_redis(nine, task_ids)
    missing = [each for each in task_ids if each not in found]
    if missing:
        found |= history_of(nine).find(missing)
    return found


def history_of(nine: Nine) -> History:
    return _history(nine.environment.get("HISTORY_URL") or f"sqlite:///{nine.var_dir.absolute()}/history.sqlite")


@cache
def _history(url: str) -> History:
    return History(url)


def _in_redis(nine: Nine, task_ids: Sequence[str]) -> dict[str, StoredTask]:
    with nine.redis() as redis, redis.pipeline(transaction=False) as pipe:
        for task_id in task_ids:
            pipe.hgetall(keys.task(task_id))
            pipe.lrange(keys.attempts(task_id), 0, -1)
            pipe.lrange(keys.changes(task_id), 0, -1)
            pipe.get(keys.celery_result(task_id))
        told = zip(*[iter(pipe.execute())] * 4, strict=True)
    return {
        task_id: StoredTask(task_id, fields, tuple(attempts), tuple(changes), result or "")
        for task_id, (fields, attempts, changes, result) in zip(task_ids, told, strict=True)
        if fields
    }
