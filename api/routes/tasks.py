"""/api/v1/tasks: submit a task, look one up, follow it, cancel it, list those of a correlation ID."""

import re
from datetime import datetime
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from pydantic import BaseModel

from api.errors import IdempotencyKeyInvalid, UnsupportedMediaType
from api.middleware import TASK_TYPE_HEADER
from api.problems import problems
from api.routes.authorization import DOCUMENTED, Admin, Canceller, Reader, caller_of
from api.services.callers import Caller, Scope
from api.services.task_service import Submitted, TaskService
from api.services.task_view import TaskView
from api.services.timeline import Timeline
from api.submission import EXAMPLE, TaskSubmission
from throughline.ledger.states import Status

_KEY = re.compile(r'"(?P<quoted>[\x21\x23-\x7e ]{1,255})"|(?P<bare>[\x21\x23-\x7e]{1,255})', re.ASCII)


# Dependencies are async though they await nothing: FastAPI sends any other to a thread, 0.1 ms of processor time each.
async def _task_service(request: Request) -> TaskService:
    service = request.app.state.task_service
    assert isinstance(service, TaskService)
    return service


class _Call(NamedTuple):
    caller: Caller
    tasks: TaskService
    idempotency_key: str | None


async def _call(request: Request) -> _Call:
    """All that a submission needs beside its body. One dependency: each one more would cost as much as a log line."""
    media_type = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise UnsupportedMediaType(media_type)
    key = request.headers.get("Idempotency-Key")
    return _Call(
        caller_of(request, Scope.SUBMIT),
        await _task_service(request),
        None if key is None else _unquoted(key),
    )


def _unquoted(key: str) -> str:
    """The key without its quotes (RFC 8941 strings have them, most clients do not send them)."""
    match = _KEY.fullmatch(key)
    if match is None:
        raise IdempotencyKeyInvalid
    return match["quoted"] or match["bare"]


Tasks = Annotated[TaskService, Depends(_task_service)]
TaskId = Annotated[str, Path(description="The `task_id` of a submission's answer.")]


class SubmittedTask(BaseModel):
    """The task is recorded and in its queue; `from_cache` says that an earlier request with this key put it there.

    `estimated_start` comes from the measured time between starts of its queue; it is absent while no worker is alive,
    or before anything was measured.
    """

    task_id: str
    status: Status
    queue_position: int | None = None
    estimated_start: datetime | None = None
    from_cache: bool | None = None


class TaskList(BaseModel):
    tasks: list[TaskView]


router = APIRouter(prefix="/api/v1/tasks", tags=["tasks"])


@router.post(
    "",
    status_code=201,
    response_model_exclude_none=True,
    responses=problems(400, 401, 403, 413, 415, 422, 503),
    openapi_extra={
        "security": DOCUMENTED,
        "parameters": [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": "1 to 255 printable ASCII characters, bare or in double quotes.",
                "schema": {"type": "string"},
            }
        ],
        "requestBody": {"content": {"application/json": {"example": EXAMPLE}}},
    },
)
async def submit(
    call: Annotated[_Call, Depends(_call)], task: TaskSubmission, request: Request, response: Response
) -> SubmittedTask:
    """Puts a task in its queue. 201 means: recorded, enqueued, and it will run."""
    task.keep_as_sent(await request.body())
    return _answer(await call.tasks.submit(task, call.caller, call.idempotency_key), response)


def _answer(submitted: Submitted, response: Response) -> SubmittedTask:
    response.headers["Location"] = f"/api/v1/tasks/{submitted.task_id}"
    if submitted.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    else:
        response.headers[TASK_TYPE_HEADER] = submitted.task_type
    return SubmittedTask(
        task_id=submitted.task_id,
        status=submitted.status,
        queue_position=submitted.position,
        estimated_start=submitted.estimated_start,
        from_cache=True if submitted.replayed else None,
    )


@router.post(
    "/{task_id}/resubmit",
    status_code=201,
    response_model_exclude_none=True,
    responses=problems(400, 401, 403, 404, 409, 422, 503),
)
async def resubmit(
    task_id: TaskId,
    caller: Admin,
    tasks: Tasks,
    response: Response,
    idempotency_key: Annotated[str | None, Header(description="1 to 255 printable ASCII characters.")] = None,
) -> SubmittedTask:
    """Submits again what it was submitted with, as a new task of the same caller."""
    key = None if idempotency_key is None else _unquoted(idempotency_key)
    return _answer(await tasks.resubmit(task_id, caller, key), response)


@router.get("/{task_id}", response_model_exclude_none=True, responses=problems(401, 403, 404, 422, 503))
async def find(
    task_id: TaskId,
    caller: Reader,
    tasks: Tasks,
    wait: Annotated[float, Query(ge=0, le=30, description="Seconds to wait for the task's end.")] = 0,
) -> TaskView:
    """The task's state, times and attempts; its result or error once it is done."""
    return await tasks.find(task_id, caller, wait)


@router.get("/{task_id}/timeline", response_model_exclude_none=True, responses=problems(401, 403, 404, 503))
async def timeline(task_id: TaskId, caller: Reader, tasks: Tasks) -> Timeline:
    """Every change of its state and, until it is done, where it is now and why."""
    return await tasks.timeline(task_id, caller)


@router.delete("/{task_id}", response_model_exclude_none=True, responses=problems(401, 403, 404, 409, 503))
async def cancel(task_id: TaskId, caller: Canceller, tasks: Tasks) -> TaskView:
    """Cancels it: one that waits never starts (REVOKED at once), one that runs stops between two of its chunks."""
    return await tasks.cancel(task_id, caller)


@router.get("", response_model_exclude_none=True, responses=problems(401, 403, 422, 503))
async def of_correlation(
    correlation_id: Annotated[str, Query(pattern=r"^[A-Za-z0-9._:-]{1,128}$")], caller: Reader, tasks: Tasks
) -> TaskList:
    """Every task submitted under one correlation ID, oldest first."""
    return TaskList(tasks=await tasks.of_correlation(correlation_id, caller))
