"""Families of spans: one per request, found by the links from child to parent and not by the trace alone."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from throughline.journey.span import Role, Span

Key = tuple[str, str]
_SERVERS: Final = {Role.NGINX, Role.API}
_CAN_ADOPT: Final = {Role.NGINX, Role.API, Role.PUBLISH, Role.WAIT}


def group_by_request(spans: Iterable[Span]) -> list[list[Span]]:
    """Each request's spans, parents before their children and siblings by time; the requests by time too.

    A client may send several requests in one trace of its own, so a span whose parent is not here begins a family.
    """
    by_key = {span.key: span for span in sorted(spans, key=_in_time)}
    children = _by_parent(by_key.values())
    roots = [span for span in by_key.values() if span.parent_key not in by_key]
    seen: set[Key] = set()
    # After the roots come all: spans that are each other's parents (no honest process writes them) hang on no root.
    found = [_descent(span, children, seen) for span in [*roots, *by_key.values()] if span.key not in seen]
    return _reunited(found)


def _by_parent(spans: Iterable[Span]) -> dict[Key, list[Span]]:
    children: dict[Key, list[Span]] = defaultdict(list)
    for span in sorted(spans, key=_in_time):
        children[span.parent_key].append(span)
    return children


def _in_time(span: Span) -> tuple[int, int, str]:
    return span.start_ns, span.end_ns, span.span_id


def _descent(root: Span, children: Mapping[Key, list[Span]], seen: set[Key]) -> list[Span]:
    found, waiting = [], [root]
    while waiting:
        span = waiting.pop()
        if span.key not in seen:
            seen.add(span.key)
            found.append(span)
            waiting.extend(reversed(children.get(span.key, [])))
    return found


def _reunited(found: list[list[Span]]) -> list[list[Span]]:
    """A span is written when it ends: until the run's is, its phases have no parent here, but belong to a request."""
    requests = [family for family in found if family[0].role in _SERVERS]
    alone = []
    for orphans in [family for family in found if family[0].role not in _SERVERS]:
        home = _home(orphans[0], requests)
        if home is None:
            alone.append(orphans)
        else:
            home += _adopted(orphans, home)
            home[:] = _descent(home[0], _by_parent(home), set())
    return sorted([*requests, *alone], key=lambda family: _in_time(family[0]))


def _adopted(orphans: list[Span], home: list[Span]) -> list[Span]:
    """Below what began last before them: of two attempts the one that they belong to."""
    adopters = [span for span in home if span.role in _CAN_ADOPT or span.lost]
    begun = [span for span in adopters if span.start_ns <= orphans[0].start_ns]
    parent = max(begun or adopters, key=lambda span: span.start_ns)
    return [replace(orphans[0], parent_id=parent.span_id), *orphans[1:]]


def _home(orphan: Span, requests: list[list[Span]]) -> list[Span] | None:
    same_trace = [family for family in requests if family[0].trace_id == orphan.trace_id]
    of_its_task = [family for family in same_trace if orphan.task_id in {s.task_id for s in family if s.task_id}]
    if of_its_task:
        return of_its_task[0]  # the submission; later ones only ask for the task's state
    return same_trace[0] if len(same_trace) == 1 else None
