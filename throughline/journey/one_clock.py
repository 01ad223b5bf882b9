"""Sets the times of spans and log lines right by one clock, Redis's, where hosts' clocks differ.

Each span and line has its own host's time, and those of api, worker and monitor say how far that is ahead of Redis's.
NGINX cannot ask Redis, and a client's program does not: theirs are known by what they hold. The replica's step is
inside NGINX's, so that it tells within which bounds NGINX's clock is off; if it may be right, it counts as right.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from throughline.journey.log_placement import Line, timed_line
from throughline.journey.search import Found
from throughline.journey.span import Span

OFFSET: Final = "clock_offset_ms"
_KNOWING: Final = {"api", "worker", "monitor"}  # they ask Redis
_GRAIN_NS: Final = 10 * 10**6  # NGINX's clock ticks in milliseconds, and is read once per round of its event loop
_MOST_MS: Final = 1e12  # 30 years: no clock is further off, and no number overflows
# The caller hung up, or NGINX did: the replica may have begun or gone on after that.
_LEFT: Final = {499, 502, 504}

Clock = tuple[str, str]  # service and instance: each has one
Bounds = tuple[int, int]  # how far it is ahead, in nanoseconds


class _Step(NamedTuple):
    """What a span or a line says of when something began and ended; `key` and `parent` as of spans."""

    clock: Clock
    key: tuple[str, str]
    parent: tuple[str, str]
    kind: str
    start_ns: int
    end_ns: int
    status: Any


def on_one_clock(found: Found) -> tuple[list[Span], list[Line]]:
    """All that was found, by Redis's clock; the lines by time."""
    spans = [_moved(span, offset_ns(span.attributes)) for span in found.spans]
    lines = list(map(told_by_redis, found.log_lines))
    ahead = _ahead([*map(_of_span, spans), *filter(None, map(_of_line, lines))])
    if ahead:
        spans = [_moved(span, ahead.get((span.service, span.node), 0)) for span in spans]
        lines = [_line_moved(line, ahead.get(_clock(line.fields), 0)) for line in lines]
    return spans, sorted(lines, key=lambda line: line.at_ns or 0)


def told_by_redis(fields: Mapping[str, Any]) -> Line:
    """A line by Redis's clock, as far as it says itself how far its host's is ahead: NGINX's does not."""
    return _line_moved(timed_line(fields), offset_ns(fields))


def offset_ns(told: Mapping[str, Any]) -> int:
    """How far the clock was ahead by which a span or a line has its times; 0 for one that does not say it."""
    value = told.get(OFFSET)
    return round(float(value) * 1e6) if isinstance(value, int | float) and abs(value) < _MOST_MS else 0


def _ahead(steps: Sequence[_Step]) -> dict[Clock, int]:
    """How far each clock is ahead that does not say it itself, as the steps that it holds tell."""
    known: dict[Clock, int] = {step.clock: 0 for step in steps if step.clock[0] in _KNOWING}
    below = defaultdict(list)
    for step in steps:
        if step.kind == "server":
            below[step.parent].append(step)
    while True:  # from the replicas outwards: NGINX, then who called it
        bounds: dict[Clock, list[Bounds]] = defaultdict(list)
        for outer in steps:
            if outer.clock not in known:
                bounds[outer.clock] += _bounds(outer, below[outer.key], known)
        if not (told := {clock: _offset(each) for clock, each in bounds.items() if each}):
            return {clock: at for clock, at in known.items() if at}
        known |= told


def _bounds(outer: _Step, inside: Iterable[_Step], known: Mapping[Clock, int]) -> Iterator[Bounds]:
    if outer.status in _LEFT or outer.kind not in {"server", "client"}:
        return
    for inner in inside:
        if (ahead := known.get(inner.clock)) is not None and inner.end_ns - inner.start_ns <= (
            outer.end_ns - outer.start_ns + _GRAIN_NS
        ):
            first, last = outer.start_ns - (inner.start_ns - ahead), outer.end_ns - (inner.end_ns - ahead)
            yield min(first, last), max(first, last)


def _offset(bounds: Sequence[Bounds]) -> int:
    """One that is within all of them; when there is none, the clock was set meanwhile."""
    low, high = max(low for low, _ in bounds), min(high for _, high in bounds)
    if low > high + _GRAIN_NS:
        # Or a replica that NGINX had given up has taken the request later: the one that fits counts.
        low, high = min(bounds, key=lambda each: (not _may_be_right(*each), each[1] - each[0]))
    return 0 if _may_be_right(low, high) else (low + high) // 2


def _may_be_right(low: int, high: int) -> bool:
    return low - _GRAIN_NS <= 0 <= high + _GRAIN_NS


def _of_span(span: Span) -> _Step:
    return _Step(
        (span.service, span.node),
        span.key,
        span.parent_key,
        span.kind,
        span.start_ns,
        span.end_ns,
        span.attributes.get("http.response.status_code"),
    )


def _of_line(line: Line) -> _Step | None:
    """A request that left no span, as NGINX or a replica logs it: the replica's line then names NGINX's span."""
    fields = line.fields
    if line.at_ns is None or fields.get("event.action") != "request.completed":
        return None
    took, trace_id = fields.get("duration_ms"), str(fields.get("trace.id", ""))
    start = line.at_ns - (round(took * 1e6) if isinstance(took, int | float) else 0)
    named, key = str(fields.get("span.id", "")), (trace_id, str(fields.get("span.id", "")))
    is_replica = fields.get("service.name") == "api"
    own = (trace_id, f"{named}/api") if is_replica else key
    return _Step(
        _clock(fields),
        own,
        key if is_replica else (trace_id, ""),
        "server",
        start,
        line.at_ns,
        fields.get("http.response.status_code"),
    )


def _clock(fields: Mapping[str, Any]) -> Clock:
    return str(fields.get("service.name", "")), str(fields.get("service.node.name", ""))


def _moved(span: Span, ahead_ns: int) -> Span:
    if not ahead_ns:
        return span
    return replace(span, start_ns=span.start_ns - ahead_ns, end_ns=span.end_ns - ahead_ns)


def _line_moved(line: Line, ahead_ns: int) -> Line:
    return replace(line, at_ns=line.at_ns - ahead_ns) if ahead_ns and line.at_ns is not None else line
