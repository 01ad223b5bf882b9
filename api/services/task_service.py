"""The rules of submitting, reading, cancelling and replaying tasks, independent of HTTP and Redis."""

import asyncio
import logging
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from opentelemetry.trace import SpanKind

from api.errors import (
    CircuitOpen,
    IdempotencyKeyReused,
    MemoryFull,
    MessageNotKept,
    NotADeadLetter,
    TaskFinished,
    TaskNotFound,
)
from api.queue_service import QueueService
from api.services.callers import Caller
from api.services.new_task import NewTask
from api.services.task_view import TaskView, task_view
from api.services.timeline import Timeline, timeline
from api.submission import Sent, TaskSubmission
from api.task_store import TaskStore
from throughline.ledger import admission_events, redis_clock
from throughline.ledger.asked_by import AskedBy
from throughline.ledger.body import message_data
from throughline.ledger.history import AsyncHistory
from throughline.ledger.list_cursor import cursor_of
from throughline.ledger.list_filters import ListFilters
from throughline.ledger.states import Status
from throughline.ledger.stored_task import StoredTask
from throughline.ledger.submission import Decision, Submission
from throughline.telemetry import correlation, messaging, random_ids, tracing
from throughline.telemetry.logging import event

_logger = logging.getLogger("throughline.api")

_LOOK_AGAIN_SECONDS: Final = 2.0  # while waiting: a notice that a task has ended can be lost with a connection


class Submitted(NamedTuple):
    """A task that is in the queue, or (`replayed`) one that an earlier request with the same key put there."""

    task_id: str
    task_type: str
    status: Status
    position: int | None
    estimated_start: datetime | None = None
    replayed: bool = False


class TaskInput(NamedTuple):
    """What a task was submitted with."""

    task_id: str
    task_type: str
    data: Any


class Listed(NamedTuple):
    """A page of a list, and the cursor of the next one; None after the last."""

    tasks: list[TaskView]
    cursor: str | None


