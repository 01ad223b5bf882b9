"""What happens around every run: what the claim says, the refusal to run, and the retry."""

from typing import Any

from billiard.common import terminate_handler_fired
from celery import Task
from celery.exceptions import Ignore, TaskPredicate

from throughline.errors import TooManyDeliveries
from throughline.ledger.states import Status
from throughline.settings import WorkerSettings
from worker import retries, telemetry
from worker.failure import Failure


class ClaimedTask(Task):
    """The class of all tasks here."""

    # Unless the task says otherwise.
    max_retries = WorkerSettings.load().task_max_retries
    default_retry_delay = WorkerSettings.load().task_retry_seconds
    # The soft limit lets the task say why; the hard one kills the process. As the app's configuration they would hold
    # for the whole pool, where a task with a shorter hard limit has none: it counts from the end of the soft one.
    soft_time_limit = WorkerSettings.load().task_soft_time_limit_seconds
    time_limit = WorkerSettings.load().task_time_limit_seconds
    # Of an error that is not in here, OpenTelemetry's instrumentation puts message and traceback into the span of the
    # run, and with them the task's data. An event of ours tells of every error.
    throws = (Exception,)
    # Of the result in Celery's own events and lines: it is the client's, and took 0.15 ms for a value at risk.
    resultrepr_maxsize = 0
    Request = "worker.held_request:HeldRequest"

    def before_start(self, task_id: str, args: Any, kwargs: Any) -> None:
        """Raises `Ignore`, which acknowledges the message and stores nothing, for a task that must not run."""
        claim = telemetry.claimed(task_id)
        match claim.outcome:
            case "run":
                telemetry.started(self)
                return
            case "cancel":
                self.app.backend.store_result(task_id, None, Status.REVOKED, request=self.request)
                telemetry.not_run(self, Status.REVOKED)
            case "dead":
                telemetry.dead_lettered(self, TooManyDeliveries.after(WorkerSettings.load().max_deliveries))
            case "running":
                telemetry.not_run(self, Status.STARTED)
            case "moved":
                telemetry.moved(self)
            case _:
                telemetry.not_run(self, Status(claim.outcome))
        raise Ignore(f"{task_id} is not run: {claim.outcome}")

    def _soft_limit(self) -> float | None:
        """That of its message, or its own."""
        _, soft = self.request.timelimit or (None, None)
        return soft or self.soft_time_limit

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return self.run(*args, **kwargs)
        except TaskPredicate:  # what is raised to tell Celery something
            raise
        except (Exception, SystemExit) as error:
            if self.request.called_directly or terminate_handler_fired():  # the worker ends this process
                raise
            failure = Failure.of(error, [args, kwargs], self._soft_limit())
        if failure.is_temporary:
            retries.later(self, failure)
        raise failure
