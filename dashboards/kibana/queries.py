"""What several pages ask for, in Kibana's query language."""

from typing import Final


def either(field: str, *values: str) -> str:
    """Written out: Kibana knows `field : (a or b)` too, but Elasticsearch 8.19, which the tests ask, does not."""
    return f"({' or '.join(f'{field} : {value}' for value in values)})"


# Probes and pages that refresh themselves are many and fast; a stream of events lasts as long as its task. They would
# hide what clients asked of the API.
_OF_CLIENTS: Final = "url.path : /api/* and not url.path : /api/v1/tasks/*/events"
_ANSWERED: Final = "event.action : request.completed"
_COMPLETED: Final = f"{_ANSWERED} and {_OF_CLIENTS}"

AT_NGINX: Final = f"service.name : nginx and {_COMPLETED}"
AT_API: Final = f"service.name : api and {_COMPLETED}"
SAMPLES: Final = "event.action : queue.sampled"
DEPLOYED: Final = "event.action : deployment"
DEAD_LETTERED: Final = "event.action : task.dead_lettered"

# An attempt's end is one line, whoever writes it: with the run's duration, which a line that ends no attempt has not.
_ENDS: Final = (
    *("task.succeeded", "task.failed", "task.retried", "task.dead_lettered", "task.cancelled"),
    *("task.put_back", "task.handed_back"),
)
ENDED: Final = f"{either('event.action', *_ENDS)} and attempt : * and duration_ms : *"


def _ended(status: str) -> str:
    return f"{ENDED} and status : {status}"


SUCCEEDED: Final = _ended("SUCCESS")
FAILED: Final = _ended("FAILURE")
RETRIED: Final = _ended("RETRY")
CANCELLED: Final = _ended("REVOKED")

ERRORS: Final = either("log.level", "error", "critical")
# Where a replica answered, its own line says more of the same request than NGINX's.
_BY_NGINX_ALONE: Final = f"service.name : nginx and {_ANSWERED} and upstream.version : none"
ERRORS_ONCE: Final = f"{ERRORS} and not (service.name : nginx and not upstream.version : none)"
# INTERNAL: the line of the error itself says more.
_BY_API: Final = f"service.name : api and {_ANSWERED} and not code : INTERNAL"
_REFUSED: Final = f"http.response.status_code >= 400 and (({_BY_NGINX_ALONE}) or ({_BY_API}))"
_OTHER_LINES: Final = f"{ERRORS} and not {either('event.action', 'request.completed', 'task.rejected', *_ENDS)}"
# Whatever went wrong, each once: a request by one of its lines, a run by its end, the rest by its line.
PROBLEMS: Final = f"({_REFUSED}) or ({FAILED}) or ({RETRIED}) or {DEAD_LETTERED} or ({_OTHER_LINES})"
