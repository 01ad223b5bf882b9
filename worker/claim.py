"""What every task does before it runs: claims itself, and stands back when it has ended or been cancelled meanwhile."""

from typing import Any

from celery import Task
from celery.exceptions import Ignore

from contracts.status import Status
from worker import telemetry


class ClaimedTask(Task):
    """The class of all tasks here."""

    def before_start(self, task_id: str, args: Any, kwargs: Any) -> None:
        """Raises `Ignore`, which acknowledges the message and stores nothing, for a task that must not run."""
        claimed = self.app.backend.claim(task_id, self.request)
        if claimed == "run":
            telemetry.started(self)
            return
        if claimed == "cancel":
            self.app.backend.store_result(task_id, None, Status.REVOKED, request=self.request)
            telemetry.not_run(self, Status.REVOKED)
        else:
            telemetry.not_run(self, Status(claimed))
        raise Ignore(f"{task_id} is not run: {claimed}")
