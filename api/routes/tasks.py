"""/api/v1/tasks: submit a task, look one up, follow it, cancel it, list tasks by filters."""

import asyncio
from collections import Counter
from typing import Annotated, Any, Final, NamedTuple

import orjson
from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, WithJsonSchema

from api.errors import UnsupportedMediaType
from api.problems import problems
from api.routes import idempotency_key
from api.routes.authorization import DOCUMENTED, Admin, Canceller, Reader, caller_of
from api.routes.submission_route import SubmissionRoute
from api.routes.submitted_answer import SubmittedAnswer, SubmittedTask
from api.routes.why import Why
from api.services.callers import Caller, Scope
from api.services.task_service import TaskService
from api.services.task_view import TaskView
from api.services.timeline import Timeline
from api.submission import EXAMPLE, Sent, TaskSubmission
from throughline.ledger.keys import LONGEST_TASK_ID
from throughline.ledger.list_filters import ListFilters
from throughline.web.methods import is_head


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
    """All that a submission needs beside its body."""
    media_type = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise UnsupportedMediaType(media_type)
    key = request.headers.get(idempotency_key.NAME)
    return _Call(
        caller_of(request, Scope.SUBMIT),
        await _task_service(request),
        None if key is None else idempotency_key.unquoted(key),
    )


Tasks = Annotated[TaskService, Depends(_task_service)]
# Told and not checked here: an ID that no task can have is that of no task, 404 and not 422.
TaskId = Annotated[
    str,
    Path(
        description="The `task_id` of a submission's answer.",
        json_schema_extra={"minLength": 1, "maxLength": LONGEST_TASK_ID, "pattern": r"^\S+$"},
    ),
]


class TaskList(BaseModel):
    tasks: list[TaskView]


class TaskPage(TaskList):
    """A page of a list; `next` is the `cursor` of the one after it, absent from the last."""

    next: str | None = None


_Key = Annotated[
    str | None,
    Header(alias=idempotency_key.NAME, description=idempotency_key.DESCRIPTION),
    WithJsonSchema(idempotency_key.SCHEMA),
]
_TAKEN: Final[dict[int | str, dict[str, Any]]] = {
    201: {
        "headers": {
            "Location": {"description": "The task's path.", "required": True, "schema": {"type": "string"}},
            "Idempotent-Replayed": {
                "description": "An earlier request with this key put it there.",
                "schema": {"type": "string", "enum": ["true"]},
            },
        }
    }
}
_PAGE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"headers": {"Link": {"description": 'The next page, `rel="next"`.', "schema": {"type": "string"}}}}
}

_CANCELLED: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "It is cancelled: `status` is REVOKED."},
    202: {"model": TaskView, "description": "A worker has it: it is asked to stop (`cancel_requested`)."},
}


router = APIRouter(prefix="/api/v1/tasks", tags=["tasks"])


async def submit(call: Annotated[_Call, Depends(_call)], task: TaskSubmission, request: Request) -> Response:
    """Puts a task in its queue. 201 means: recorded, enqueued, and it will run."""
    sent = Sent.of(await request.body())
    return SubmittedAnswer(await call.tasks.submit(task, call.caller, call.idempotency_key, sent))


router.add_api_route(
    "",
    submit,
    methods=["POST"],
    route_class_override=SubmissionRoute,
    status_code=201,
    response_model=SubmittedTask,
    responses=problems(400, 401, 403, 413, 415, 422, 503) | _TAKEN,
    openapi_extra={
        "security": DOCUMENTED,
        "parameters": [
            {
                "name": idempotency_key.NAME,
                "in": "header",
                "required": False,
                "description": idempotency_key.DESCRIPTION,
                "schema": idempotency_key.SCHEMA,
            },
            {
                "name": "Content-Encoding",
                "in": "header",
                "required": False,
                "description": "`gzip` for a body that comes compressed: at most 1 MB as it is sent, and "
                "MAX_UNPACKED_BODY_BYTES (4 MB) when it is unpacked.",
                "schema": {"type": "string", "enum": ["gzip"]},
            },
        ],
        "requestBody": {"content": {"application/json": {"example": EXAMPLE}}},
    },
)


