"""Reads spans as the processes write them: each line is an OTLP/JSON export, and any may be incomplete."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from throughline.journey.role import KINDS, Role, role_of

_ERROR: Final = (2, "STATUS_CODE_ERROR")
_YEAR_10000_NS: Final = 253_402_300_800 * 10**9


@dataclass(frozen=True)
class Span:
    """One step of a request, in nanoseconds since the epoch."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    service: str
    node: str
    start_ns: int
    end_ns: int
    attributes: Mapping[str, Any]
    failed: bool = False
    kind: str = "unspecified"  # one of KINDS
    from_lines: bool = False  # drawn from log lines, for a step that left no span
    unsampled: bool = False  # a log line says that its trace leaves no spans
    version: str = ""  # of the process that wrote it

    @cached_property
    def role(self) -> Role:
        return role_of(self.service, self.kind, self.name, self.attributes)

    @property
    def key(self) -> tuple[str, str]:
        return self.trace_id, self.span_id

    @property
    def parent_key(self) -> tuple[str, str]:
        return self.trace_id, self.parent_id

    @property
    def lost(self) -> bool:
        """Whether it is the run of a process that was killed: the process of the next attempt wrote it."""
        return self.role is Role.RUN and "cause" in self.attributes

    @property
    def place(self) -> str:
        """The instance where it happened."""
        told_by_another = self.lost or self.role in {Role.WAIT, Role.TAKE, Role.LOST}
        return str(self.attributes.get("worker", self.node)) if told_by_another else self.node

    @property
    def task_id(self) -> str:
        return str(self.attributes.get("task_id", ""))

    @property
    def parent_task_id(self) -> str:
        """The task that submitted this one; empty for a task that came over HTTP."""
        return str(self.attributes.get("parent_id", ""))


def spans_in(export: Mapping[str, Any]) -> Iterator[Span]:
    """The readable spans of one export."""
    for resource_spans in _list(export, "resourceSpans"):
        resource = _attributes(resource_spans.get("resource", {}))
        for scope_spans in _list(resource_spans, "scopeSpans"):
            for span in _list(scope_spans, "spans"):
                # One span that cannot be read must not hide the others.
                with suppress(KeyError, TypeError, ValueError, OverflowError):
                    yield _span(span, resource)


def _span(span: Mapping[str, Any], resource: Mapping[str, Any]) -> Span:
    attributes = _attributes(span)
    start, end = int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"])
    if "request_time" in attributes:
        # NGINX's log format cannot subtract: it writes the end as start and end, and how long the request took.
        start = end - round(float(attributes["request_time"]) * 1e9)
    if not 0 <= start < _YEAR_10000_NS or not 0 <= end < _YEAR_10000_NS:
        raise ValueError("not a time")
    return Span(
        trace_id=str(span["traceId"]),
        span_id=str(span["spanId"]),
        parent_id=str(span.get("parentSpanId") or ""),
        name=str(span["name"]),
        service=str(resource.get("service.name", "")),
        node=str(resource.get("service.instance.id", "")),
        start_ns=start,
        end_ns=max(start, end),  # two hosts' clocks may differ by more than a short wait lasts
        attributes=attributes,
        failed=(span.get("status") or {}).get("code") in _ERROR,
        kind=kind_of(span.get("kind")),
        version=str(resource.get("service.version", "")),
    )


def kind_of(kind: Any) -> str:
    """OTLP/JSON has numbers; some exporters write the name."""
    if isinstance(kind, str):
        kind = kind.removeprefix("SPAN_KIND_").lower()
        return kind if kind in KINDS else KINDS[0]
    return KINDS[kind] if isinstance(kind, int) and 0 <= kind < len(KINDS) else KINDS[0]


def _list(holder: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    members = holder.get(name)
    return [member for member in members if isinstance(member, dict)] if isinstance(members, list) else []


def _attributes(holder: Any) -> dict[str, Any]:
    found = {}
    if isinstance(holder, dict):
        for attribute in _list(holder, "attributes"):
            with suppress(KeyError, TypeError, ValueError, AttributeError):
                ((kind, value),) = attribute["value"].items()
                # 64-bit numbers are strings in OTLP/JSON.
                value = int(value) if kind == "intValue" else value
                if isinstance(value, str | int | float):
                    found[str(attribute["key"])] = value
    return found
