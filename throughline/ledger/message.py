"""The Celery message as api and worker agree on it: queue names, priorities and the headers that carry the trace."""

import math
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
TRACESTATE: Final = "tracestate"  # absent when it would be empty
PUBLISHED_AT: Final = "published_at"  # seconds since the epoch, as a float: Redis's clock, as its publisher knows it
ENVELOPE: Final = "envelope"
ENVELOPE_VERSION: Final = 1
OWN_HEADERS: Final = (CORRELATION_ID, TRACEPARENT, TRACESTATE, PUBLISHED_AT, ENVELOPE)

_OLDEST_SECONDS: Final = 30 * 86_400  # a message that says it is older has a wrong clock: no record lives as long


def time_of_publication(value: object, now: float) -> float | None:
    """The header if it can be true, in seconds since the epoch; one that is yet to come is left to who measures."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        seconds = float(value)
    except OverflowError:
        return None
    return seconds if math.isfinite(seconds) and abs(now - seconds) < _OLDEST_SECONDS else None
