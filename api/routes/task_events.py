"""/api/v1/tasks/{id}/events: a task's changes as server-sent events (WHATWG HTML, § 9.2)."""

from collections.abc import AsyncIterator
from typing import Final

from fastapi import APIRouter
from starlette.responses import StreamingResponse

from api.errors import Refusal
from api.problems import problems
from api.routes.authorization import Reader
from api.routes.tasks import TaskId, Tasks
from api.services import task_events
from api.services.task_view import TaskView

_HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}  # NGINX passes each event on at once

router = APIRouter(prefix="/api/v1/tasks", tags=["tasks"])


@router.get(
    "/{task_id}/events",
    response_class=StreamingResponse,
    responses=problems(401, 403, 404, 503) | {200: {"content": {"text/event-stream": {}}}},
)
async def events(task_id: TaskId, caller: Reader, tasks: Tasks) -> StreamingResponse:
    """`state` for each change of state, `progress` for each step of a running task; ends when the task is done."""
    await tasks.find(task_id, caller)  # an unknown task is answered with a problem, not with a stream

    async def lines() -> AsyncIterator[str]:
        status = None
        try:
            async for task in task_events.changes(lambda: tasks.find(task_id, caller)):
                if task is None:
                    yield ": still here\n\n"
                    continue
                yield _event("state" if task.status is not status else "progress", task)
                status = task.status
        except Refusal as refusal:
            # The answer has begun, so its status cannot change any more: a comment says why it ends.
            yield f": {refusal}\n\n"

    return StreamingResponse(lines(), media_type="text/event-stream", headers=_HEADERS)


def _event(name: str, task: TaskView) -> str:
    return f"event: {name}\ndata: {task.model_dump_json(exclude_none=True)}\n\n"
