"""/api/v1/task-types: what can be calculated, with the JSON schema and an example of each."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from risk.task_types import TASK_TYPES

router = APIRouter(prefix="/api/v1/task-types", tags=["tasks"])


class TaskTypeView(BaseModel):
    task_type: str
    summary: str
    data_schema: dict[str, Any]
    example: dict[str, Any]


class TaskTypes(BaseModel):
    task_types: list[TaskTypeView]


_ANSWER = TaskTypes(
    task_types=[
        TaskTypeView(
            task_type=name,
            summary=description.summary,
            data_schema=description.model.model_json_schema(),
            example={"task_type": name, "data": description.example},
        )
        for name, description in TASK_TYPES.items()
    ]
)


@router.get("")
async def task_types() -> TaskTypes:
    """The task types on offer."""
    return _ANSWER
