"""All that is kept of one task, as Redis and the history keep it: the same strings in both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Self

from redis.asyncio import Redis

from throughline.ledger import keys
from throughline.ledger.celery_result import CeleryResult, celery_result
from throughline.ledger.record import TaskRecord
from throughline.ledger.states import FINAL, Status

LISTED_RESULT_BYTES: Final = 2_048  # a larger one is left out of lists


@dataclass(frozen=True)
class StoredTask:
    """The record's fields, its attempts and changes, Celery's result and the message; each as it was stored."""

    task_id: str
    fields: Mapping[str, str]
    attempts: tuple[str, ...] = ()  # JSON, oldest first
    changes: tuple[str, ...] = ()  # JSON, oldest first
    result: str = ""  # Celery's own result, JSON; empty when it has none
    message: str = ""  # as it was enqueued; empty for a task that did not come through the front door

    @classmethod
    def of(
        cls, task_id: str, fields: Sequence[str], attempts: Sequence[str], changes: Sequence[str], *large: str
    ) -> Self:
        """From the answer of a script: `fields` are names and values in turn, `large` are result and message."""
        return cls(task_id, dict(zip(fields[::2], fields[1::2], strict=True)), tuple(attempts), tuple(changes), *large)

    @cached_property
    def record(self) -> TaskRecord:
        return TaskRecord.parse(self.task_id, self.fields, self.attempts, self.changes)

    @cached_property
    def _celery_result(self) -> CeleryResult:
        return celery_result(self.result)

    @property
    def celery_meta(self) -> dict[str, Any]:
        """Celery's own result, parsed."""
        return self._celery_result.fields

    @property
    def unreadable(self) -> str:
        """Why the result of a task that succeeded cannot be told; empty when it can, or when there is none."""
        return self._celery_result.unreadable if self.status is Status.SUCCESS else ""

    @property
    def failure(self) -> dict[str, Any]:
        """What Celery keeps of the exception: exc_type, exc_message, exc_module; empty when a stranger wrote it."""
        told = self.celery_meta.get("result")
        return told if isinstance(told, dict) else {}

    @property
    def status(self) -> Status:
        """The record's, unless a stock Celery worker stored an end and wrote no record."""
        told = str(self.celery_meta.get("status", ""))
        if told in FINAL and not self.record.status.is_final:
            return Status(told)
        return self.record.status

    @property
    def error_type(self) -> str:
        """The class of the exception that it failed with; empty for any other task."""
        if self.status is not Status.FAILURE:
            return ""
        return str(self.failure.get("exc_type", "Error"))


def needs_result(fields: Mapping[str, str]) -> bool:
    """Whether a list reads even a large result: for the task's error, or since Celery alone may have ended it."""
    return fields.get("status") not in {Status.SUCCESS, Status.REVOKED}


async def read(
    redis: "Redis", task_ids: Sequence[str], *, messages: bool = False, caller: str | None = None
) -> list[StoredTask | None]:
    """The tasks of these IDs, in their order; None where Redis has none. Messages may be large: only on request.

    With a `caller`, of their tasks alone: another's is asked for nothing but whose it is, and so takes no longer than
    one that is not there.
    """
    wanted = [each for each in task_ids if keys.is_task_id(each)]
    if caller is not None:
        wanted = await _of_caller(redis, wanted, caller)
    async with redis.pipeline(transaction=False) as pipe:
        for task_id in wanted:
            pipe.hgetall(keys.task(task_id))
            pipe.lrange(keys.attempts(task_id), 0, -1)
            pipe.lrange(keys.changes(task_id), 0, -1)
            pipe.get(keys.celery_result(task_id))
            pipe.get(keys.message(task_id) if messages else "")
        answers = await pipe.execute()
    answered = zip(*[iter(answers)] * 5, strict=True)
    found = {task_id: _stored(task_id, *each) for task_id, each in zip(wanted, answered, strict=True)}
    return [found.get(task_id) for task_id in task_ids]


async def _of_caller(redis: "Redis", task_ids: Sequence[str], caller: str) -> list[str]:
    async with redis.pipeline(transaction=False) as pipe:
        for task_id in task_ids:
            pipe.hget(keys.task(task_id), "caller")
        owners = await pipe.execute()
    return [task_id for task_id, owner in zip(task_ids, owners, strict=True) if (owner or "") == caller]


async def read_for_list(redis: "Redis", task_ids: Sequence[str]) -> list[StoredTask | None]:
    """The same without large results: a page of a list may have 500 tasks, and each result 1 MB."""
    wanted = [each for each in task_ids if keys.is_task_id(each)]
    async with redis.pipeline(transaction=False) as pipe:
        for task_id in wanted:
            pipe.hgetall(keys.task(task_id))
            pipe.lrange(keys.attempts(task_id), 0, -1)
            pipe.lrange(keys.changes(task_id), 0, -1)
            pipe.strlen(keys.celery_result(task_id))
        answers = await pipe.execute()
    records = dict(zip(wanted, zip(*[iter(answers)] * 4, strict=True), strict=True))
    asked = [
        task_id
        for task_id, (fields, _, _, size) in records.items()
        if 0 < size <= LISTED_RESULT_BYTES or (size and needs_result(fields))
    ]
    async with redis.pipeline(transaction=False) as pipe:  # not one MGET: Redis would serve nobody else meanwhile
        for task_id in asked:
            pipe.get(keys.celery_result(task_id))
        found = await pipe.execute()
    results: dict[str, Any] = dict(zip(asked, found, strict=True))
    return [
        _stored(task_id, fields, attempts, changes, results.get(task_id), None)
        for task_id, (fields, attempts, changes, _) in records.items()
    ]


def _stored(
    task_id: str,
    fields: dict[str, str],
    attempts: list[str],
    changes: list[str],
    result: str | None,
    message: str | None,
) -> StoredTask | None:
    if not fields:
        return None
    return StoredTask(task_id, fields, tuple(attempts), tuple(changes), result or "", message or "")
