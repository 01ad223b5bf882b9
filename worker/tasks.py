"""The tasks of the registry, as Celery knows them: observed, and stoppable at their checkpoints."""

from collections.abc import Callable
from typing import Any

from celery import Task
from celery.exceptions import Ignore

from throughline.errors import TaskCancelled, TaskError, WrongTask
from throughline.tasks.registry import registry
from throughline.tasks.task_type import TaskType
from worker import telemetry
from worker.app import app
from worker.task_run import WorkerRun


def _register(task_type: TaskType) -> None:
    function = task_type.function()

    def run(self: Task, data: Any) -> Any:
        try:
            return _ran(WorkerRun(self), task_type, function, data)
        except TaskCancelled as cancelled:
            self.backend.mark_as_revoked(self.request.id, str(cancelled), request=self.request)
            telemetry.cancelled(self)
            raise Ignore from None  # its state is stored: Celery shall add none

    run.__doc__ = task_type.summary
    app.task(name=task_type.name, bind=True, throws=(TaskError,))(run)


def _ran(run: WorkerRun, task_type: TaskType, function: Callable[[Any, Any], Any], data: Any) -> Any:
    with run.phase("validate"):
        model = task_type.validated(data)
    return function(model, run)


try:
    for each in registry().values():
        _register(each)
except WrongTask as wrong:
    raise SystemExit(str(wrong)) from None
