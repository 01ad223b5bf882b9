"""Makes a journey of what was found: pure functions from spans and log lines to requests and their steps."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from throughline.journey.attempt_ends import attempt_ends
from throughline.journey.drawn_spans import with_drawn
from throughline.journey.effects import effects_of
from throughline.journey.event_marks import event_mark, event_marks
from throughline.journey.journey import Journey, LogLine, Request, Source, Step, Task
from throughline.journey.log_placement import Line, place_lines
from throughline.journey.one_clock import on_one_clock
from throughline.journey.role import Role
from throughline.journey.search import Found
from throughline.journey.span import Span
from throughline.journey.span_grouping import group_by_request
from throughline.journey.step_descriptions import describe_step, http_status, is_cancelled
from throughline.journey.step_tree import depths_of_tasks, in_order
from throughline.journey.task_changes import Change, changes_of, times_enqueued_again
from throughline.journey.task_spans import TaskSpans, tasks_in_lines, tasks_of
from throughline.journey.task_status import status_note, status_of
from throughline.journey.timing import own_ns, totals_of, with_plausible_times
from throughline.journey.unseen_steps import SHORTEST_NS, unseen_steps
from throughline.ledger.states import Status

_TAKEN_IN: Final = {Role.NGINX, Role.API, Role.PUBLISH}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

PlacedLine = tuple[Span | None, Line]


def assemble(correlation_id: str, found: Found) -> Journey:
    """The journey of this ID."""
    timed, lines = on_one_clock(found)
    of_tasks = _by_task(line for line in lines if _is_of(line, correlation_id))
    enqueued_again = {task_id: times_enqueued_again(own) for task_id, own in of_tasks.items()}
    spans = with_drawn(timed, [line for line in lines if _is_of(line, correlation_id)], of_tasks)
    families = [with_plausible_times(family, enqueued_again) for family in group_by_request(spans)]
    tasks = [tasks_of(family, of_tasks) for family in families]
    past_the_api = tasks_in_lines(of_tasks, (task.task_id for known in tasks for task in known))
    unplaced = {id(line) for task in past_the_api for line in task.lines}
    placed = place_lines([line for line in lines if id(line) not in unplaced], families)
    requests = [_Request(*parts).built() for parts in zip(families, tasks, placed, strict=True)]
    requests += [_Request([], [task], [(None, line) for line in task.lines]).built() for task in past_the_api]
    return Journey(
        correlation_id,
        requests=tuple(sorted(requests, key=lambda request: request.started)),
        loose_logs=() if requests else tuple(LogLine("", None, line.fields) for line in lines),
    )


def is_complete(journey: Journey) -> bool:
    """Whether a task was submitted, and each task, children too, can be seen from NGINX to its end."""
    submissions = journey.submissions
    taken_in = all(map(_is_taken_in, submissions))
    return bool(submissions) and taken_in and all(task.has_ended and task.has_all_spans for task in journey.tasks)


def _is_taken_in(request: Request) -> bool:
    """Of a request that is not sampled no spans will come; in production the API has no log line of it either."""
    if request.unsampled:
        return {step.role for step in request.steps} >= _TAKEN_IN - {Role.API}
    return {step.role for step in request.steps if not step.from_lines} >= _TAKEN_IN


def _is_of(line: Line, correlation_id: str) -> bool:
    """Not a line of another ID's task that a request of this ID caused."""
    return bool(line.fields.get("correlation_id", correlation_id) == correlation_id)


def _by_task(lines: Iterable[Line]) -> dict[str, list[Line]]:
    found = defaultdict(list)
    for line in lines:
        if line.fields.get("task_id") and str(line.fields.get("event.action", "")).startswith("task."):
            found[str(line.fields["task_id"])].append(line)
    return dict(found)


