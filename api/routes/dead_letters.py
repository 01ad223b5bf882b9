"""/api/v1/dead-letters: tasks that used up their deliveries or retries, for an operator to look at and replay."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.problems import problems
from api.routes.authorization import Admin
from api.routes.tasks import TaskId, TaskList, Tasks
from api.routes.why import Why
from api.services.task_view import TaskView

router = APIRouter(prefix="/api/v1/dead-letters", tags=["dead letters"])


@router.get("", response_model_exclude_none=True, responses=problems(401, 403, 422, 503))
async def dead_letters(_: Admin, tasks: Tasks, limit: Annotated[int, Query(ge=1, le=500)] = 100) -> TaskList:
    """The latest first; `error` and each attempt's `cause` tell why."""
    return TaskList(tasks=await tasks.dead_letters(limit))


@router.post(
    "/{task_id}/replay", status_code=202, response_model_exclude_none=True, responses=problems(401, 403, 404, 422, 503)
)
async def replay(task_id: TaskId, caller: Admin, tasks: Tasks, why: Why) -> TaskView:
    """Puts it back into its queue, with all its deliveries and retries before it."""
    return await tasks.replay(task_id, caller, why)
