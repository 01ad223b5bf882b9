"""What tasks failed with: failures of one class and one shape of message are one group, wherever they are kept."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from monitor.page.profile.dead_letters import MOST_DEAD_LETTERS, DeadLetters, dead_letters, replayed_among
from monitor.page.refusal import Refused
from throughline.ledger import keys, stored_task
from throughline.ledger.history import AsyncHistory, DeadLetter, ErrorGroup, HistoryUnavailable, HistoryWrong
from throughline.ledger.history.rows import rows_of
from throughline.ledger.stored_task import StoredTask
from throughline.profile import Window
from throughline.profile.document import iso

MOST: Final = 50
_MOST_IN_REDIS: Final = 1000  # that the history does not have yet; more only while it is away


@dataclass(frozen=True)
class Groups:
    """The largest first."""

    groups: tuple[ErrorGroup, ...]
    dead_letters: DeadLetters = field(default_factory=lambda: DeadLetters({}))


class ErrorGroups:
    """Reads them from the history, and from Redis what has not come there yet."""

    def __init__(self, redis: "Redis", history: AsyncHistory) -> None:
        self._redis = redis
        self._history = history

    async def read(self, window: Window, task_type: str = "") -> Groups:
        """Raises `Refused` while the history does not answer: without it, the answer would be wrong."""
        since, until = window.since.timestamp(), window.until.timestamp()
        try:
            kept = await self._history.error_groups(since, until, task_type=task_type, most=MOST)
            dead = await self._history.dead_letters_between(since, until, task_type=task_type, most=MOST_DEAD_LETTERS)
        except (HistoryUnavailable, HistoryWrong) as error:
            detail = f"The history of ended tasks does not answer: {error}."
            raise Refused(503, "HISTORY_UNAVAILABLE", detail, {"Retry-After": "5"}) from None
        # After the history: a task that is copied in between is missed for a second, and not counted twice.
        ended = await self._ended(since, until)
        groups = merged(kept, groups_of(ended, task_type))
        return Groups(groups, dead_letters(dead, await self._replayed(dead), ended, task_type))

    async def _replayed(self, dead: Sequence[DeadLetter]) -> list[str]:
        """Without Redis, nothing can be replayed: all count as replayed."""
        task_ids = [each.task_id for each in dead]
        try:
            return await replayed_among(self._redis, task_ids) if task_ids else []
        except (RedisError, OSError):
            return task_ids

    async def _ended(self, since: float, until: float) -> list[StoredTask]:
        """None while Redis does not answer."""
        try:
            found = await self._redis.zrangebyscore(keys.ENDED, since, f"({until}", start=0, num=_MOST_IN_REDIS)
            task_ids = [str(each) for each in found]
            return [task for task in await stored_task.read_for_list(self._redis, task_ids) if task] if task_ids else []
        except (RedisError, OSError):
            return []


def groups_of(tasks: Iterable[StoredTask], task_type: str = "") -> list[ErrorGroup]:
    """The failures among them, as the history groups them."""
    found: dict[tuple[str, str], ErrorGroup] = {}
    for row in (rows_of(task).task for task in tasks):
        if not row["error_type"] or task_type not in {"", row["task_type"]}:
            continue
        key, ended = (row["error_type"], row["error_shape"]), row["ended_at"]
        one = ErrorGroup(*key, 1, ended, ended, row["task_id"], row["correlation_id"])
        found[key] = _together(found[key], one) if key in found else one
    return list(found.values())


def merged(some: Sequence[ErrorGroup], others: Sequence[ErrorGroup]) -> tuple[ErrorGroup, ...]:
    """Each group once, the largest first."""
    found = {(each.error_type, each.shape): each for each in some}
    for each in others:
        key = (each.error_type, each.shape)
        found[key] = _together(found[key], each) if key in found else each
    return tuple(sorted(found.values(), key=lambda each: (-each.count, -each.last))[:MOST])


def _together(one: ErrorGroup, other: ErrorGroup) -> ErrorGroup:
    newest = max(one, other, key=lambda each: each.last)
    return replace(
        newest, count=one.count + other.count, first=min(one.first, other.first), last=max(one.last, other.last)
    )


def to_dict(found: Groups, window: Window) -> dict[str, Any]:
    """As JSON for scripts: its keys are a promise, times are ISO 8601."""
    return {
        "since": iso(window.since),
        "until": iso(window.until),
        "errors": [
            {
                "error_type": each.error_type,
                "message": each.shape,
                "count": each.count,
                "first": iso(_moment(each.first)),
                "last": iso(_moment(each.last)),
                "task_id": each.task_id,
                "correlation_id": each.correlation_id,
            }
            for each in found.groups
        ],
    }


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
