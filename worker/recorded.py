"""Logs and traces what a task's own process could not, from the ledger's record: the end, and the spans before it."""

from contextlib import suppress
from typing import Any

import orjson
from redis.exceptions import RedisError

from throughline.ledger import keys, redis_clock
from throughline.ledger.answers import HandedBack
from throughline.ledger.attempt_end import end_fields
from throughline.ledger.causes import cause
from throughline.ledger.record import TaskRecord
from throughline.ledger.states import Reason, Status
from throughline.telemetry.log_line import timestamp
from throughline.telemetry.logging import event
from worker import attempt_spans
from worker.delivery import Delivery


def read(backend: Any, task_id: str) -> TaskRecord:
    """Raises `RedisError` or `OSError` when Redis does not answer."""
    with backend.client.pipeline(transaction=False) as pipe:
        pipe.hgetall(keys.task(task_id))
        pipe.lrange(keys.attempts(task_id), 0, -1)
        told, attempts = pipe.execute()
    return TaskRecord.parse(task_id, {name.decode(): value.decode() for name, value in told.items()}, attempts)


def tell(backend: Any, delivery: Delivery, why: str = "") -> TaskRecord | None:
    """Writes the spans of the last attempt, if it is over. None when Redis is away: the next attempt writes them."""
    with suppress(RedisError, OSError), delivery.bound():
        record = read(backend, delivery.task_id)
        if record.attempts and record.attempts[-1].finished_at:
            attempt_spans.write_closed(delivery, record.attempts[-1], with_wait=True, cause=why)
        return record
    return None


def is_settled(backend: Any, delivery: Delivery) -> bool:
    """Whether the task's lost process had stored its end before it was lost: then that is told."""
    record = tell(backend, delivery)
    if record is None or not record.status.is_final:
        return False
    text = f"{delivery.task_type} is {record.status}: its process was lost after it had stored that"
    event("task.settled", text, _fields(delivery, record.status, len(record.attempts)))
    return True


def has_ended(backend: Any, delivery: Delivery) -> bool:
    """Whether the task has ended already, and may even be in the history alone; False while Redis is away."""
    with suppress(RedisError, OSError):
        record = read(backend, delivery.task_id)
        return record.status.is_final or (not record.version and _has_moved(backend, delivery))
    return False


def tell_handed_back(backend: Any, delivery: Delivery, handed: HandedBack) -> None:
    """This worker has given the task up: its attempt is over, its message goes back to the queue."""
    attempt = handed.attempt
    if handed.outcome != "handed_back" or attempt is None:
        return
    tell(backend, delivery)
    fields = _fields(delivery, Status.RETRY, attempt.number) | end_fields(attempt) | {"cause": attempt.cause}
    if attempt.finished_at:
        fields["@timestamp"] = timestamp(redis_clock.own.here(attempt.finished_at))
    event("task.handed_back", f"Handed back to {delivery.queue}: {attempt.cause}", fields)


def revoke_waiting(backend: Any, task_id: str) -> bool:
    """Celery's remote control revokes a task that no process here runs. False for one that nobody has heard of."""
    if not keys.is_task_id(task_id):
        return False
    delivery = _delivery(backend, task_id)
    if delivery is None:
        return bool(backend.client.exists(keys.moved(task_id)))
    if backend.revoked(task_id, Reason.REVOKED, None):
        tell_revoked(backend, delivery, cause(Reason.REVOKED))
    return True


def tell_revoked(backend: Any, delivery: Delivery, why: str) -> None:
    """Celery's own revoke, terminate or expire has ended the task."""
    record, end = tell(backend, delivery, why), backend.end_of(delivery.task_id)
    attempts = len(record.attempts) if record else 0
    with delivery.bound():
        if not attempts:
            attempt_spans.write_cancelled(delivery, why)
        fields = _fields(delivery, Status.REVOKED, attempts)
        if end and end.attempt:
            fields |= end_fields(end.attempt)
        fields |= {"cause": why}
        event("task.cancelled", f"{delivery.task_type} was cancelled: {why}", fields)


def _fields(delivery: Delivery, status: Status, attempts: int) -> dict[str, Any]:
    fields = {"task_type": delivery.task_type, "queue": delivery.queue, "status": status}
    return fields | ({"attempt": attempts} if attempts else {})


def _has_moved(backend: Any, delivery: Delivery) -> bool:
    """Whether a task without a record here has ended and been forgotten: see moved.lua."""
    return delivery.is_recorded or bool(backend.client.exists(keys.moved(delivery.task_id)))


def _delivery(backend: Any, task_id: str) -> Delivery | None:
    """The message of a task that waits, as the ledger keeps it; else what its record has. None without a record."""
    message, record = backend.client.get(keys.message(task_id)), read(backend, task_id)
    if message:
        return Delivery.of(orjson.loads(message)["headers"], record.queue)
    if not record.correlation_id:
        return None
    own = (record.task_type, record.queue, record.correlation_id)
    return Delivery(task_id, *own, traceparent="", trace_id=record.trace_id, published_at=None)
