"""The tasks of the registry, as Celery knows them: observed, and stoppable at their checkpoints."""

from collections.abc import Callable
from typing import Any

from celery import Task
from celery.exceptions import Ignore

from throughline.errors import TaskCancelled, WrongTask
from throughline.ledger.message import MESSAGE_PRIORITY
from throughline.settings import WorkerSettings
from throughline.tasks.registry import registry
from throughline.tasks.result import as_json
from throughline.tasks.task_type import TaskType
from worker import telemetry
from worker.app import app
from worker.task_run import WorkerRun


def _register(task_type: TaskType) -> None:
    function, options = task_type.function(), _options(task_type)

    def run(self: Task, data: Any) -> Any:
        try:
            return _ran(WorkerRun(self), task_type, function, data)
        except TaskCancelled as cancelled:
            self.backend.mark_as_revoked(self.request.id, str(cancelled), request=self.request)
            telemetry.cancelled(self)
            raise Ignore from None  # its state is stored: Celery shall add none

    run.__doc__, run.__qualname__ = task_type.summary, task_type.name  # a message with other arguments names it
    app.task(name=task_type.name, bind=True, **options)(run)


def _ran(run: WorkerRun, task_type: TaskType, function: Callable[[Any, Any], Any], data: Any) -> Any:
    with run.phase("validate"):
        model = task_type.validated(data)
    return as_json(function(model, run))


def _options(task_type: TaskType) -> dict[str, Any]:
    """What the task says itself; the rest is as in the settings."""
    settings = WorkerSettings.load()
    soft, hard = task_type.soft_time_limit, task_type.time_limit or settings.task_time_limit_seconds
    if hard >= settings.visibility_timeout_seconds:
        raise task_type.wrong(
            f"its time_limit ({hard:g}) must be below VISIBILITY_TIMEOUT_SECONDS "
            f"({settings.visibility_timeout_seconds}): while it runs it would be delivered a second time"
        )
    if soft is not None and soft >= hard:
        raise task_type.wrong(f"its soft_time_limit ({soft:g}) must be below TASK_TIME_LIMIT_SECONDS ({hard:g})")
    if soft is None and hard <= settings.task_soft_time_limit_seconds:
        soft = 0  # none
    said = {
        "max_retries": task_type.max_retries,
        "default_retry_delay": task_type.retry_seconds,
        "soft_time_limit": soft,
        "time_limit": task_type.time_limit,
        # For what is sent with Celery's own send_task or canvas: Run.submit and the api look at the task type.
        "queue": task_type.queue,
        "priority": MESSAGE_PRIORITY[task_type.queue] if task_type.queue else None,
    }
    return {name: value for name, value in said.items() if value is not None}


try:
    for each in registry().values():
        _register(each)
except WrongTask as wrong:
    raise SystemExit(str(wrong)) from None
