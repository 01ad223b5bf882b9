"""The worker's share of the journey: what happens to a task, as events, and the signals of Celery that say so."""

import logging
from typing import Any

from billiard.util import get_logger as get_billiard_logger
from celery import Task
from celery.signals import (
    setup_logging,
    task_failure,
    task_postrun,
    task_prerun,
    task_received,
    task_retry,
    task_success,
    worker_process_init,
    worker_process_shutdown,
    worker_ready,
    worker_shutdown,
)

from throughline.errors import TooManyDeliveries
from throughline.ledger.answers import Claim
from throughline.ledger.attempt_end import end_fields
from throughline.ledger.states import Status
from throughline.settings import WorkerSettings
from throughline.telemetry import logging as log_lines
from throughline.telemetry import tracing
from throughline.telemetry.logging import event
from throughline.telemetry.span_batches import CHILD_EXPORT_SECONDS
from worker import failure, instrumentation
from worker.delivery import Delivery
from worker.running_task import RunningTask

_running: dict[str, RunningTask] = {}  # by task id; a prefork process runs one at a time


def install(settings: WorkerSettings) -> None:
    """Connects to Celery's signals; in each prefork child, sets up log lines and spans anew."""

    def set_up_process(**_: Any) -> None:
        log_lines.setup("worker", settings)
        # Celery's own lines about each task repeat ours, with a traceback even for a mistake of the client.
        for name in ("celery.app.trace", "celery.worker.strategy", "celery.worker.request"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        pool = get_billiard_logger()  # that a process was killed is a line like any other
        pool.propagate = True
        pool.setLevel(logging.WARNING)

    def set_up_child(**_: Any) -> None:
        set_up_process()
        set_up_spans()

    def set_up_spans(**_: Any) -> None:
        tracing.setup("worker", settings)
        instrumentation.install()

    def tell_started(**_: Any) -> None:
        log_lines.tell_started("worker", settings)

    setup_logging.connect(set_up_process, weak=False)
    worker_ready.connect(tell_started, weak=False)
    # In the main process after the others have parted from it: for what they do not live to tell.
    worker_ready.connect(set_up_spans, weak=False)
    worker_shutdown.connect(_flush, weak=False)
    worker_process_init.connect(set_up_child, weak=False)
    worker_process_shutdown.connect(_flush_child, weak=False)
    task_received.connect(_received)
    task_prerun.connect(_prepared)
    task_success.connect(_succeeded)
    task_failure.connect(_failed)
    task_retry.connect(_retried)
    task_postrun.connect(_done)


def _received(request: Any, **_: Any) -> None:
    """In the main process."""
    delivery = request.delivery
    with delivery.bound():
        if not delivery.is_recorded:
            request.task.backend.received(delivery)
        fields = {"task_type": delivery.task_type, "queue": delivery.queue}
        event("task.received", f"Took {delivery.task_type} from {delivery.queue}", fields)


def _prepared(task_id: str, task: Task, **_: Any) -> None:
    """Before the instrumentation opens the span of the run: receivers are called in the order of connecting."""
    _running[task_id] = RunningTask(task)
    _running[task_id].claim()


def claimed(task_id: str) -> Claim:
    """Whether this process is to run the task; raises what kept it from asking."""
    running = _running[task_id]
    claim = running.opened()
    if lost := running.lost_before:
        fields = running.fields | end_fields(lost) | {"cause": lost.cause}
        event("task.put_back", f"Its message came again: {lost.cause}", fields)
    return claim


def started(task: Task) -> None:
    """The task is claimed by this process and about to calculate."""
    running = _running.get(task.request.id)
    if running is not None:
        fields = running.fields | running.began | {"status": Status.STARTED}
        event("task.started", f"Runs {task.name}", fields)


def not_run(task: Task, status: Status) -> None:
    """Its message came, but the task was cancelled before it started, or is done already."""
    running = _running.get(task.request.id)
    if running is not None:
        action = "task.cancelled" if status is Status.REVOKED else "task.skipped"
        event(action, f"{task.name} is not run: it is {status}", running.not_run(status))


def moved(task: Task) -> None:
    """Its message came again after the task had ended and been forgotten here: how it ended, the history knows."""
    running = _running.get(task.request.id)
    if running is not None:
        event("task.skipped", f"{task.name} is not run: it has ended, and is in the history", running.fields)


def _succeeded(sender: Task, **_: Any) -> None:
    running = _running[sender.request.id]
    if _is_late(sender, running, Status.SUCCESS):
        return
    event("task.succeeded", f"{sender.name} succeeded; the result is stored", running.ended(Status.SUCCESS))


def _failed(sender: Task, task_id: str, exception: BaseException, **_: Any) -> None:
    error = failure.log_fields(exception)
    running = _running.get(task_id)
    if running is None:  # in the main process: see held_request.py
        end = sender.backend.end_of(task_id)
        ended = end_fields(end.attempt) if end and end.attempt else {}
        fields = {"task_type": sender.name, "queue": Delivery.of_request(sender.request).queue}
        fields |= {"status": Status.FAILURE}
        event("task.failed", f"{sender.name} failed: {error['error.message']}", fields | ended | error)
        return
    if _is_late(sender, running, Status.FAILURE):
        return
    tracing.mark_failed(running.span, exception)
    why = error.get("error.message") or error["error.type"]
    event("task.failed", f"{sender.name} failed: {why}", running.ended(Status.FAILURE) | error)


def cancelled(task: Task) -> None:
    """A running task stopped because it was cancelled: no failure."""
    running = _running[task.request.id]
    if _is_late(task, running, Status.REVOKED):
        return
    event("task.cancelled", f"{task.name} was cancelled while it ran", running.ended(Status.REVOKED))


def _is_late(task: Task, running: RunningTask, status: Status) -> bool:
    """A later attempt counts by now, or another end: whoever stored that writes this run's span and how it ended."""
    if not task.backend.came_too_late(running.delivery.task_id):
        return False
    event("task.came_too_late", f"{task.name} came too late: its {status} is not stored", running.fields)
    return True


def retried(task: Task, error: BaseException) -> None:
    """A temporary error: the task waits for its next attempt."""
    running = _running[task.request.id]
    told = failure.log_fields(error)
    running.span.set_attribute("error.type", told["error.type"])
    event("task.retried", f"{task.name} will run again", running.ended(Status.RETRY) | told)


def dead_lettered(task: Task, error: BaseException) -> None:
    """Its retries are used up with this error, or its deliveries were when it was to start."""
    running = _running[task.request.id]
    if isinstance(error, TooManyDeliveries):
        reason, fields = str(error), running.not_run(Status.FAILURE)
    else:
        reason, fields = f"its retries are used up: {type(error).__name__}", running.ended(Status.FAILURE)
        tracing.mark_failed(running.span, error)
    told = {"error.message": reason} | failure.log_fields(error)
    event("task.dead_lettered", f"{task.name} is a dead letter: {reason}", fields | told)


def _retried(sender: Task, reason: Any, **_: Any) -> None:
    if running := _running.get(sender.request.id):
        error = reason.exc or reason
        running.retried_for = type(error).__name__
        retried(sender, error)


def _done(task_id: str, **_: Any) -> None:
    running = _running.pop(task_id, None)
    if running is not None:
        running.close()


def _flush(**_: Any) -> None:
    tracing.flush()


def _flush_child(**_: Any) -> None:
    """Of a process that another one replaces as soon as it has ended."""
    tracing.flush(CHILD_EXPORT_SECONDS)
