"""The Celery message as api and worker agree on it: queue names, priorities and the headers that carry the trace."""

from enum import StrEnum
from typing import Final


class Queue(StrEnum):
    """The three queues, in the strict order in which workers empty them."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


MESSAGE_PRIORITY: Final = {Queue.HIGH: 10, Queue.MEDIUM: 5, Queue.LOW: 1}

# Headers beside Celery's own. Celery's *property* of the name correlation_id stays the task id.
CORRELATION_ID: Final = "correlation_id"
TRACEPARENT: Final = "traceparent"
PUBLISHED_AT: Final = "published_at"  # seconds since the epoch, as a float, by the publisher's clock
ENVELOPE: Final = "envelope"
ENVELOPE_VERSION: Final = 1
OWN_HEADERS: Final = (CORRELATION_ID, TRACEPARENT, PUBLISHED_AT, ENVELOPE)
