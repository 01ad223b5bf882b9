"""Groups spans by request: by the links from child to parent, since one trace may hold several requests."""

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping
from dataclasses import replace
from typing import Final

from throughline.journey.role import Role
from throughline.journey.span import Span

Key = tuple[str, str]
_SERVERS: Final = {Role.NGINX, Role.API}
_OF_A_TASK: Final = {Role.PUBLISH, Role.WAIT, Role.RUN}
_CAN_ADOPT: Final = {Role.NGINX, Role.API, Role.PUBLISH, Role.WAIT}


def group_by_request(spans: Iterable[Span]) -> list[list[Span]]:
    """Each request's spans, parents before their children and siblings by time; the requests by time too.

    A client may send several requests in one trace of its own, so a span whose parent is not here begins a family.
    """
    by_key = {span.key: span for span in sorted(spans, key=_in_time)}
    children = _by_parent(by_key.values())
    roots = [span for span in by_key.values() if span.parent_key not in by_key]
    seen: set[Key] = set()
    # After the roots come all spans, so that spans that name each other as parents are not left out.
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
    """A span is written when it ends: until then the phases of a run have no parent here. They join their request."""
    requests = [family for family in found if family[0].role in _SERVERS]
    alone: list[list[Span]] = []
    for orphans in [family for family in found if family[0].role not in _SERVERS]:
        home = _home(orphans[0], [*requests, *alone])
        if home is None:
            alone.append(orphans)
        else:
            home += _adopted(orphans, home)
            home[:] = _descent(home[0], _by_parent(home), set())
    return sorted([*requests, *alone], key=lambda family: _in_time(family[0]))


def _adopted(orphans: list[Span], home: list[Span]) -> list[Span]:
    """Below the span that began last before them, of their own task or its parent: so they join the right attempt."""
    first = orphans[0]
    adopters = [span for span in home if span.role in _CAN_ADOPT or span.lost or span.from_lines]
    if first.role not in _CAN_ADOPT:
        adopters = [span for span in adopters if span.task_id == first.task_id] or adopters
    elif first.parent_task_id:
        adopters = [span for span in home if span.task_id == first.parent_task_id] or adopters
    begun = [span for span in adopters if span.start_ns <= first.start_ns]
    parent = max(begun or adopters or home, key=lambda span: span.start_ns)
    own = [replace(first, parent_id=parent.span_id), *orphans[1:]]
    # Links from child to parent hold within a trace only.
    return own if first.trace_id == parent.trace_id else [replace(span, trace_id=parent.trace_id) for span in own]


def _home(orphan: Span, families: list[list[Span]]) -> list[Span] | None:
    """The request of its task or of the task that submitted it, whatever the trace; else the only one of its trace."""
    same_trace = [family for family in families if family[0].trace_id == orphan.trace_id]
    of_its_task = [family for family in same_trace if orphan.task_id and _knows(family, orphan.task_id)]
    at_work = [family for family in families if _knows(family, orphan.task_id, _OF_A_TASK)] if orphan.task_id else []
    submitted = [family for family in families if _knows(family, orphan.parent_task_id, _OF_A_TASK)]
    # The first of a task is its submission; later ones only ask for its state.
    for found in (of_its_task, at_work, submitted if orphan.parent_task_id else []):
        if found:
            return found[0]
    requests = [family for family in same_trace if family[0].role in _SERVERS]
    return requests[0] if len(requests) == 1 else None


def _knows(family: Iterable[Span], task_id: str, roles: Container[Role] = frozenset(Role)) -> bool:
    return any(span.task_id == task_id and span.role in roles for span in family)
