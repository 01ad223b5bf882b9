"""An ID's many tasks at one look, as the page shows them: by type, the slowest, and the failed with their errors."""

from dataclasses import dataclass

from monitor.page.links import Link, of_task
from throughline.journey import summary
from throughline.journey.journey import Journey, Task
from throughline.journey.many_tasks import SameError, TimedTask, many_tasks
from throughline.journey.quantities import format_count, format_duration
from throughline.journey.summary import Tone


@dataclass(frozen=True)
class TypeRow:
    """The tasks of one type."""

    task_type: str
    count: str
    median: str
    slowest: str


@dataclass(frozen=True)
class SlowTask:
    """One of the slowest."""

    took: str
    task_type: str
    status: str
    tone: Tone
    url: str


@dataclass(frozen=True)
class ErrorRow:
    """Tasks that failed alike; links to a few of them."""

    error: str
    count: str
    links: tuple[Link, ...]
    more: str


@dataclass(frozen=True)
class ManyTasksView:
    """What stands above the list."""

    types: tuple[TypeRow, ...]
    slowest: tuple[SlowTask, ...]
    errors: tuple[ErrorRow, ...]


def many_tasks_view(found: Journey) -> ManyTasksView:
    seen = many_tasks(found.submissions)
    return ManyTasksView(
        types=tuple(
            TypeRow(
                each.task_type, f"{each.count:,}", format_duration(each.median_ns), format_duration(each.slowest_ns)
            )
            for each in seen.types
        ),
        slowest=tuple(_slow_task(found, each) for each in seen.slowest),
        errors=tuple(_error_row(found, each) for each in seen.errors),
    )


def _slow_task(found: Journey, each: TimedTask) -> SlowTask:
    task = each.task
    took, tone = format_duration(each.took_ns), summary.tone(task.status)
    return SlowTask(took, task.task_type or task.task_id, task.status, tone, _link(found, task).url)


def _error_row(found: Journey, same: SameError) -> ErrorRow:
    more = len(same.tasks) - len(same.examples)
    links = tuple(_link(found, task) for task in same.examples)
    return ErrorRow(same.error, format_count(len(same.tasks), "task"), links, f"{more:,}" if more else "")


def _link(found: Journey, task: Task) -> Link:
    return of_task(task.task_id, found.correlation_id, task.task_id)
