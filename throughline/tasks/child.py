"""A task that a running task submits: checked as the api checks a client's."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from pydantic import BaseModel

from throughline.errors import InvalidTaskData, PermanentError
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
    if isinstance(data, BaseModel):
        data = data.model_dump(mode="json", by_alias=True, exclude_unset=True)
    try:
        return json.loads(json.dumps(data, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise InvalidTaskData(f"data is not JSON: {error}") from None
