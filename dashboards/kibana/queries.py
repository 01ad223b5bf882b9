"""What several pages ask for, in Kibana's query language."""

from typing import Final


def either(field: str, *values: str) -> str:
    """Written out: Kibana knows `field : (a or b)` too, but Elasticsearch 8.19, which the tests ask, does not."""
    return f"({' or '.join(f'{field} : {value}' for value in values)})"


# Probes and pages that refresh themselves are many and fast; a stream of events lasts as long as its task. They would
# hide what clients asked of the API.
_OF_CLIENTS: Final = "url.path : /api/* and not url.path : /api/v1/tasks/*/events"
_COMPLETED: Final = f"event.action : request.completed and {_OF_CLIENTS}"

AT_NGINX: Final = f"service.name : nginx and {_COMPLETED}"
AT_API: Final = f"service.name : api and {_COMPLETED}"
SAMPLES: Final = "event.action : queue.sampled"
SUCCEEDED: Final = "event.action : task.succeeded"
FAILED: Final = "event.action : task.failed"
RETRIED: Final = "event.action : task.retried"
DEAD_LETTERED: Final = "event.action : task.dead_lettered"
# Every end of a run, good or bad. A lost process's task has no run time, and its worker is not known.
_LAST_WORDS: Final = ("task.succeeded", "task.failed", "task.retried", "task.dead_lettered", "task.cancelled")
ENDED: Final = f"{either('event.action', *_LAST_WORDS)} and duration_ms : *"
ERRORS: Final = either("log.level", "error", "critical")
