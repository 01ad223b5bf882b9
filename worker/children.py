"""`Run.submit`: a running task submits another through the front door, as a client would through the api."""

import hashlib
import uuid
from typing import Any, Final

import orjson
from celery import Task
from opentelemetry.trace import SpanKind

from throughline.errors import QueueFull
from throughline.ledger import admission_events, keys
from throughline.ledger.envelope import Origin
from throughline.ledger.states import Status
from throughline.ledger.submission import Decision, Submission
from throughline.settings import WorkerSettings
from throughline.tasks.child import Child
from throughline.tasks.registry import registry
from throughline.telemetry import correlation, messaging, trace_context, tracing
from throughline.telemetry.logging import event

_WHY: Final = {
    "circuit_open": "Too many tasks are waiting",
    "memory_full": "Redis's memory is full",
    "key_reused": "Another task has its key",
}


class Children:
    """The tasks that one attempt submits. A later attempt that submits the same finds them submitted already."""

    def __init__(self, task: Task) -> None:
        request = task.request  # each look at it takes 1.5 µs
        self._backend = task.backend
        self._task_id: str = request.id
        self._root_id: str = request.root_id or self._task_id
        self._count = 0

    def submit(self, task_type: str, data: Any, queue: str | None) -> str:
        child = Child.of(registry(), task_type, data, queue)
        self._count += 1
        child_id, parent_id = str(uuid.uuid4()), self._task_id
        attributes = {"queue": child.queue, "task_type": task_type, "parent_id": parent_id}
        attributes |= messaging.publish(child.queue, child_id, correlation.current())
        with (
            correlation.bound(correlation.current(), child_id),
            tracing.span(f"publish {child.queue}", SpanKind.PRODUCER, attributes) as span,
        ):
            decision = self._decided(child_id, child)
            tracing.stamp_clock(span)
            admission_events.tell(decision.transitions)
            if decision.outcome == "replayed":
                first = decision.first_task_id  # an earlier attempt has submitted it
                span.set_attributes({"task_id": first, "messaging.message.id": first})
                return first
            if decision.outcome != "accepted":
                raise QueueFull(f"{_WHY[decision.outcome]}: a {task_type} that this task submitted was not taken.")
            span.set_attribute("queue_position", decision.position)
            tell_submitted(task_type, child.queue, parent_id)
        return child_id

    def _decided(self, child_id: str, child: Child) -> Decision:
        caller = self._backend.client.hget(keys.task(self._task_id), "caller") or b""
        origin = Origin(
            correlation.current(),
            trace_context.traceparent(),
            caller.decode(),
            tracestate=trace_context.tracestate(),
            parent_id=self._task_id,
            root_id=self._root_id,
            version=WorkerSettings.load().service_version,
        )
        # What was submitted, and as which of them: the same in each attempt at a task that does the same each time.
        payload = orjson.dumps([self._count, child.task_type, child.queue, child.data], option=orjson.OPT_SORT_KEYS)
        payload_hash = hashlib.sha256(payload).hexdigest()
        idempotency = keys.idempotency(f"task:{self._task_id}", payload_hash), payload_hash
        submission = Submission.of(child_id, child.task_type, child.data, child.queue, origin, idempotency=idempotency)
        decision: Decision = self._backend.submit(submission)
        return decision


def tell_submitted(task_type: str, queue: str, parent_id: str) -> None:
    """The event of a task that a running task has submitted; the current work must be the new task's."""
    fields = {"task_type": task_type, "queue": queue, "parent_id": parent_id, "status": Status.PENDING}
    event("task.submitted", f"A running task submitted {task_type} into {queue}", fields)
