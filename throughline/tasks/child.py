"""A task that a running task submits: checked as the api checks a client's."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import orjson
from pydantic import BaseModel

from throughline.errors import InvalidTaskData, PermanentError
from throughline.json_value import TOO_DEEP, wrong_value
from throughline.ledger.celery_result import is_too_deep
from throughline.ledger.message import Queue
from throughline.tasks.task_type import TaskType


@dataclass(frozen=True)
class Child:
    """What is to be submitted."""

    task_type: str
    data: Any  # in JSON's own values
    queue: Queue

    @classmethod
    def of(cls, known: Mapping[str, TaskType], name: str, data: Any, queue: str | None) -> Self:
        """Raises `PermanentError` for what cannot be a task."""
        task_type = known.get(name)
        if task_type is None:
            raise PermanentError(f"There is no task type {name!r}; there are {', '.join(known)}.")
        if queue is not None and queue not in tuple(Queue):
            raise PermanentError(f"A queue must be high, medium or low, not {queue!r}.")
        sent = _as_sent(data)
        task_type.validated(sent)
        return cls(name, sent, Queue(queue) if queue else task_type.queue or Queue.MEDIUM)


def _as_sent(data: Any) -> Any:
    """As the api reads a client's body."""
    if isinstance(data, BaseModel):
        data = data.model_dump(mode="json", by_alias=True, exclude_unset=True)
    try:
        sent = orjson.loads(json.dumps(data, allow_nan=False, ensure_ascii=False).encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidTaskData(f"This is not JSON: {wrong_value(data, 'data') or error}.") from None
    if is_too_deep(sent):
        raise InvalidTaskData(f"This is not JSON: data is {TOO_DEEP}.")
    return sent
