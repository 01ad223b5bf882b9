"""Where a task is found: in Redis until some minutes after its end, then in the history. The one order of reading."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from throughline.ledger import keys
from throughline.ledger.stored_task import StoredTask

ReadRedis = Callable[[Sequence[str]], Awaitable[Sequence[StoredTask | None]]]
FindInHistory = Callable[[Sequence[str]], Awaitable[Mapping[str, StoredTask]]]


async def read(task_ids: Sequence[str], in_redis: ReadRedis, in_history: FindInHistory) -> list[StoredTask | None]:
    """The tasks of these IDs, in their order; None where nobody knows one, and for what is no task's ID.

    Redis is asked a second time: a dead letter may have gone back there while the history was asked. The history is
    not asked for what Redis has, so it may be away for that long.
    """
    possible = [each for each in task_ids if keys.is_task_id(each)]
    found = _known(possible, await in_redis(possible)) if possible else {}
    if missing := [each for each in possible if each not in found]:
        found |= await in_history(missing)
    if missing := [each for each in missing if each not in found]:
        found |= _known(missing, await in_redis(missing))
    return [found.get(task_id) for task_id in task_ids]


def _known(task_ids: Sequence[str], answers: Sequence[StoredTask | None]) -> dict[str, StoredTask]:
    return {task_id: task for task_id, task in zip(task_ids, answers, strict=True) if task is not None}
