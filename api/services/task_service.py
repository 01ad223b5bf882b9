"""The rules of taking tasks in and telling how they fare, in terms of neither HTTP nor Redis."""

import hashlib
import time
import uuid
from dataclasses import dataclass

import orjson
from opentelemetry import trace
from opentelemetry.trace import SpanKind

from api.errors import CircuitOpen, IdempotencyKeyReused, TaskNotFound
from api.queue.envelope import celery_message
from api.queue.queue_service import Decision, QueueService, Submission
from api.services.task_view import TaskView, task_view
from contracts import keys
from contracts.status import Status
from contracts.tasks import TaskSubmission, TaskType
from observability import correlation, tracing
from observability.logging import event

_TRANSITION_EVENTS = {
    "open": ("circuit.opened", "The circuit breaker opened: too many tasks are waiting"),
    "half_open": ("circuit.half_opened", "The circuit breaker lets one request probe"),
    "closed": ("circuit.closed", "The circuit breaker closed: tasks are taken again"),
}


@dataclass(frozen=True)
class Submitted:
    """A task that is in the queue, or (`replayed`) one that an earlier request with the same key put there."""

    task_id: str
    status: Status
    position: int | None
    replayed: bool = False


class TaskService:
    """Takes tasks in and looks them up."""

    def __init__(self, queue: QueueService) -> None:
        self._queue = queue

    async def submit(self, task: TaskSubmission, idempotency_key: str | None = None) -> Submitted:
        """Accepts the task, or raises the `Refusal` that says why not."""
        task_id = str(uuid.uuid4())
        queue = task.target_queue
        correlation.bind_task(task_id)
        with tracing.span(f"publish {queue}", SpanKind.PRODUCER, {"queue": queue}) as span:
            decision = await self._queue.submit(_submission(task_id, task, idempotency_key))
            for transition in decision.transitions:
                event(*_TRANSITION_EVENTS[transition], {"circuit.state": transition})
            if decision.outcome == "accepted":
                span.set_attribute("queue_position", decision.position)
        if decision.outcome == "accepted":
            fields = {
                "task_type": task.task_type,
                "queue": queue,
                "priority": task.priority,
                "status": Status.PENDING,
            }
            event(
                "task.submitted",
                f"Accepted {task.task_type} into {queue} at position {decision.position}",
                fields,
            )
            return Submitted(task_id, Status.PENDING, decision.position)
        return await self._not_accepted(decision)

    async def _not_accepted(self, decision: Decision) -> Submitted:
        if decision.outcome == "replayed":
            first = await self.find(decision.first_task_id)
            correlation.bind_task(first.task_id)
            event("task.replayed", "The Idempotency-Key names a task accepted before", {"status": first.status})
            return Submitted(first.task_id, first.status, position=None, replayed=True)
        correlation.bind_task("")  # the ID made for it names nothing
        if decision.outcome == "circuit_open":
            raise CircuitOpen(decision.retry_after)
        raise IdempotencyKeyReused

    async def find(self, task_id: str) -> TaskView:
        """The task's present state; raises `TaskNotFound`."""
        (stored,) = await self._queue.read([task_id])
        if stored is None:
            raise TaskNotFound(task_id)
        return task_view(stored)

    async def of_correlation(self, correlation_id: str) -> list[TaskView]:
        """Every task submitted under this correlation ID, oldest first; empty when there is none."""
        stored = await self._queue.read(await self._queue.tasks_of(correlation_id))
        return [task_view(task) for task in stored if task is not None]


def _submission(task_id: str, task: TaskSubmission, idempotency_key: str | None) -> Submission:
    queue, task_type = task.target_queue, TaskType(task.task_type)
    data = task.data.model_dump(exclude_unset=True)
    correlation_id = correlation.current()
    record = {
        "task_type": task_type.value,
        "queue": queue.value,
        "priority": task.priority,
        "correlation_id": correlation_id,
        "trace_id": f"{trace.get_current_span().get_span_context().trace_id:032x}",
    }
    message = celery_message(
        task_id,
        task_type,
        data,
        queue,
        correlation_id=correlation_id,
        traceparent=tracing.traceparent(),
        published_at=time.time(),
    )
    if idempotency_key is None:
        return Submission(task_id, queue, correlation_id, message, record)
    key = keys.idempotency("anonymous", _sha256(idempotency_key.encode()))
    payload_hash = _sha256(orjson.dumps(task.model_dump(exclude_unset=True), option=orjson.OPT_SORT_KEYS))
    return Submission(task_id, queue, correlation_id, message, record, key, payload_hash)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