class TaskService:
    """Accepts tasks, looks them up, cancels them. Another caller's task is treated as one that does not exist."""

    def __init__(self, queue: QueueService, history: AsyncHistory | None = None) -> None:
        self._queue = queue
        self._store = TaskStore(queue, history)

    async def submit(
        self, task: TaskSubmission, caller: Caller, idempotency_key: str | None = None, sent: Sent | None = None
    ) -> Submitted:
        """Accepts the task, or raises the `Refusal` that says why not."""
        return await self._submit(NewTask(task, sent or Sent.by(task), caller.name, caller.name, idempotency_key))

    async def resubmit(
        self, task_id: str, caller: Caller, idempotency_key: str | None = None, why: str = ""
    ) -> Submitted:
        """Submits again what a task was submitted with, for whoever submitted it.

        Raises `TaskNotFound`, `MessageNotKept`, `DataNoLongerFit`, or the `Refusal` of a submission.
        """
        stored = await self._stored(task_id, caller, messages=True)
        task_type, data = await _data(stored)
        kept = stored.record
        task, sent = TaskSubmission.again(task_type, data, kept.priority, kept.queue), Sent(data, len(stored.message))
        return await self._submit(NewTask(task, sent, kept.caller, caller.name, idempotency_key, task_id, why))

    async def _submit(self, new: NewTask) -> Submitted:
        task_id, task = random_ids.uuid4(), new.task
        queue = task.target_queue
        correlation.bind_task(task_id)
        attributes = {"queue": str(queue)} | messaging.publish(queue, task_id, correlation.current())
        with tracing.span(f"publish {queue}", SpanKind.PRODUCER, attributes) as span:
            try:
                submission = await new.large_submission(task_id) if new.is_large else new.submission(task_id)
                decision = await self._decided(submission)
            except asyncio.CancelledError:
                correlation.bind_task("")  # nothing was sent: the ID names no task
                raise
            tracing.stamp_clock(span)
            admission_events.tell(decision.transitions)
            if decision.outcome == "accepted":
                span.set_attributes({"queue_position": decision.position, "task_type": task.task_type})
        if decision.outcome == "accepted":
            fields = {
                "task_type": task.task_type,
                "queue": queue,
                "priority": task.priority,
                "status": Status.PENDING,
            }
            if new.resubmitted_from:
                fields |= {"resubmitted_from": new.resubmitted_from, "caller": new.sender}
                fields |= {"why": new.why} if new.why else {}
            event("task.submitted", f"Accepted {task.task_type} into {queue} at position {decision.position}", fields)
            starts = decision.estimated_start
            return Submitted(
                task_id,
                task.task_type,
                Status.PENDING,
                decision.position,
                None if starts is None else datetime.fromtimestamp(starts, UTC),
            )
        return await self._not_accepted(decision)

    async def _decided(self, submission: Submission) -> Decision:
        """An Idempotency-Key whose task nobody knows any more names none."""
        decision = await self._queue.submit(submission)
        while decision.outcome == "replayed" and await self._is_gone(decision.first_task_id):
            decision = await self._queue.submit(submission._replace(gone=decision.first_task_id))
        return decision

    async def _is_gone(self, task_id: str) -> bool:
        (stored,) = await self._store.read([task_id])
        if stored is None:
            _logger.warning("Task %s, which an Idempotency-Key names, is gone: the request is a new one", task_id)
        return stored is None

    async def _not_accepted(self, decision: Decision) -> Submitted:
        if decision.outcome == "replayed":
            first = task_view(await self._stored(decision.first_task_id))
            correlation.bind_task(first.task_id)
            event("task.replayed", "The Idempotency-Key names a task accepted before", {"status": first.status})
            return Submitted(first.task_id, first.task_type, first.status, position=None, replayed=True)
        correlation.bind_task("")  # the ID made for it names nothing
        if decision.outcome == "circuit_open":
            raise CircuitOpen(decision.retry_after)
        if decision.outcome == "memory_full":
            raise MemoryFull(decision.retry_after)
        raise IdempotencyKeyReused

    async def find(self, task_id: str, caller: Caller, wait_seconds: float = 0) -> TaskView:
        """The task's state now, or as soon as it has ended if that is within the wait; raises `TaskNotFound`."""
        stored = await self._stored(task_id, caller)
        if not wait_seconds or task_view(stored).status.is_final:
            return task_view(stored)
        deadline = time.monotonic() + wait_seconds
        with self._queue.finished.notice(task_id) as ended:
            while True:
                view = task_view(await self._stored(task_id, caller))
                left = deadline - time.monotonic()
                if view.status.is_final or left <= 0:
                    return view
                try:
                    async with asyncio.timeout(min(left, _LOOK_AGAIN_SECONDS)):
                        await ended.wait()
                except TimeoutError:
                    continue

    async def input(self, task_id: str, caller: Caller) -> TaskInput:
        """What it was submitted with; raises `TaskNotFound`, `MessageNotKept`."""
        task_type, data = await _data(await self._stored(task_id, caller, messages=True))
        return TaskInput(task_id, task_type, data)

    async def page(self, filters: ListFilters, caller: Caller) -> Listed:
        """A page of the caller's tasks, of everybody's for an admin; without large results."""
        query = filters.query(caller.sees)
        page = await self._store.page(query)
        tasks = [task_view(task) for task in page.tasks]
        return Listed(tasks, None if page.last is None else cursor_of(page.last, query))

    async def timeline(self, task_id: str, caller: Caller) -> Timeline:
        """Every change of the task's state and, until it is done, where it is now; raises `TaskNotFound`."""
        stored = await self._stored(task_id, caller)
        view = task_view(stored)
        waiting = view.status is Status.PENDING
        position = await self._queue.position(task_id, view.queue) if waiting else None
        silent = await self._queue.silent_seconds(stored.record) if view.status is Status.STARTED else None
        record = replace(stored.record, silent=silent)
        now = datetime.fromtimestamp(redis_clock.own.now(), UTC)
        return timeline(record, view.status, position, caller, now=now, error=view.error)

    async def cancel(self, task_id: str, caller: Caller, why: str = "") -> TaskView:
        """It is cancelled (REVOKED), or asked to stop; raises `TaskNotFound`, `TaskFinished`."""
        stored = await self._stored(task_id, caller)
        by = AskedBy(correlation.current(), caller.name, why)
        outcome = await self._queue.cancel(task_id, stored.record.queue, by)
        if outcome in {"finished", "unknown"}:  # unknown to Redis: it has ended and is in the history
            raise TaskFinished(task_id)
        view = await self.find(task_id, caller)
        with correlation.bound(view.correlation_id, task_id):  # it belongs to the task's journey
            fields = _of_task(view) | by.fields
            if outcome == "cancelled":
                event("task.cancelled", f"{view.task_type} was cancelled while it waited", fields)
            elif outcome == "cancelling":  # whoever asks once more changes nothing
                # It may have ended since: what asked it to stop found it running.
                asked = {"status": Status.STARTED} if view.status.is_final else {}
                event("task.cancel_requested", f"{view.task_type} is asked to stop", fields | asked)
        if view.status in {Status.SUCCESS, Status.FAILURE}:
            raise TaskFinished(task_id)
        return view

    async def dead_letters(self, most: int) -> list[TaskView]:
        """The tasks that used up their deliveries or retries, the latest first."""
        return [task_view(task) for task in await self._store.dead_letters(most)]

    async def replay(self, task_id: str, caller: Caller, why: str = "") -> TaskView:
        """Puts a dead letter back into its queue; raises `TaskNotFound`, `NotADeadLetter`."""
        stored = await self._stored(task_id)
        by = AskedBy(correlation.current(), caller.name, why)
        if not await self._store.replay(stored, by):
            raise NotADeadLetter(task_id)
        before = task_view(stored)
        with correlation.bound(before.correlation_id, task_id):  # it belongs to the task's journey
            # Before the task is read again: the line's time is the replay's, and the task may start at once.
            fields = _of_task(before) | {"status": Status.PENDING} | by.fields
            event("task.replayed_by_operator", f"A dead letter is back in {before.queue}", fields)
        return task_view(await self._stored(task_id))

    async def _stored(self, task_id: str, caller: Caller | None = None, *, messages: bool = False) -> StoredTask:
        (stored,) = await self._store.read([task_id], messages=messages, caller=caller.sees if caller else None)
        if stored is None:
            raise TaskNotFound(task_id, self._queue.kept_seconds, self._queue.data_lost)
        correlation.bind_task(task_id)
        return stored


async def _data(stored: StoredTask) -> tuple[str, Any]:
    """Task type and data, unpacked in a thread: they may be large."""
    if not stored.message:
        raise MessageNotKept(stored.task_id)
    try:
        return await asyncio.to_thread(message_data, stored.message)
    except ValueError:
        raise MessageNotKept(stored.task_id, "in a form that can be read") from None


def _of_task(view: TaskView) -> dict[str, str]:
    return {"task_type": view.task_type, "queue": view.queue, "status": view.status}
