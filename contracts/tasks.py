"""The task types on offer and the envelope that a client submits one in."""

from enum import StrEnum
from typing import Any, Final, Literal, NamedTuple

from pydantic import BaseModel, Field

from contracts import calculate_var
from contracts.calculate_var import CalculateVarData, Strict
from contracts.message import Queue


class TaskType(StrEnum):
    """A task type's name: the same word in the API, in Celery, in log lines and in spans."""

    CALCULATE_VAR = "calculate_var"


class CalculateVarSubmission(Strict):
    """A `calculate_var` task as a client submits it."""

    task_type: Literal["calculate_var"]
    data: CalculateVarData
    priority: Literal["high", "medium", "low"] = "medium"
    queue: Literal["high", "medium", "low"] | None = Field(
        default=None, description="Queue to wait in, when it is not the one that the priority names."
    )

    @property
    def target_queue(self) -> Queue:
        return Queue(self.queue or self.priority)


# A union, discriminated by task_type, as soon as there is a second type.
TaskSubmission = CalculateVarSubmission


class TaskTypeDescription(NamedTuple):
    """What `GET /api/v1/task-types` says of one type."""

    model: type[BaseModel]
    summary: str
    example: dict[str, Any]


TASK_TYPES: Final[dict[TaskType, TaskTypeDescription]] = {
    TaskType.CALCULATE_VAR: TaskTypeDescription(
        CalculateVarData,
        "Value at risk and expected shortfall of a portfolio, by Monte Carlo simulation.",
        calculate_var.EXAMPLE,
    ),
}
