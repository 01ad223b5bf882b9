"""Corrects the times of one request's spans: clocks are coarse, and workers do not know all moments; sums up times."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from throughline.journey.intervals import Interval, clipped, covered_ns
from throughline.journey.journey import Step
from throughline.journey.role import Role
from throughline.journey.span import Span

# NGINX's clock ticks in milliseconds, and is read once per round of its event loop.
_NGINX_GRAIN_NS: Final = 10 * 10**6
_CLAIM_NS: Final = 200 * 10**6  # the longest that a process needs from taking a task to its claim


def with_plausible_times(family: Sequence[Span], enqueued_again: Mapping[str, Sequence[int]]) -> list[Span]:
    """The same spans in the same order. `enqueued_again`: when each task came into its queue after its first time."""
    return [_corrected(span, family, enqueued_again) for span in family]


def _corrected(span: Span, family: Sequence[Span], enqueued_again: Mapping[str, Sequence[int]]) -> Span:
    match span.role:
        case Role.NGINX:
            return _around_its_replicas(span, family)
        case Role.WAIT:
            return _after_the_attempt_before(span, family, enqueued_again.get(span.task_id, ()))
        case Role.RUN if span.lost:
            return _from_the_end_of_its_wait(span, family)
        case _:
            return span


def _around_its_replicas(nginx: Span, family: Sequence[Span]) -> Span:
    # When a replica works on long after NGINX's end, the client has hung up: that is no error of a clock.
    asked = [span for span in family if span.parent_key == nginx.key]
    starts = [span.start_ns for span in asked if nginx.start_ns - span.start_ns <= _NGINX_GRAIN_NS]
    ends = [span.end_ns for span in asked if span.end_ns - nginx.end_ns <= _NGINX_GRAIN_NS]
    return replace(nginx, start_ns=min([nginx.start_ns, *starts]), end_ns=max([nginx.end_ns, *ends]))


def _after_the_attempt_before(wait: Span, family: Sequence[Span], enqueued_again: Sequence[int]) -> Span:
    """From when the task came into its queue: a worker knows its publication or the end of the attempt before only."""
    attempts = [span for span in family if span.role in {Role.WAIT, Role.RUN} and span.task_id == wait.task_id]
    ended = [span.end_ns for span in attempts if wait.start_ns < span.end_ns < wait.end_ns]
    again = [at_ns for at_ns in enqueued_again if wait.start_ns < at_ns <= wait.end_ns]
    return replace(wait, start_ns=max([wait.start_ns, *ended, *again]))


def _from_the_end_of_its_wait(lost: Span, family: Sequence[Span]) -> Span:
    """The span begins with the claim in Redis, a little after the process had taken the task."""
    before = [
        span.end_ns
        for span in family
        if span.role in {Role.WAIT, Role.RUN} and span.task_id == lost.task_id and span.start_ns < lost.start_ns
    ]
    begun = max(before, default=lost.start_ns)
    return replace(lost, start_ns=begun) if lost.start_ns - begun <= _CLAIM_NS else lost


def own_ns(span: Span, family: Sequence[Span]) -> int:
    """How long the span lasted without the time of its children."""
    frame = _interval(span)
    children = (clipped(_interval(other), frame) for other in family if other.parent_key == span.key)
    return span.end_ns - span.start_ns - covered_ns(children)


def totals_of(steps: Iterable[Step]) -> tuple[int, int, int]:
    """Time in the queue, time in a worker, and between attempts; what overlaps is a run first, then a wait.

    Between attempts is also the time until the loss of one was noticed.
    """
    intervals: dict[Role, list[Interval]] = defaultdict(list)
    for step in steps:
        intervals[step.role].append((step.offset_ns, step.end_ns))
    ran = covered_ns(intervals[Role.RUN])
    worked = covered_ns([*intervals[Role.RUN], *intervals[Role.WAIT]])
    between = [*intervals[Role.LOST], *intervals[Role.PAUSE]]
    whole = covered_ns([*intervals[Role.RUN], *intervals[Role.WAIT], *between])
    return worked - ran, ran, whole - worked


def _interval(span: Span) -> Interval:
    return span.start_ns, span.end_ns
