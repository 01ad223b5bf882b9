"""/api/v1/tasks: submit a task, look one up, list those of a correlation ID."""

import re
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from pydantic import BaseModel

from api.errors import IdempotencyKeyInvalid, UnsupportedMediaType
from api.problems import MEDIA_TYPE, Problem
from api.services.task_service import TaskService
from api.services.task_view import TaskView
from contracts.calculate_var import EXAMPLE
from contracts.status import Status
from contracts.tasks import TaskSubmission

_KEY = re.compile(r'"(?P<quoted>[\x21\x23-\x7e ]{1,255})"|(?P<bare>[\x21\x23-\x7e]{1,255})', re.ASCII)


def _task_service(request: Request) -> TaskService:
    service = request.app.state.task_service
    assert isinstance(service, TaskService)
    return service


def _json_declared(content_type: Annotated[str, Header(include_in_schema=False)] = "") -> None:
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise UnsupportedMediaType(content_type)


def _idempotency_key(
    value: Annotated[str | None, Header(alias="Idempotency-Key", max_length=257)] = None,
) -> str | None:
    """The key without its quotes (RFC 8941 strings have them, most clients do not send them)."""
    if value is None:
        return None
    match = _KEY.fullmatch(value)
    if match is None:
        raise IdempotencyKeyInvalid
    return match["quoted"] or match["bare"]


Tasks = Annotated[TaskService, Depends(_task_service)]


def _problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": Problem, "content": {MEDIA_TYPE: {}}} for status in statuses}


class SubmittedTask(BaseModel):
    """The task is recorded and in its queue; `from_cache` says that an earlier request with this key put it there."""

    task_id: str
    status: Status
    queue_position: int | None = None
    from_cache: bool | None = None


class TaskList(BaseModel):
    tasks: list[TaskView]


router = APIRouter(prefix="/api/v1/tasks", tags=["tasks"])


@router.post(
    "",
    status_code=201,
    response_model_exclude_none=True,
    responses=_problems(400, 413, 415, 422, 503),
    dependencies=[Depends(_json_declared)],
    openapi_extra={
        "requestBody": {
            "content": {
                "application/json": {"example": {"task_type": "calculate_var", "data": EXAMPLE, "priority": "high"}}
            }
        }
    },
)
async def submit(
    task: TaskSubmission,
    tasks: Tasks,
    response: Response,
    idempotency_key: Annotated[str | None, Depends(_idempotency_key)],
) -> SubmittedTask:
    """Puts a task in its queue. 201 means: recorded, enqueued, and it will run."""
    submitted = await tasks.submit(task, idempotency_key)
    response.headers["Location"] = f"/api/v1/tasks/{submitted.task_id}"
    if submitted.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return SubmittedTask(
        task_id=submitted.task_id,
        status=submitted.status,
        queue_position=submitted.position,
        from_cache=True if submitted.replayed else None,
    )


@router.get("/{task_id}", response_model_exclude_none=True, responses=_problems(404, 503))
async def find(task_id: str, tasks: Tasks) -> TaskView:
    """The task's state, times and attempts; its result or error once it is done."""
    return await tasks.find(task_id)


@router.get("", response_model_exclude_none=True, responses=_problems(422, 503))
async def of_correlation(
    correlation_id: Annotated[str, Query(pattern=r"^[A-Za-z0-9._:-]{1,128}$")], tasks: Tasks
) -> TaskList:
    """Every task submitted under one correlation ID, oldest first."""
    return TaskList(tasks=await tasks.of_correlation(correlation_id))
