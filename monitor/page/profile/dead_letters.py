"""Which dead letters failed with one error: wherever they are kept, and without those that were replayed since."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from redis.asyncio import Redis

from throughline.ledger import keys
from throughline.ledger.history import DeadLetter
from throughline.ledger.history.rows import rows_of
from throughline.ledger.stored_task import StoredTask

MOST_DEAD_LETTERS: Final = 2000  # that one page looks at; more are found when these have been replayed

Error = tuple[str, str]  # class and shape of the message


@dataclass(frozen=True)
class DeadLetters:
    """By their error, the latest first. `more`: there are others, further back."""

    task_ids: Mapping[Error, tuple[str, ...]]
    more: bool = False

    def of(self, error_type: str, shape: str) -> tuple[str, ...]:
        return self.task_ids.get((error_type, shape), ())


def dead_letters(
    kept: Sequence[DeadLetter], replayed: Iterable[str], ended: Iterable[StoredTask], task_type: str = ""
) -> DeadLetters:
    """`kept` are the history's, `replayed` the IDs of those that are none any more, `ended` what it lacks so far."""
    gone = set(replayed)
    found: dict[str, Error] = {}
    for task in ended:
        row = rows_of(task).task
        if row["error_type"] and task.record.is_dead_letter and task_type in {"", row["task_type"]}:
            found[task.task_id] = (row["error_type"], row["error_shape"])
    found |= {each.task_id: (each.error_type, each.shape) for each in kept if each.task_id not in gone}
    by_error: dict[Error, list[str]] = defaultdict(list)
    for task_id, error in found.items():
        by_error[error].append(task_id)
    return DeadLetters({error: tuple(ids) for error, ids in by_error.items()}, more=len(kept) >= MOST_DEAD_LETTERS)


async def replayed_among(redis: "Redis", task_ids: Sequence[str]) -> list[str]:
    """Those that Redis has again and does not list: the history tells their old end until they end anew."""
    wanted = [each for each in task_ids if keys.is_task_id(each)]
    async with redis.pipeline(transaction=False) as pipe:
        for task_id in wanted:
            pipe.exists(keys.task(task_id))
            pipe.zscore(keys.DEAD_LETTERS, task_id)
        answers = await pipe.execute()
    pairs = zip(wanted, answers[::2], answers[1::2], strict=True)
    return [task_id for task_id, exists, listed in pairs if exists and listed is None]
