"""/api/v1/task-types: what can be submitted, with the JSON schema and an example of each type."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from throughline.tasks.registry import registry

router = APIRouter(prefix="/api/v1/task-types", tags=["tasks"])


class TaskTypeView(BaseModel):
    task_type: str
    summary: str
    data_schema: dict[str, Any]
    example: dict[str, Any] | None = Field(default=None, description="A body for `POST /api/v1/tasks`.")


class TaskTypeList(BaseModel):
    task_types: list[TaskTypeView]


_ANSWER = TaskTypeList(
    task_types=[
        TaskTypeView(
            task_type=name,
            summary=task_type.summary,
            data_schema=task_type.data_schema,
            example=None if task_type.example is None else {"task_type": name, "data": task_type.example},
        )
        for name, task_type in registry().items()
    ]
)


@router.get("")
async def task_types() -> TaskTypeList:
    """The task types on offer."""
    return _ANSWER