@router.post(
    "/{task_id}/resubmit",
    status_code=201,
    response_model=SubmittedTask,
    responses=problems(400, 401, 403, 404, 409, 422, 503) | _TAKEN,
)
async def resubmit(
    task_id: TaskId,
    caller: Admin,
    tasks: Tasks,
    why: Why,
    sent_key: _Key = None,
) -> Response:
    """Submits again what it was submitted with, as a new task of the same caller."""
    key = None if sent_key is None else idempotency_key.unquoted(sent_key)
    return SubmittedAnswer(await tasks.resubmit(task_id, caller, key, why))


@router.get("/{task_id}", response_model_exclude_none=True, responses=problems(401, 403, 404, 422, 503))
async def find(
    task_id: TaskId,
    caller: Reader,
    tasks: Tasks,
    request: Request,
    wait: Annotated[float, Query(ge=0, le=30, description="Seconds to wait for the task's end.")] = 0,
) -> TaskView:
    """The task's state, times and attempts; its result or error once it is done."""
    return await tasks.find(task_id, caller, 0 if is_head(request.scope) else wait)


class SubmittedData(BaseModel):
    """What a task was submitted with."""

    task_id: str
    task_type: str
    data: Any = Field(description="As it was sent; `data` of the same task in `POST /api/v1/tasks`.")


@router.get("/{task_id}/input", response_model=SubmittedData, responses=problems(401, 403, 404, 409, 503))
async def submitted_data(task_id: TaskId, caller: Reader, tasks: Tasks) -> Response:
    """The data that it was submitted with, for as long as the task is kept: for its own caller, or an admin.

    409 `TASK_DATA_NOT_KEPT` for a task that did not come through this API.
    """
    told = await tasks.input(task_id, caller)
    # Written by itself: the data fitted a model once, and to go through one again takes long where they are large.
    content = await asyncio.to_thread(orjson.dumps, told._asdict())
    return Response(content, headers={"Cache-Control": "no-store"}, media_type="application/json")


@router.get("/{task_id}/timeline", response_model_exclude_none=True, responses=problems(401, 403, 404, 503))
async def timeline(task_id: TaskId, caller: Reader, tasks: Tasks) -> Timeline:
    """Every change of its state and, until it is done, where it is now and why."""
    return await tasks.timeline(task_id, caller)


@router.delete(
    "/{task_id}",
    response_model_exclude_none=True,
    responses=problems(401, 403, 404, 409, 422, 503) | _CANCELLED,
)
async def cancel(task_id: TaskId, caller: Canceller, tasks: Tasks, why: Why, response: Response) -> TaskView:
    """Cancels it: one that waits never starts (200), one that a worker has is asked to stop (202).

    After a 202 it stops at its next checkpoint, unless it ends before: its state says which, and its timeline that the
    cancellation came too late. 409 `TASK_FINISHED` once it has ended, cancelled ones too.
    """
    view = await tasks.cancel(task_id, caller, why)
    if not view.status.is_final:
        response.status_code = 202
    return view


async def _filters(request: Request, filters: Annotated[ListFilters, Query()]) -> ListFilters:
    """FastAPI takes the last of several values; a filter that is silently dropped would answer another question."""
    given = Counter(name for name, _ in request.query_params.multi_items())
    for name, times in given.items():
        if times > 1 and name != "status":
            mistake = {"type": "value_error", "loc": ("query", name), "msg": "Must be given once", "input": times}
            raise RequestValidationError([mistake])
    return filters


@router.get("", response_model_exclude_none=True, responses=problems(401, 403, 422, 503) | _PAGE)
async def listed(
    filters: Annotated[ListFilters, Depends(_filters)],
    caller: Reader,
    tasks: Tasks,
    request: Request,
    response: Response,
) -> TaskPage:
    """The caller's tasks that all of the filters let through, newest first; everybody's with the scope `admin`.

    The tasks are as `GET /api/v1/tasks/{task_id}` tells them; but a `result` of more than 2 kB is left out. `next` is
    the `cursor` of the next page, absent from the last one. Tasks that are submitted meanwhile shift no page.
    """
    page = await tasks.page(filters, caller)
    if page.cursor is not None:
        following = request.url.include_query_params(cursor=page.cursor)
        response.headers["Link"] = f'<{following.path}?{following.query}>; rel="next"'
    return TaskPage(tasks=page.tasks, next=page.cursor)
