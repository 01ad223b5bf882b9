"""Why a task failed, in the words that the terminal and the page share: its error, and how its attempts ended."""

from collections.abc import Iterable, Iterator
from typing import Final

from throughline.journey.journey import Request, Task
from throughline.journey.quantities import format_count
from throughline.ledger.states import Status

_ATTEMPTS_TOLD: Final = 10


def failures_without_error(tasks: Iterable[Task]) -> Iterator[Task]:
    """Those of whose error the log has no class or no message."""
    return (t for t in tasks if t.status == Status.FAILURE and not (t.error_type and t.error_message))


def error_of(task: Task) -> str:
    """`ValueError: no price for XS231`; empty for a task that did not fail."""
    if task.status != Status.FAILURE:
        return ""
    return ": ".join(filter(None, (task.error_type, task.error_message))) or task.cause or "no report says why"


def headline(task: Task) -> str:
    """`failed after 3 attempts: ConnectionError: refused`; empty for a task that did not fail."""
    if task.status != Status.FAILURE:
        return ""
    after = f" after {format_count(len(task.ends), 'attempt')}" if len(task.ends) > 1 else ""
    return f"failed{after}: {error_of(task)}"


def failed_children(request: Request) -> Iterator[str]:
    """`child refuser 5e0c… failed: ValueError: no price`, for each one of a task's children that failed."""
    for task in request.tasks[1:]:
        if told := headline(task):
            yield f"child {task.task_type} {task.task_id} {told}"


def attempts_told(task: Task) -> Iterator[str]:
    """A line for each attempt that has ended; none where the only one succeeded or was cancelled."""
    if len(task.ends) < 2 and task.status != Status.FAILURE:
        return
    for end in task.ends[:_ATTEMPTS_TOLD]:
        repeated = end.status == Status.FAILURE and end.reason == error_of(task)
        yield end.words_without_reason if repeated else end.words
    if len(task.ends) > _ATTEMPTS_TOLD:
        yield f"and {len(task.ends) - _ATTEMPTS_TOLD:,} more attempts: --json has them all"
