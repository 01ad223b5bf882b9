"""The tasks of one request, each with its spans and log lines, and which task submitted which."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from throughline.journey.log_placement import Line
from throughline.journey.role import Role
from throughline.journey.span import Span

LinesOfTasks = Mapping[str, Sequence[Line]]
_AT_WORK: Final = {Role.WAIT, Role.RUN, Role.LOST}
_IN_A_TASK: Final = {Role.WAIT, Role.RUN, Role.LOST, Role.PHASE}
# Lines of these events alone do not make a task: a refused or replayed submission has none of its own.
_NO_TASK: Final = {"task.submitted", "task.rejected", "task.replayed"}


@dataclass(frozen=True)
class TaskSpans:
    """What was found of one task."""

    task_id: str
    parent_id: str  # the task that submitted it; empty for one that came over HTTP
    spans: tuple[Span, ...]  # published, waited, ran; without its phases
    lines: tuple[Line, ...]

    @property
    def waits_and_runs(self) -> list[Span]:
        return [span for span in self.spans if span.role in _AT_WORK]

    @property
    def found_waits_and_runs(self) -> list[Span]:
        """Without those that are drawn from log lines, which say the same."""
        return [span for span in self.waits_and_runs if not span.from_lines]

    @property
    def enqueued_ns(self) -> int | None:
        """When it came into its queue for the first time; None when that is unknown."""
        published = [span.end_ns for span in self.spans if span.role is Role.PUBLISH]
        told = [line.at_ns for line in self.lines if line.fields.get("event.action") == "task.submitted"]
        waits = [span.start_ns for span in self.spans if span.role is Role.WAIT]
        known = [*published, *(at for at in told if at is not None), *waits]
        return min(known, default=None) if known else self._received_ns

    @property
    def _received_ns(self) -> int | None:
        """When a worker took the message: a stock client does not say when it sent it, nor that it is due later."""
        taken = (line.at_ns for line in self.lines if line.fields.get("event.action") == "task.received")
        return min((at for at in taken if at is not None), default=None)

    @property
    def queue(self) -> str:
        return str(self._first("queue"))

    @property
    def task_type(self) -> str:
        return str(self._first("task_type"))

    def node_at(self, at_ns: int) -> str:
        """The worker that had the task at that time; empty when that is unknown."""
        seen = [(span.end_ns, span.place) for span in self.spans if span.role is Role.WAIT]
        seen += [(span.start_ns, span.place) for span in self.spans if span.role is Role.RUN]
        for line in self.lines:
            if line.at_ns is not None and line.fields.get("event.action") == "task.started":
                seen.append((line.at_ns, str(line.fields.get("service.node.name", ""))))
        return max((found for found in seen if found[0] <= at_ns), default=(0, ""))[1]

    def _first(self, name: str) -> Any:
        holders: Iterator[Mapping[str, Any]] = (span.attributes for span in self.spans)
        told = [*(holder.get(name) for holder in holders), *(line.fields.get(name) for line in self.lines)]
        return next(filter(None, told), "")


def tasks_of(family: Sequence[Span], lines: LinesOfTasks) -> list[TaskSpans]:
    """The tasks whose spans are in the family, parents before their children, those of one parent by time.

    `lines` are all lines of the journey, by task.
    """
    by_key = {span.key: span for span in family}
    spans: dict[str, list[Span]] = {}
    for span in family:
        if span.role in _AT_WORK or _is_accepted(span, by_key, lines):
            spans.setdefault(span.task_id, []).append(span)
    found = {
        task_id: TaskSpans(task_id, _parent(own, by_key, lines.get(task_id, ())), tuple(own), _own(lines, task_id))
        for task_id, own in spans.items()
    }
    for task_id, parent_id in _children_in_lines(lines, found):
        found[task_id] = TaskSpans(task_id, parent_id, (), _own(lines, task_id))
    return _parents_first(found)


def tasks_in_lines(lines: LinesOfTasks, known: Iterable[str]) -> list[TaskSpans]:
    """The tasks that only log lines report: they came past the API, or their spans were not kept."""
    names = set(known)
    return [
        TaskSpans(task_id, "", (), tuple(own))
        for task_id, own in lines.items()
        if task_id not in names and _show_a_task(own)
    ]


def parent_in(lines: Iterable[Line]) -> str:
    return next((str(line.fields["parent_id"]) for line in lines if line.fields.get("parent_id")), "")


def _own(lines: LinesOfTasks, task_id: str) -> tuple[Line, ...]:
    return tuple(lines.get(task_id, ()))


def _show_a_task(lines: Iterable[Line]) -> bool:
    return any(line.fields.get("event.action") not in _NO_TASK for line in lines)


def _is_accepted(span: Span, by_key: Mapping[tuple[str, str], Span], lines: LinesOfTasks) -> bool:
    """Whether it published a task: the span of a refused or repeated submission has a task ID that names nothing.

    Celery's own canvas knows no position, but then a line says that the child was submitted.
    """
    if span.role is not Role.PUBLISH:
        return False
    if span.from_lines:
        return bool(span.task_id)
    around = by_key.get(span.parent_key)
    is_child = bool(span.parent_task_id or (around and _is_other(around, span)))
    return "queue_position" in span.attributes or (is_child and span.task_id in lines)


def _is_other(around: Span, span: Span) -> bool:
    return around.role in _IN_A_TASK and bool(span.task_id) and around.task_id != span.task_id


def _parent(spans: Sequence[Span], by_key: Mapping[tuple[str, str], Span], lines: Iterable[Line]) -> str:
    """The task that spans or lines name as parent, else the task of the span around it."""
    named = next((span.parent_task_id for span in spans if span.parent_task_id), "") or parent_in(lines)
    if named:
        return named
    span, seen = spans[0], {spans[0].key}
    while (around := by_key.get(span.parent_key)) and around.key not in seen:
        if _is_other(around, spans[0]) and around.task_id:
            return around.task_id
        seen.add(around.key)
        span = around
    return ""


def _children_in_lines(lines: LinesOfTasks, known: Mapping[str, TaskSpans]) -> Iterator[tuple[str, str]]:
    """Children that have no span so far, and the children of those."""
    parents = {task_id: parent_in(own) for task_id, own in lines.items() if task_id not in known}
    reached = set(known)
    while found := [(task, parent) for task, parent in parents.items() if parent in reached and task not in reached]:
        yield from found
        reached |= {task for task, _ in found}


def _parents_first(found: Mapping[str, TaskSpans]) -> list[TaskSpans]:
    children: dict[str, list[TaskSpans]] = {}
    for task in found.values():
        children.setdefault(task.parent_id if task.parent_id in found else "", []).append(task)
    ordered: dict[str, TaskSpans] = {}
    # After the tasks without a parent come all, so that tasks that name each other as parents are not left out.
    waiting = [*reversed(list(found.values())), *sorted(children.get("", []), key=_begin, reverse=True)]
    while waiting:
        task = waiting.pop()
        if task.task_id not in ordered:
            ordered[task.task_id] = task
            waiting.extend(sorted(children.get(task.task_id, []), key=_begin, reverse=True))
    return list(ordered.values())


def _begin(task: TaskSpans) -> int:
    times = [span.start_ns for span in task.spans] + [line.at_ns for line in task.lines if line.at_ns is not None]
    return min(times, default=0)
