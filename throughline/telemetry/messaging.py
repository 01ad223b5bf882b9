"""The attributes of spans in OpenTelemetry's messaging conventions, beside our own names for the same."""

from typing import Final

SYSTEM: Final = "celery"


def publish(queue: str, task_id: str, correlation_id: str) -> dict[str, str]:
    """Of a span in which a task's message is put into its queue."""
    return _attributes("publish", "send", queue, task_id, correlation_id)


def run(queue: str, task_id: str, correlation_id: str) -> dict[str, str]:
    """Of a span in which a task's message is worked on."""
    return _attributes("run", "process", queue, task_id, correlation_id)


def _attributes(name: str, kind: str, queue: str, task_id: str, correlation_id: str) -> dict[str, str]:
    return {
        "messaging.system": SYSTEM,
        "messaging.operation.name": name,
        "messaging.operation.type": kind,
        "messaging.destination.name": queue,
        "messaging.message.id": task_id,
        "messaging.message.conversation_id": correlation_id,
    }
