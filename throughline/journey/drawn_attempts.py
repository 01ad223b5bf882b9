"""Draws each wait and each run of a task from its log lines, where it left no span."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, Final

from throughline.journey.drawn_requests import is_unsampled, key_of, milliseconds_ns
from throughline.journey.log_placement import Line
from throughline.journey.role import Role
from throughline.journey.span import Span
from throughline.journey.task_changes import Change, changes_of, lost_ns
from throughline.journey.task_spans import TaskSpans
from throughline.ledger.states import Status

_ROLES: Final[dict[str, Role]] = {Status.PENDING: Role.WAIT, Status.STARTED: Role.RUN}


def published_ns(lines: Iterable[Line]) -> int | None:
    """When the task was sent, as the worker of its first attempt knows it from its message."""
    found = []
    for line in lines:
        if line.fields.get("attempt") == 1 and line.at_ns is not None and "queue_wait_ms" in line.fields:
            worked = milliseconds_ns(line, "duration_ms") + milliseconds_ns(line, "queue_wait_ms")
            found.append(line.at_ns - worked)
    return min(found, default=None)


def drawn_attempts(task_id: str, spans: Sequence[Span], lines: Sequence[Line], taken: set[str]) -> list[Span]:
    """`spans` are those of the task that were found, or drawn of its publication; `taken` are all IDs of spans."""
    task = TaskSpans(task_id, "", tuple(spans), tuple(lines))
    return list(_Attempts(task, taken).drawn())


class _Attempts:
    def __init__(self, task: TaskSpans, taken: set[str]) -> None:
        self._task = task
        self._taken = taken
        self._trace_id = _trace_of(task)
        self._unsampled = any(is_unsampled(line) and key_of(line)[0] == self._trace_id for line in task.lines)
        self._is_sampled = any(not span.from_lines for span in task.spans)
        self._known = sorted(task.waits_and_runs, key=lambda span: span.end_ns)
        self._publication = next((span for span in task.spans if span.role is Role.PUBLISH), None)

    def drawn(self) -> Iterator[Span]:
        for begun, ended in pairwise(self._changes()):
            role = _ROLES.get(begun.status)
            if role and self._leaves_a_span(role, ended) and not self._has_span(role, begun.at_ns, ended.at_ns):
                span = self._span(role, begun, ended)
                self._known.append(span)
                yield span
                yield from self._parts(span, ended)

    def _parts(self, span: Span, ended: Change) -> Iterator[Span]:
        """The step in which a worker had the message already, and the one after the last sign of life."""
        if span.role is Role.WAIT and (took := _ns(ended.fields.get("take_ms"))):
            begin = max(span.start_ns, span.end_ns - took)
            yield _beside(span, f"take {self._task.queue}", begin, span.end_ns, parent_id=span.span_id)
        lost = lost_ns(ended.fields) if span.role is Role.RUN else 0
        if lost:
            name = f"lost {self._task.task_type}"
            yield _beside(span, name, span.end_ns, span.end_ns + lost, parent_id=span.span_id)

    def _changes(self) -> list[Change]:
        changes = changes_of(self._task.waits_and_runs, self._task.lines)
        known = (self._task.enqueued_ns, published_ns(self._task.lines))
        begins = [at_ns for at_ns in known if at_ns is not None]
        if not begins or not changes or changes[0].at_ns < min(begins):
            return changes
        return [Change(min(begins), Status.PENDING), *changes]

    def _leaves_a_span(self, role: Role, ended: Change) -> bool:
        """No worker tells of a wait that ends without a run: there is none to draw between spans that were found."""
        return role is Role.RUN or ended.status == Status.STARTED or not self._is_sampled

    def _has_span(self, role: Role, start_ns: int, end_ns: int) -> bool:
        return any(span.start_ns <= end_ns and span.end_ns >= start_ns for span in self._known if span.role is role)

    def _span(self, role: Role, begun: Change, ended: Change) -> Span:
        running = role is Role.RUN
        name = f"run {self._task.task_type}" if running else f"wait {self._task.queue}"
        return Span(
            trace_id=self._trace_id,
            span_id=self._id(begun, ended) if running else f"{self._task.task_id}/wait/{begun.at_ns}",
            parent_id=self._parent_id(begun.at_ns),
            name=name,
            service="worker",
            node=self._node(begun if running else ended),
            start_ns=begun.at_ns,
            end_ns=max(begun.at_ns, ended.at_ns - (lost_ns(ended.fields) if running else 0)),
            attributes=self._attributes(begun, ended, running=running),
            failed=running and ended.status not in {Status.SUCCESS, Status.REVOKED},
            kind="consumer" if running else "internal",
            from_lines=True,
            unsampled=self._unsampled,
            version=str((begun if running else ended).fields.get("service.version", "")),
        )

    def _attributes(self, begun: Change, ended: Change, *, running: bool) -> dict[str, Any]:
        task = self._task
        attributes = {"task_id": task.task_id, "task_type": task.task_type, "queue": task.queue}
        parent_id = next((str(line.fields["parent_id"]) for line in task.lines if line.fields.get("parent_id")), "")
        attempt = begun.attempt or ended.attempt if running else ended.attempt
        told: dict[str, Any] = {"parent_id": parent_id, "attempt": attempt} | (_outcome(ended) if running else {})
        return attributes | {name: value for name, value in told.items() if value}

    def _id(self, begun: Change, ended: Change) -> str:
        """That of its real span, as its lines name it: what was exported of its phases is then below it."""
        named = [str(change.fields.get("span.id", "")) for change in (begun, ended)]
        made = f"{self._task.task_id}/run/{begun.at_ns}"
        found = next((span_id for span_id in named if span_id and span_id not in self._taken), made)
        self._taken.add(found)
        return found

    def _node(self, started: Change) -> str:
        """Whose run began with this change; a task may also be cancelled while it waits."""
        if started.status != Status.STARTED:
            return ""
        told = started.fields.get("worker") or started.fields.get("service.node.name")
        return str(told or self._task.node_at(started.at_ns))

    def _parent_id(self, at_ns: int) -> str:
        before = [span for span in self._known if span.end_ns <= at_ns and span.trace_id == self._trace_id]
        if before:
            return max(before, key=lambda span: span.end_ns).span_id
        return self._publication.span_id if self._publication else ""


def _ns(milliseconds: Any) -> int:
    return max(0, round(milliseconds * 1e6)) if isinstance(milliseconds, int | float) else 0


def _beside(span: Span, name: str, start_ns: int, end_ns: int, *, parent_id: str) -> Span:
    return replace(
        span,
        span_id=f"{span.span_id}/{name}",
        parent_id=parent_id,
        name=name,
        start_ns=start_ns,
        end_ns=end_ns,
        kind="internal",
        failed=False,
    )


def _outcome(ended: Change) -> dict[str, Any]:
    if ended.status in {Status.PENDING, Status.STARTED}:
        return {"cause": ended.fields.get("cause") or "lost with its process"}
    return {"status": ended.status, "error.type": ended.fields.get("error.type")}


def _trace_of(task: TaskSpans) -> str:
    """Not that of a request that cancelled or replayed it."""
    own = (span.trace_id for span in task.spans)
    told = (key_of(line)[0] for line in task.lines if not line.fields.get("requested_by"))
    return next(filter(None, (*own, *told)), "")
