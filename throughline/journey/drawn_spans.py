"""Draws from log lines what left no span: its trace is not sampled, or its spans are late, lost or switched off."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from throughline.journey.drawn_attempts import drawn_attempts, published_ns
from throughline.journey.drawn_requests import drawn_requests, key_of, publications_of_children
from throughline.journey.log_placement import Line
from throughline.journey.role import Role
from throughline.journey.span import Span
from throughline.journey.task_spans import LinesOfTasks

_OF_A_TASK = {Role.PUBLISH, Role.WAIT, Role.RUN}
_IN_FRONT = {"nginx", "api"}


def with_drawn(found: Sequence[Span], lines: Sequence[Line], of_tasks: LinesOfTasks) -> list[Span]:
    """The spans that were found and, for each step that has none and is told in log lines, one that is drawn.

    `lines` are those of the journey's own correlation ID, by time; `of_tasks` the events of tasks among them.
    """
    sent = {task_id: at_ns for task_id, own in of_tasks.items() if (at_ns := published_ns(own)) is not None}
    spans, drawn = drawn_requests(found, lines, sent)
    drawn += publications_of_children(found, lines, sent)
    by_task = _by_task([*spans, *drawn])
    taken = {span.span_id for span in [*spans, *drawn]}
    # Without a span of its own, a process goes by its caller's: that one is no task's.
    taken |= {key_of(line)[1] for line in lines if line.fields.get("service.name") in _IN_FRONT}
    for task_id, own in of_tasks.items():
        drawn += drawn_attempts(task_id, by_task.get(task_id, ()), own, taken)
    return [*spans, *drawn]


def _by_task(spans: Iterable[Span]) -> Mapping[str, list[Span]]:
    found = defaultdict(list)
    for span in spans:
        if span.role in _OF_A_TASK:
            found[span.task_id].append(span)
    return found