class _Request:
    """Builds one request from the spans and lines that were found of it."""

    def __init__(self, family: Sequence[Span], tasks: Sequence[TaskSpans], placed: Sequence[PlacedLine]) -> None:
        self._family = family
        self._tasks = tasks
        self._placed = placed
        self._changes = {task.task_id: changes_of(task.found_waits_and_runs, task.lines) for task in tasks}
        begins = [span.start_ns for span in family] or [at for at in map(_at, placed) if at]
        self._start = min(begins, default=0)
        taken = [task.enqueued_ns for task in tasks if task.enqueued_ns and not task.parent_id and not _came_in(family)]
        if taken and self._start - min(taken) >= SHORTEST_NS:
            self._start = min(taken)

    def built(self) -> Request:
        family = self._family
        steps = self._steps()
        depths = depths_of_tasks(steps)
        waited, ran, paused = totals_of(steps)
        for task in self._tasks:
            depths.setdefault(task.task_id, depths.get(task.parent_id, -1) + 1)
        tasks = tuple(self._task(task, steps, depths[task.task_id]) for task in self._tasks)
        lines = [line for _, line in self._placed]
        return Request(
            trace_id=family[0].trace_id if family else _told(lines, "trace.id"),
            started=_EPOCH + timedelta(microseconds=self._start // 1000),
            method=str(_first(family, "http.request.method") or ""),
            path=str(_first(family, "url.path") or ""),
            http_status=next(filter(None, map(http_status, family)), None),
            code=_told(lines, "code"),
            task_id=tasks[0].task_id if tasks else _named_by_the_api(family),
            tasks=tasks,
            effects=() if tasks else effects_of(family, lines),
            total_ns=max(step.end_ns for step in steps),
            queue_wait_ns=waited,
            run_ns=ran,
            pause_ns=paused,
            slowest=max(steps, key=lambda step: (step.own_ns, step.depth)),
            steps=steps,
            logs=tuple(self._log_line(*placed) for placed in self._placed),
            source=_source(family),
            unsampled=any(span.unsampled for span in family),
        )

    def _log_line(self, span: Span | None, line: Line) -> LogLine:
        offset_ns = None if line.at_ns is None else line.at_ns - self._start
        return LogLine(span.span_id if span else "", offset_ns, line.fields)

    def _steps(self) -> tuple[Step, ...]:
        found = [self._step(span) for span in self._family]
        for task in self._tasks:
            unseen = unseen_steps(task, self._changes[task.task_id], self._start)
            ran = any(step.role is Role.RUN for step in unseen) or any(s.role is Role.RUN for s in task.spans)
            found += [*unseen, *event_marks(task.lines, self._start, ran=ran)]
        if not found:  # a task that came past the API and has only just started
            found = [event_mark(line, self._start) for line in self._tasks[0].lines[:1]]
        return in_order(found, self._tasks)

    def _step(self, span: Span) -> Step:
        return Step(
            span_id=span.span_id,
            parent_id=span.parent_id,
            role=span.role,
            name=span.name,
            service=span.service,
            node=span.place,
            depth=0,
            offset_ns=span.start_ns - self._start,
            duration_ns=span.end_ns - span.start_ns,
            own_ns=own_ns(span, self._family),
            what=describe_step(span, self._family),
            failed=_failed(span),
            task_id=span.task_id,
            from_lines=span.from_lines,
            version="" if span.lost else span.version,  # of a lost run another process tells, maybe of another version
        )

    def _task(self, task: TaskSpans, steps: Sequence[Step], depth: int) -> Task:
        changes = self._changes[task.task_id]
        waited, ran, paused = totals_of([step for step in steps if step.task_id == task.task_id])
        begun = changes[-1].at_ns if changes else task.enqueued_ns
        node = task.node_at(changes[-1].at_ns) if changes else ""
        return Task(
            task_id=task.task_id,
            parent_id=task.parent_id,
            task_type=task.task_type,
            queue=task.queue,
            status=status_of(changes),
            note=status_note(task, changes),
            node=node,
            attempt=max((change.attempt for change in changes), default=0),
            since_ns=(self._start if begun is None else begun) - self._start,
            depth=depth,
            queue_wait_ns=waited,
            run_ns=ran,
            pause_ns=paused,
            has_all_spans=_has_all_spans(task, changes),
            ends=attempt_ends(changes),
            **_error_of(changes),
        )


def _error_of(changes: Sequence[Change]) -> dict[str, str]:
    """Of a task that failed."""
    fields = changes[-1].fields if changes and changes[-1].status == Status.FAILURE else {}
    error_type, message = (str(fields.get(name) or "") for name in ("error.type", "error.message"))
    if error_type:
        return {"error_type": error_type, "error_message": message}
    return {"cause": message or str(fields.get("cause") or "")}  # a dead letter, say


def _has_all_spans(task: TaskSpans, changes: Sequence[Change]) -> bool:
    """Whether the latest run has left its span. A task that was cancelled while it waited has none to leave."""
    starts = [change.at_ns for change in changes if change.status == Status.STARTED]
    runs = [span.end_ns for span in task.spans if span.role is Role.RUN and (span.unsampled or not span.from_lines)]
    if not runs and not starts:
        return status_of(changes) == Status.REVOKED
    return max(runs, default=0) >= max(starts, default=0)


def _source(family: Sequence[Span]) -> Source:
    drawn = sum(span.from_lines for span in family)
    if drawn == len(family):
        return Source.LINES
    return Source.BOTH if drawn else Source.SPANS


def _came_in(family: Sequence[Span]) -> bool:
    """Whether it came over HTTP, so that its first span is its beginning."""
    return any(span.role in _TAKEN_IN for span in family)


def _at(placed: PlacedLine) -> int | None:
    return placed[1].at_ns


def _failed(span: Span) -> bool:
    if is_cancelled(span):
        return False
    return span.failed or (http_status(span) or 0) >= 500 or span.attributes.get("status") in {"FAILURE", "RETRY"}


def _named_by_the_api(family: Sequence[Span]) -> str:
    """The task that the answer is about. The task ID on a refused submission's publish span belongs to no task."""
    return next((span.task_id for span in family if span.task_id and span.role is Role.API), "")


def _told(lines: Iterable[Line], field: str) -> str:
    return next((str(line.fields[field]) for line in lines if line.fields.get(field)), "")


def _first(family: Sequence[Span], attribute: str) -> Any:
    return next((span.attributes[attribute] for span in family if attribute in span.attributes), None)
