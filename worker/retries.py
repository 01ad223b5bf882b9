"""What becomes of a task after a temporary error: it runs again a little later, three times, then it is a dead letter.

The wait is in Redis (`tl:delayed`), not in a worker's memory as Celery's own retry would have it: it survives the
worker, holds no place in it, and is told by the task's record. The monitor's sweep puts a task back whose wait is over.
"""

import random
from typing import NoReturn

from celery import Task
from celery.exceptions import Ignore

from worker import telemetry


def later(task: Task, error: Exception) -> NoReturn:
    """Raises `Ignore`, which acknowledges the message: the task's state is stored already."""
    # Tasks that failed together do not come back together.
    delay = task.default_retry_delay * random.uniform(0.8, 1.2)  # noqa: S311
    outcome = task.app.backend.retry_later(task.request, error, delay, task.max_retries).outcome
    if outcome == "unstored":
        raise task.retry(exc=error, countdown=delay, max_retries=task.max_retries)
    if outcome == "retry":
        telemetry.retried(task, error)
    elif outcome == "dead":
        telemetry.dead_lettered(task, error)
    raise Ignore from None
