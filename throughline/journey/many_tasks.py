"""An ID with many tasks at one look: their states, types, the slowest, and what the failed ones failed with."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median_low
from typing import Final

from throughline.error_shape import error_shape
from throughline.journey.failure import error_of
from throughline.journey.journey import Journey, Request, Task
from throughline.ledger.states import Status

MOST_DRAWN: Final = 5  # submissions that are drawn one below the other
_MOST_STEPS: Final = 200  # in all of them
_SLOWEST: Final = 5
_EXAMPLES: Final = 3  # of tasks with the same error


@dataclass(frozen=True)
class TimedTask:
    """A task and how long it took: from its submission to its end, or until now."""

    task: Task
    took_ns: int


@dataclass(frozen=True)
class TypeCount:
    """The tasks of one type."""

    task_type: str
    count: int
    median_ns: int
    slowest_ns: int


@dataclass(frozen=True)
class SameError:
    """Tasks that failed with the same class and the same message, but for numbers, names and IDs in it."""

    error: str  # of the first
    tasks: tuple[Task, ...]

    @property
    def examples(self) -> tuple[Task, ...]:
        return self.tasks[:_EXAMPLES]


@dataclass(frozen=True)
class ManyTasks:
    """All tasks of an ID, children too; the most frequent first."""

    count: int
    states: tuple[tuple[str, int], ...]
    types: tuple[TypeCount, ...]
    slowest: tuple[TimedTask, ...]
    errors: tuple[SameError, ...]

    @property
    def told(self) -> str:
        """`58 SUCCESS, 2 FAILURE`."""
        return ", ".join(f"{count:,} {status}" for status, count in self.states)


def is_many(found: Journey) -> bool:
    """Whether to begin with this look, and not with a picture of each task."""
    submissions = found.submissions
    return len(submissions) > MOST_DRAWN or sum(len(request.steps) for request in submissions) > _MOST_STEPS


def many_tasks(requests: Sequence[Request]) -> ManyTasks:
    timed = [TimedTask(task, _took_ns(request, task)) for request in requests for task in request.tasks]
    states = Counter(each.task.status for each in timed)
    return ManyTasks(
        count=len(timed),
        states=tuple(states.most_common()),
        types=tuple(_types(timed)),
        slowest=tuple(sorted(timed, key=lambda each: -each.took_ns)[:_SLOWEST]),
        errors=tuple(_errors(each.task for each in timed)),
    )


def _took_ns(request: Request, task: Task) -> int:
    if len(request.tasks) == 1:
        return request.total_ns
    return task.queue_wait_ns + task.run_ns + task.pause_ns


def _types(timed: Iterable[TimedTask]) -> Iterator[TypeCount]:
    took = defaultdict(list)
    for each in timed:
        took[each.task.task_type or "unknown type"].append(each.took_ns)
    for task_type, lengths in sorted(took.items(), key=lambda each: (-len(each[1]), each[0])):
        yield TypeCount(task_type, len(lengths), median_low(lengths), max(lengths))


def _errors(tasks: Iterable[Task]) -> Iterator[SameError]:
    alike = defaultdict(list)
    for task in tasks:
        if task.status == Status.FAILURE:
            alike[(task.error_type, error_shape(error_of(task)))].append(task)
    for found in sorted(alike.values(), key=len, reverse=True):
        yield SameError(error_of(found[0]), tuple(found))
