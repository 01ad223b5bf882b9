"""The spans of one request, moved to where they must have been: clocks are coarse, and messages come twice."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from throughline.journey.intervals import Interval, clipped, covered_ns
from throughline.journey.span import Role, Span

# NGINX's clock ticks in milliseconds, and is read once per round of its event loop.
_NGINX_GRAIN_NS: Final = 10 * 10**6


def with_plausible_times(family: Sequence[Span]) -> list[Span]:
    """The same spans in the same order, in times that can be true together."""
    return [_settled(span, family) for span in family]


def _settled(span: Span, family: Sequence[Span]) -> Span:
    match span.role:
        case Role.NGINX:
            return _around_its_replicas(span, family)
        case Role.WAIT:
            return _after_the_attempt_before(span, family)
        case _:
            return span


def _around_its_replicas(nginx: Span, family: Sequence[Span]) -> Span:
    # A replica that works on long after NGINX's end is no matter of the clock: the client hung up.
    asked = [span for span in family if span.parent_key == nginx.key]
    starts = [span.start_ns for span in asked if nginx.start_ns - span.start_ns <= _NGINX_GRAIN_NS]
    ends = [span.end_ns for span in asked if span.end_ns - nginx.end_ns <= _NGINX_GRAIN_NS]
    return replace(nginx, start_ns=min([nginx.start_ns, *starts]), end_ns=max([nginx.end_ns, *ends]))


def _after_the_attempt_before(wait: Span, family: Sequence[Span]) -> Span:
    # Each wait is counted from the one publication, so that of a second attempt lies over all of the first.
    attempts = [span for span in family if span.role in {Role.WAIT, Role.RUN}]
    ended = [span.end_ns for span in attempts if wait.start_ns < span.end_ns < wait.end_ns]
    return replace(wait, start_ns=max([wait.start_ns, *ended]))


def own_ns(span: Span, family: Sequence[Span]) -> int:
    """How long the span lasted without any of its children being at work."""
    frame = _interval(span)
    children = (clipped(_interval(other), frame) for other in family if other.parent_key == span.key)
    return span.end_ns - span.start_ns - covered_ns(children)


def waited_and_ran_ns(family: Sequence[Span]) -> Interval:
    """Time in the queue and time in a worker; while two attempts overlap, it runs."""
    runs = [_interval(span) for span in family if span.role is Role.RUN]
    waits = [_interval(span) for span in family if span.role is Role.WAIT]
    ran = covered_ns(runs)
    return covered_ns([*runs, *waits]) - ran, ran


def _interval(span: Span) -> Interval:
    return span.start_ns, span.end_ns
